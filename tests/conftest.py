"""How `pytest -n 2 --dist loadfile` shares the tests between its workers, and what no test leaves to the next one."""

import contextlib
import os
import sys
from collections.abc import Iterator

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

PIPELINE = "tests/pipeline"


class Files(LoadFileScheduling):
    """Gives a file to one worker, and all of tests/pipeline, which share one run of the whole graph, to one as well."""

    def _split_scope(self, nodeid: str) -> str:
        return PIPELINE if nodeid.startswith(f"{PIPELINE}/") else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """Replace the scheduler of `--dist loadfile`."""
    return Files(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(autouse=True, scope="module")
def restored_after_module() -> Iterator[None]:
    """Restores MLflow's process-wide settings, which a fixture of a module has changed."""
    with _restored():
        yield


@pytest.fixture(autouse=True)
def restored_after_test(restored_after_module: None) -> Iterator[None]:
    """Restores MLflow's process-wide settings: the next test must not write to the store of this one."""
    with _restored():
        yield


@contextlib.contextmanager
def _restored() -> Iterator[None]:
    before = _mlflow_variables()
    yield
    if "mlflow" in sys.modules:
        # Also sets MLFLOW_TRACKING_URI and MLFLOW_REGISTRY_URI.
        sys.modules["mlflow"].set_tracking_uri(None)
        sys.modules["mlflow"].set_registry_uri(None)
    for name in _mlflow_variables():
        del os.environ[name]
    os.environ.update(before)


def _mlflow_variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("MLFLOW_")}


def pytest_configure() -> None:
    """Forget the developer's own store, which the tests must not write to."""
    for name in _mlflow_variables():
        del os.environ[name]
