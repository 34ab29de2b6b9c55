"""The kaggle command line as a separate process: `python -P kaggle_process.py ARGUMENTS`.

This is the official client with three additions that the `kaggle` script of version 2.2.4 lacks:

- Each HTTP error is printed as a line `ferflow-http STATUS RETRY-AFTER`, since the client drops the Retry-After header.
- It exits when its caller does (its standard input closes), so that no orphan writes into the file of a later run.
- KAGGLE_API_ENVIRONMENT=TEST selects localhost:7777, which kagglesdk defines and the script ignores.

`import kaggle` tries to log in, so only this process may import it.
"""

import os
import sys
import threading
from typing import Any

STATUS = "ferflow-http"  # starts the lines that report an HTTP error


def main() -> None:
    """Run the client with the arguments of this process; on an error the process exits with status 1."""
    import requests
    from kagglesdk import kaggle_env  # type: ignore[import-untyped]

    threading.Thread(target=_exit_with_caller, daemon=True).start()
    if os.environ.get("KAGGLE_API_ENVIRONMENT") == "TEST":
        os.environ["KAGGLE_API_ENVIRONMENT"] = "LOCALHOST"  # the value that the client looks for
        endpoints = kaggle_env._env_to_endpoint
        endpoints[kaggle_env.KaggleEnv.LOCAL] = endpoints[kaggle_env.KaggleEnv.TEST]

    session: Any = requests.Session
    send = session.send

    def reporting_send(self: Any, request: Any, **options: Any) -> Any:
        response = send(self, request, **options)
        if response.status_code >= 400:
            print(f"\n{STATUS} {response.status_code} {response.headers.get('Retry-After', '')}", flush=True)
        return response

    session.send = reporting_send
    sys.argv[0] = "kaggle"  # only under this name does the client work without an account
    from kaggle.cli import main as kaggle_main

    kaggle_main()


def _exit_with_caller() -> None:
    while os.read(0, 1024):  # not sys.stdin, whose lock would break Python's shutdown
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
