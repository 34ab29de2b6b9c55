"""Results shared through a DVC remote: another copy of the project has them without training anything."""

import os
from pathlib import Path

import numpy as np
import pytest
from pipeline_project import Project

pytestmark = [pytest.mark.pipeline, pytest.mark.slow, pytest.mark.timeout(1800)]


def test_another_copy_has_every_result_without_a_training(finished: Project, tmp_path: Path) -> None:
    finished.run("dvc", "remote", "add", "--force", "--default", "storage", str(tmp_path / "storage"))
    finished.run("git", "commit", "--quiet", "-am", "remote")
    finished.run("dvc", "push")
    finished.run("git", "clone", "--quiet", ".", str(tmp_path / "copy"))
    copy = Project(tmp_path / "copy")
    assert not (copy.folder / "models").exists()
    copy.run("dvc", "pull")
    assert copy.repro() == set()
    assert "up to date" in copy.run("dvc", "status")
    for path in ("models/cnn/model.keras", "data/prepare/test_images.npy"):
        assert (copy.folder / path).read_bytes() == (finished.folder / path).read_bytes()
    assert len(np.load(copy.folder / "data/prepare/test_images.npy")) > 0
    copy.run("ferflow", "track")
    assert os.path.getsize(copy.folder / "mlflow.db") > 0  # noqa: PTH202
