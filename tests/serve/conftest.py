from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from serve_helpers import running

from ferflow.serve.limits import Limits
from ferflow.use.recognizer import Recognizer
from made_network import drawn_faces, write_network


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export folder."""
    return write_network(tmp_path_factory.mktemp("network"), drawn_faces())


@pytest.fixture(scope="session")
def recognizer(network: Path) -> Recognizer:
    return Recognizer(network, threads=1)


@pytest.fixture(scope="module")
def service(recognizer: Recognizer) -> Iterator[httpx.Client]:
    """A client of a service with small limits."""
    limits = Limits(max_bytes=400_000, max_pixels=1_000_000, max_pictures=3, max_faces=3)
    with running(recognizer, limits) as client:
        yield client
