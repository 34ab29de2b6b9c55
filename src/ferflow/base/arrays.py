"""`data/prepare/`: the images as arrays, written by prepare, read by train, tune and evaluate.

A folder with `classes.json`, and for each split `<split>_images.npy`, `<split>_labels.npy` and `<split>_index.parquet`;
`<split>_votes.npy` where the labels have crowd votes.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.base.errors import DataError
from ferflow.base.files import read_json, whole_file, write_json

SPLITS = ("train", "validation", "test")
INDEX_COLUMNS = ("id", "subset", "group", "copy_in_train")


@dataclass(frozen=True)
class Split:
    """The images of one split, row for row.

    Attributes:
        images: uint8, (N, side, side), grey levels 0 to 255.
        labels: int64, (N,), positions in `classes`.
        index: N rows with the columns `id` (path in the manifest), `subset` (such as PublicTest), `group` (copies and
            near-copies share it) and `copy_in_train` (an exact copy stands in the raw training images).
        classes: names of the classes.
        votes: float32, (N, classes), crowd votes as shares that sum to 1, or None.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    index: pd.DataFrame
    classes: tuple[str, ...]
    votes: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    def take(self, rows: npt.NDArray[np.int64]) -> "Split":
        """Return the split of these rows, in this order."""
        votes = None if self.votes is None else self.votes[rows]
        index = self.index.iloc[rows].reset_index(drop=True)
        return Split(self.images[rows], self.labels[rows], index, self.classes, votes)


def write_split(folder: Path, name: str, split: Split) -> None:
    """Write one split into `folder`; name is one of SPLITS."""
    with whole_file(folder / f"{name}_images.npy") as temporary:
        np.save(temporary, np.asarray(split.images))
    write_rows(folder, name, split.labels, split.index, split.classes, split.votes)


def write_rows(
    folder: Path,
    name: str,
    labels: npt.NDArray[np.int64],
    index: pd.DataFrame,
    classes: tuple[str, ...],
    votes: npt.NDArray[np.float32] | None = None,
) -> None:
    """Write all of one split but its images; arguments as in Split."""
    write_json(folder / "classes.json", list(classes))
    for kind, array in {"labels": labels, "votes": votes}.items():
        if array is not None:
            with whole_file(folder / f"{name}_{kind}.npy") as temporary:
                np.save(temporary, np.asarray(array))
    with whole_file(folder / f"{name}_index.parquet") as temporary:
        index[list(INDEX_COLUMNS)].to_parquet(temporary, index=False, compression="zstd")


def create_images(folder: Path, name: str, count: int, side: int) -> tuple[Path, int]:
    """Make `<name>_images.npy` for (count, side, side) images, all black, to be filled portion by portion.

    Returns:
        The file, and the byte at which its first image begins; the others follow without gaps.
    """
    path = folder / f"{name}_images.npy"
    header = np.lib.format.header_data_from_array_1_0(np.empty(0, np.uint8)) | {"shape": (count, side, side)}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as handle:
        np.lib.format.write_array_header_1_0(handle, header)
        start = handle.tell()
        handle.truncate(start + count * side * side)
    return path, start


def read_split(folder: Path, name: str) -> Split:
    """Read one split; the images are mapped from disk, not loaded.

    Raises:
        DataError: a file of it is missing.
    """
    try:
        classes = tuple(read_json(folder / "classes.json"))
        images = np.load(folder / f"{name}_images.npy", mmap_mode="r")
        labels = np.load(folder / f"{name}_labels.npy")
        index = pd.read_parquet(folder / f"{name}_index.parquet")
        votes_path = folder / f"{name}_votes.npy"
        votes = np.load(votes_path) if votes_path.exists() else None
    except FileNotFoundError as error:
        missing = error.filename or error  # pyarrow's error has the path in its text alone
        raise DataError(f"{missing} is missing. Run the stage that makes it: dvc repro prepare.") from None
    return Split(images, labels, index, classes, votes)
