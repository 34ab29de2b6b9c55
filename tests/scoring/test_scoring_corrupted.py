"""corruptions.npz: what is written is read again, and what is damaged is refused."""

from pathlib import Path

import numpy as np
import pytest

from ferflow.base.errors import DataError
from ferflow.scoring.corrupted_predictions import CorruptedPredictions, read_corrupted, write_corrupted

PREDICTED = np.random.default_rng(0).integers(0, 7, (2, 3, 11), dtype=np.uint8)
FOUND = CorruptedPredictions(("jpeg", "shift"), (1, 3, 5), PREDICTED)


def test_what_is_written_is_read_again_and_has_the_same_bytes(tmp_path: Path) -> None:
    for name in ("cnn", "other"):
        write_corrupted(tmp_path / name / "corruptions.npz", FOUND)
    found = read_corrupted(tmp_path / "cnn", 11)
    assert (found.kinds, found.severities) == (FOUND.kinds, FOUND.severities)
    assert np.array_equal(found.predicted, PREDICTED)
    assert (tmp_path / "cnn/corruptions.npz").read_bytes() == (tmp_path / "other/corruptions.npz").read_bytes()


def test_none(tmp_path: Path) -> None:
    write_corrupted(tmp_path / "cnn/corruptions.npz", CorruptedPredictions((), (1,), np.zeros((0, 1, 4), np.uint8)))
    assert read_corrupted(tmp_path / "cnn", 4).kinds == ()


def test_what_is_missing_damaged_or_about_other_images_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "cnn"
    with pytest.raises(DataError, match=r"is missing. Run the stage that makes it: dvc repro infer@cnn"):
        read_corrupted(folder, 11)
    write_corrupted(folder / "corruptions.npz", FOUND)
    with pytest.raises(DataError, match=r"shape \(2, 3, 11\), but 12 test images need \(2, 3, 12\)"):
        read_corrupted(folder, 12)
    path = folder / "corruptions.npz"
    for content in (b"text", path.read_bytes()[:-30], b""):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"cannot be read: .* Run again: dvc repro -f infer@cnn"):
            read_corrupted(folder, 11)
