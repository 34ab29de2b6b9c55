"""A real MLflow server, which a test can kill and start again."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest


class MlflowServer:
    """Serves `server.db` in a folder at an address of its own, which stays the same."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = ["--host", "127.0.0.1", "--port", str(self._port), "--workers", "1"]
        stores = ["--backend-store-uri", "sqlite:///server.db", "--artifacts-destination", "./artifacts"]
        environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        environment.pop("MLFLOW_TRACKING_URI", None)
        with (self._folder / "log.txt").open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", *options, *stores],
                cwd=self._folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        for _ in range(1200):
            assert self._process.poll() is None, (self._folder / "log.txt").read_text()
            try:
                urllib.request.urlopen(f"{self.address}/health", timeout=1).close()
            except (urllib.error.URLError, OSError):
                time.sleep(0.25)
            else:
                return
        pytest.fail((self._folder / "log.txt").read_text())

    def kill(self) -> None:
        """Kill it and the processes that it started, as `kill -9` does."""
        if self._process and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        """End it politely."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=20)
