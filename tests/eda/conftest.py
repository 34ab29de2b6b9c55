"""An empty raw folder, and a report on a full one."""

from pathlib import Path

import pytest
from eda_folders import Raw, Report, fill


@pytest.fixture
def raw(tmp_path: Path) -> Raw:
    """Return an empty raw folder."""
    (tmp_path / "raw").mkdir()
    return Raw(tmp_path / "raw")


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Return the report on the folder of `fill`."""
    folder = tmp_path_factory.mktemp("eda")
    (folder / "raw").mkdir()
    raw, out = fill(Raw(folder / "raw")), folder / "report"
    return Report(raw, out, raw.report(out, dataset="faces <of> mine"))
