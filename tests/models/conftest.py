"""Fixtures of the tests of transfer models."""

from pathlib import Path

import pytest
from transfer_helpers import save_base


@pytest.fixture
def weights(tmp_path: Path) -> str:
    save_base(tmp_path / "base.weights.h5")
    return str(tmp_path / "base.weights.h5")
