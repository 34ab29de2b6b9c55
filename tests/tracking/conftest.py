"""A real DVC project that runs within seconds, a real SQLite store and a real MLflow server."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tracking_helpers import dvc, run, write_network

from ferflow.ui.tracking import Store, connect

PROJECT = Path(__file__).parent / "project"


@pytest.fixture(scope="session")
def finished_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of tests/tracking/project, run by DVC once. Tests must not change it."""
    folder = tmp_path_factory.mktemp("finished") / "a project"
    shutil.copytree(PROJECT, folder)
    (folder / "stage.py").write_text(f"#!{sys.executable}\n" + (folder / "stage.py").read_text())
    (folder / "stage.py").chmod(0o755)
    run(folder, "git", "init", "-q")
    dvc(folder, "init", "-q")
    run(folder, "git", "add", "-A")
    run(folder, "git", "commit", "-qm", "start")
    dvc(folder, "repro")
    return folder


@pytest.fixture
def project(finished_project: Path, tmp_path: Path) -> Path:
    """A copy of the finished project that a test may change."""
    folder = tmp_path / "a project"
    shutil.copytree(finished_project, folder)
    return folder


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without runs, made once, since it takes two seconds."""
    folder = tmp_path_factory.mktemp("database")
    connect("sqlite:///mlflow.db", folder)
    return folder / "mlflow.db"


@pytest.fixture
def new_store(empty_database: Path) -> Callable[..., Store]:
    """Makes an empty store in a folder. Each needs its own name, since MLflow never closes a database."""

    def make(folder: Path, name: str = "mlflow.db") -> Store:
        assert not (folder / name).exists()
        shutil.copy(empty_database, folder / name)
        return connect(f"sqlite:///{name}", folder)

    return make


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[str]:
    """The address of a real MLflow server."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(empty_database, folder / "server.db")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    stores = ["--backend-store-uri", "sqlite:///server.db", "--artifacts-destination", "./artifacts"]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *options, *stores],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(1200):
            assert process.poll() is None, (folder / "log.txt").read_text()
            try:
                urllib.request.urlopen(f"{address}/health", timeout=1).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.25)
        else:
            pytest.fail((folder / "log.txt").read_text())
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_network(tmp_path_factory.mktemp("network"))
