"""`ferflow ui`: MLflow's UI, opened on the page that shows a dataset's runs with their charts."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import webbrowser
from pathlib import Path

from ferflow.base.errors import TrackingError
from ferflow.ui.tracking.store import GLANCE, Store

_VIEW = "ferflow"
_BEST_FIRST = f"metrics.`{GLANCE}/validation_accuracy`"
_COLUMNS = (
    _BEST_FIRST,
    f"metrics.`{GLANCE}/validation_macro_f1`",
    f"metrics.`{GLANCE}/PrivateTest_accuracy`",
    f"metrics.`{GLANCE}/test_accuracy`",
    "params.`trained.parameters`",
    "params.`trained.best_epoch`",
)


def share_view(store: Store, experiment: str) -> None:
    """Give an experiment the view that runs_address opens: its order and columns, as MLflow's "Share view" stores one.

    Args:
        store: MLflow store.
        experiment: Id of the experiment.

    Raises:
        TrackingError: The store cannot be used.
    """
    view = {"orderByKey": _BEST_FIRST, "orderByAsc": False, "selectedColumns": list(_COLUMNS)}
    with store.session() as client:
        client.set_experiment_tag(experiment, f"mlflow.sharedViewState.{_VIEW}", json.dumps(view))


def runs_address(base: str, experiment: str) -> str:
    """Return the address of an experiment's runs with their charts, in the order and columns of share_view.

    Without `workflowType`, a browser that has never shown MLflow opens the side for language models, which is empty.

    >>> runs_address("http://127.0.0.1:5000", "1").partition("?")[0]
    'http://127.0.0.1:5000/#/experiments/1/runs'
    """
    query = urllib.parse.urlencode(
        {"workflowType": "machine_learning", "compareRunsMode": "CHART", "viewStateShareKey": _VIEW}
    )
    return f"{base.rstrip('/')}/#/experiments/{experiment}/runs?{query}"


def show(store: Store, experiment: str, port: int, *, browser: bool) -> None:
    """Print the address of an experiment's runs and open it; for a database, run MLflow's server until it is stopped.

    Args:
        store: MLflow store.
        experiment: Id of the experiment.
        port: Port of the server on 127.0.0.1.
        browser: Whether to open the address in the user's browser.

    Raises:
        TrackingError: The port is in use, or the server does not start.
    """
    share_view(store, experiment)
    if store.uri.startswith("http"):
        _tell(runs_address(store.uri, experiment), browser=browser)
        return
    _check_port(port)  # the other program may be a server of another project, and would answer for this one
    base = f"http://127.0.0.1:{port}"
    command = [str(Path(sys.executable).parent / "mlflow"), "ui", "--backend-store-uri", store.uri]
    if store.artifacts is not None:
        command += ["--default-artifact-root", store.artifacts.as_uri()]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends with this process
    server = subprocess.Popen([*command, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"])
    try:
        _wait(server, base)
        _tell(runs_address(base, experiment), browser=browser)
        server.wait()
    finally:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=10)


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise TrackingError(
                f"Port {port} of 127.0.0.1 cannot be used ({error.strerror}). If a server still runs there, stop it or "
                f"choose another port: make ui PORT={port + 1}."
            ) from None


def _wait(server: "subprocess.Popen[bytes]", base: str, timeout: float = 120.0) -> None:
    ends = time.monotonic() + timeout
    while time.monotonic() < ends:
        if server.poll() is not None:
            raise TrackingError(
                f"MLflow's server ended with exit status {server.returncode}; see the output above. If another program "
                "uses the port, choose one: make ui PORT=5001."
            )
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(f"{base}/health", timeout=2):
            return
        time.sleep(0.2)
    raise TrackingError(f"MLflow's server does not answer at {base} after {timeout:.0f} seconds.")


def _tell(address: str, *, browser: bool) -> None:
    print(f"\nAll runs with their charts: {address}\n", flush=True)
    if browser:
        webbrowser.open(address)
