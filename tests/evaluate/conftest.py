from pathlib import Path

import pytest

from defaults import section
from evaluation_data import write_data, write_inference, write_training
from ferflow.evaluate import evaluate


@pytest.fixture(scope="session")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_training(tmp_path_factory.mktemp("reports") / "train/cnn")


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """data/prepare with two subsets of test, copies, groups and votes."""
    return write_data(tmp_path_factory.mktemp("data") / "prepare", votes=True)


@pytest.fixture(scope="session")
def inferred(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """reports/infer/cnn."""
    folder = tmp_path_factory.mktemp("infer") / "cnn"
    folder.mkdir()
    return write_inference(folder, data)


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory, data: Path, inferred: Path, training: Path) -> Path:
    """reports/evaluate/cnn."""
    out = tmp_path_factory.mktemp("evaluate") / "cnn"
    evaluate("cnn", inferred, training, data, out, section("evaluate", bootstrap=200), seed=7)
    return out
