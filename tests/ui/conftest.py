import shutil
from pathlib import Path

import pytest
from results_project import CLEAN, PREPARE, refresh, write_data

from ferflow.base.files import write_json
from result_files import write_results


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("finished")
    write_results(root)
    refresh(root)
    receipt = {"dataset": "fer2013", "source": "archive", "origin": "fer2013.zip", "sha256": "ab" * 32}
    write_json(root / "reports/download/receipt.json", receipt)
    write_json(root / "reports/clean/summary.json", CLEAN)
    images = {"train": 300, "validation": 300, "test": 200}
    write_json(root / "reports/prepare/summary.json", {**PREPARE, "images": images})
    write_data(root)
    return root


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / "project")
