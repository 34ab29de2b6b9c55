"""`ferflow ui`: a real server that answers at the printed address, and ends with the command."""

import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

CODE = """
import sys
from pathlib import Path

from ferflow.ui.console import run_command
from ferflow.ui.tracking import connect
from ferflow.ui.tracking.mlflow_page import show


def main():
    store = connect("sqlite:///mlflow.db", Path())
    show(store, store.experiment("drawn"), int(sys.argv[1]), browser=False)


run_command(main)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(folder: Path, port: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", CODE, str(port)]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_the_printed_address_answers_until_the_command_ends(tmp_path: Path) -> None:
    port = free_port()
    command = start(tmp_path, port)
    assert command.stdout is not None
    try:
        address = next(found[0] for line in command.stdout if (found := re.search(r"http://\S+", line)))
        assert address.startswith(f"http://127.0.0.1:{port}/#/experiments/1/runs?workflowType=machine_learning")
        with urllib.request.urlopen(address, timeout=30) as page:
            assert b"<title>MLflow" in page.read()

        (tmp_path / "other").mkdir()
        second = start(tmp_path / "other", port)
        _, message = second.communicate(timeout=120)
        assert second.returncode == 1
        assert f"error: Port {port} of 127.0.0.1 cannot be used" in message
    finally:
        command.send_signal(signal.SIGTERM)
        command.communicate(timeout=60)
    assert command.returncode == 143
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
