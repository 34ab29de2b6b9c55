from pathlib import Path

import pytest
from clean_helpers import Raw


@pytest.fixture
def raw(tmp_path: Path) -> Raw:
    return Raw(tmp_path / "raw")
