"""The kaggle command line, run in a process of its own: `python -P kaggle_process.py ARGUMENTS`.

It is the official client, unchanged but for what a caller needs and the `kaggle` script of 2.2.4 does not give:

- each HTTP error is told as a line `ferflow-http STATUS RETRY-AFTER`, since the client drops Retry-After;
- it ends when the caller does (its standard input closes), so that no orphan writes into a later run's file;
- KAGGLE_API_ENVIRONMENT=TEST leads to localhost:7777, as kagglesdk defines it and the script overlooks.

`import kaggle` tries to log in, so nothing but this process may import it.
"""

import os
import sys
import threading
from typing import Any

STATUS = "ferflow-http"  # starts the lines that tell an HTTP error


def main() -> None:
    """Run the client with the arguments of this process; it ends the process with status 1 on an error."""
    import requests
    from kagglesdk import kaggle_env  # type: ignore[import-untyped]

    threading.Thread(target=_end_with_caller, daemon=True).start()
    if os.environ.get("KAGGLE_API_ENVIRONMENT") == "TEST":
        os.environ["KAGGLE_API_ENVIRONMENT"] = "LOCALHOST"  # the one that the client looks for
        endpoints = kaggle_env._env_to_endpoint
        endpoints[kaggle_env.KaggleEnv.LOCAL] = endpoints[kaggle_env.KaggleEnv.TEST]

    session: Any = requests.Session
    send = session.send

    def telling_send(self: Any, request: Any, **options: Any) -> Any:
        response = send(self, request, **options)
        if response.status_code >= 400:
            print(f"\n{STATUS} {response.status_code} {response.headers.get('Retry-After', '')}", flush=True)
        return response

    session.send = telling_send
    sys.argv[0] = "kaggle"  # by this name the client knows that it may go without an account
    from kaggle.cli import main as kaggle_main

    kaggle_main()


def _end_with_caller() -> None:
    while os.read(0, 1024):  # not sys.stdin, whose lock would break Python's own end
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
