from collections.abc import Callable
from pathlib import Path

import pytest

import result_files


@pytest.fixture(scope="session")
def write_results() -> Callable[..., Path]:
    """Write the results of several networks, by name and share of correct predictions."""
    return result_files.write_results
