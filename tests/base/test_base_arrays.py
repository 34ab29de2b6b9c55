"""The prepared arrays: they are read as they were written, with reproducible bytes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ferflow.base.arrays import INDEX_COLUMNS, Split, read_split, write_split
from ferflow.base.errors import DataError


def split(count: int = 6, votes: bool = False) -> Split:
    rng = np.random.default_rng(count)
    index = pd.DataFrame(
        {
            "group": np.arange(count),
            "id": [f"train/happy/é{i}.png" for i in range(count)],
            "copy_in_train": np.arange(count) % 2 == 0,
            "subset": "Training",
        }
    )
    shares = rng.dirichlet([1, 1, 1], count).astype(np.float32) if votes else None
    labels = rng.integers(0, 3, count)
    return Split(rng.integers(0, 256, (count, 5, 5)).astype(np.uint8), labels, index, ("a", "b", "c"), shares)


@pytest.mark.parametrize("votes", [False, True])
@pytest.mark.parametrize("count", [0, 1, 6])
def test_round_trip(tmp_path: Path, votes: bool, count: int) -> None:
    written = split(count, votes)
    write_split(tmp_path, "train", written)
    read = read_split(tmp_path, "train")
    assert len(read) == count
    assert read.images.dtype == np.uint8
    assert read.labels.dtype == np.int64
    assert read.classes == ("a", "b", "c")
    np.testing.assert_array_equal(read.images, written.images)
    np.testing.assert_array_equal(read.labels, written.labels)
    assert tuple(read.index.columns) == INDEX_COLUMNS
    assert read.index["id"].tolist() == written.index["id"].tolist()
    assert read.index["copy_in_train"].tolist() == written.index["copy_in_train"].tolist()
    if written.votes is None:
        assert read.votes is None
    else:
        assert read.votes is not None
        assert read.votes.dtype == np.float32
        np.testing.assert_array_equal(read.votes, written.votes)


def test_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write_split(tmp_path / folder, "test", split(votes=True))
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / folder).iterdir()} for folder in ("one", "two"))
    assert one == two
    assert sorted(one) == ["classes.json", "test_images.npy", "test_index.parquet", "test_labels.npy", "test_votes.npy"]


def test_images_are_mapped_not_loaded(tmp_path: Path) -> None:
    write_split(tmp_path, "train", split())
    assert isinstance(read_split(tmp_path, "train").images, np.memmap)


@pytest.mark.parametrize("name", ["classes.json", "test_images.npy", "test_labels.npy", "test_index.parquet"])
def test_a_missing_file_is_reported(tmp_path: Path, name: str) -> None:
    write_split(tmp_path, "test", split())
    (tmp_path / name).unlink()
    with pytest.raises(DataError, match=rf"{name} is missing\. Run the stage that makes it: dvc repro prepare"):
        read_split(tmp_path, "test")


def test_take_keeps_rows_together() -> None:
    whole = split(6, votes=True)
    rows = np.array([4, 1, 1])
    part = whole.take(rows)
    assert part.index["id"].tolist() == [whole.index["id"][row] for row in rows]
    assert part.index.index.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(part.images, whole.images[rows])
    np.testing.assert_array_equal(part.labels, whole.labels[rows])
    assert part.votes is not None
    assert whole.votes is not None
    np.testing.assert_array_equal(part.votes, whole.votes[rows])
    assert split(6).take(rows).votes is None
