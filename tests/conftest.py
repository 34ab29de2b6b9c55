"""How `pytest -n 2 --dist loadfile` shares the tests between its workers."""

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
