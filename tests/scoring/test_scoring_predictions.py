"""predictions_<split>.csv: what is written is what is read, and what is wrong is said."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferflow.base.errors import DataError
from ferflow.base.files import write_csv
from ferflow.scoring.predictions import Predictions, as_written, read_predictions

CLASSES = ("null", "NA", "sad, or not")


def made(images: int = 5) -> Predictions:
    probabilities = np.random.default_rng(0).dirichlet([0.05] * len(CLASSES), images)
    index = pd.DataFrame(
        {
            "id": ["NA", "null", "a,b.jpg", "é.jpg", '"q".jpg'][:images],
            "subset": ["PrivateTest"] * images,
            "group": np.arange(images) * 3,
            "copy_in_train": np.arange(images) % 2 == 0,
        }
    )
    return Predictions(index, np.arange(images) % len(CLASSES), as_written(probabilities), CLASSES)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    predictions = made()
    write_csv(tmp_path / "cnn/predictions_test.csv", predictions.table())
    found = read_predictions(tmp_path / "cnn", "test")
    assert found.classes == CLASSES
    assert np.array_equal(found.labels, predictions.labels)
    assert np.array_equal(found.probabilities, predictions.probabilities), "to the last bit"
    assert np.array_equal(found.groups, predictions.groups)
    pd.testing.assert_frame_equal(found.index, predictions.index, check_dtype=False)
    assert found.index["copy_in_train"].dtype == bool


@given(st.lists(st.floats(1e-30, 1.0), min_size=1, max_size=20))
@settings(max_examples=50)
def test_six_significant_digits_of_small_probabilities_too(values: list[float]) -> None:
    written = as_written(np.array([values], np.float32))
    assert np.allclose(written, values, rtol=1e-5, atol=0)
    assert np.array_equal(as_written(written), written)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda table: table.drop(columns=["group"]), "is invalid: group: missing. Run again: dvc repro -f infer@cnn"),
        (lambda table: table.drop(columns=["p_NA"]), "has no probabilities of NA. Run again: dvc repro -f infer@cnn"),
    ],
)
def test_a_file_of_another_version_is_refused(tmp_path: Path, change, says: str) -> None:
    write_csv(tmp_path / "cnn/predictions_test.csv", change(made().table()))
    with pytest.raises(DataError, match=says):
        read_predictions(tmp_path / "cnn", "test")


def test_a_missing_file_names_the_stage(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="dvc repro infer@cnn"):
        read_predictions(tmp_path / "cnn", "validation")
