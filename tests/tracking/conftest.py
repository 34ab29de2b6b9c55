"""A real DVC project that runs within seconds, a real SQLite store and a real MLflow server."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow_server import MlflowServer
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
    running = MlflowServer(folder)
    try:
        running.start()
        yield running.address
    finally:
        running.stop()


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_network(tmp_path_factory.mktemp("network"))
