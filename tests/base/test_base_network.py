"""Loading a network: what is missing or damaged is named with the stage that makes it."""

from pathlib import Path

import pytest

from ferflow.base.errors import DataError, ModelError
from ferflow.base.network import load_model


def test_a_missing_network_names_the_stage_of_its_result(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"dvc repro train@cnn_augmented_tuned\."):
        load_model(tmp_path / "models/cnn_augmented_tuned/model.keras")


def test_a_damaged_network_names_the_stage_of_its_result(tmp_path: Path) -> None:
    path = tmp_path / "models/cnn_tuned/model.keras"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no archive")
    with pytest.raises(ModelError, match=r"cannot be loaded .* dvc repro -f train@cnn_tuned\."):
        load_model(path)
