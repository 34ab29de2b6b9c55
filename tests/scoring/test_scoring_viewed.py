"""views.npz: what is written is read again, and what is damaged is refused."""

from pathlib import Path

import numpy as np
import pytest

from ferflow.base.errors import DataError
from ferflow.scoring.predictions import ViewedPredictions, read_viewed, write_viewed

RNG = np.random.default_rng(0)
COUNTS = {"validation": 5, "test": 11}
FOUND = ViewedPredictions(
    ("flip", "ten_crop"), {name: RNG.integers(0, 7, (2, count), dtype=np.uint8) for name, count in COUNTS.items()}
)


def test_what_is_written_is_read_again_and_has_the_same_bytes(tmp_path: Path) -> None:
    for name in ("cnn", "other"):
        write_viewed(tmp_path / name / "views.npz", FOUND)
    found = read_viewed(tmp_path / "cnn", COUNTS)
    assert found.views == FOUND.views
    assert all(np.array_equal(found.splits[name], FOUND.splits[name]) for name in COUNTS)
    assert (tmp_path / "cnn/views.npz").read_bytes() == (tmp_path / "other/views.npz").read_bytes()


def test_what_is_missing_damaged_or_about_other_images_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "cnn"
    with pytest.raises(DataError, match=r"is missing. Run the stage that makes it: dvc repro infer@cnn"):
        read_viewed(folder, COUNTS)
    path = folder / "views.npz"
    write_viewed(path, FOUND)
    with pytest.raises(DataError, match=r"test predictions of shape \(2, 11\), but 12 images over 2 kinds of views"):
        read_viewed(folder, COUNTS | {"test": 12})
    for content in (b"text", path.read_bytes()[:-30], b""):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"cannot be read: .* Run again: dvc repro -f infer@cnn"):
            read_viewed(folder, COUNTS)
