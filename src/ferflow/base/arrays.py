"""`data/prepare/`: the images as arrays, written by prepare, read by train, tune and evaluate.

The folder holds `classes.json` and, for each split, `<split>_images.npy`, `<split>_labels.npy`,
`<split>_index.parquet` and, if the labels are crowd votes, `<split>_votes.npy`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.base.errors import DataError
from ferflow.base.files import read_json, reading, whole_file, write_array, write_json

SPLITS = ("train", "validation", "test")
INDEX_COLUMNS = ("id", "subset", "group", "copy_in_train")


@dataclass(frozen=True)
class Split:
    """The images of one split; row n of every array and of the index is image n.

    Attributes:
        images: Grey images, uint8, (N, side, side), grey levels 0 to 255.
        labels: Positions in `classes`, int64, (N,).
        index: Table of N rows with the columns `id` (path in the manifest), `subset` (such as PublicTest), `group`
            (shared by copies and near-copies) and `copy_in_train` (whether an exact copy is among the raw training
            images).
        classes: Names of the classes.
        votes: Crowd votes as shares that sum to 1, float32, (N, classes). Defaults to None.
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
        """Return the split that consists of `rows`, int64 positions, in that order."""
        votes = None if self.votes is None else self.votes[rows]
        index = self.index.iloc[rows].reset_index(drop=True)
        return Split(self.images[rows], self.labels[rows], index, self.classes, votes)


def write_split(folder: Path, name: str, split: Split) -> None:
    """Write one split to `folder`; `name` is one of SPLITS."""
    write_array(folder / f"{name}_images.npy", np.asarray(split.images))
    write_rows(folder, name, split.labels, split.index, split.classes, split.votes)


def write_rows(
    folder: Path,
    name: str,
    labels: npt.NDArray[np.int64],
    index: pd.DataFrame,
    classes: tuple[str, ...],
    votes: npt.NDArray[np.float32] | None = None,
) -> None:
    """Write everything of one split except its images; the arguments are described in Split."""
    write_json(folder / "classes.json", list(classes))
    for kind, array in {"labels": labels, "votes": votes}.items():
        if array is not None:
            write_array(folder / f"{name}_{kind}.npy", np.asarray(array))
    with whole_file(folder / f"{name}_index.parquet") as temporary:
        index[list(INDEX_COLUMNS)].to_parquet(temporary, index=False, compression="zstd")


def create_images(folder: Path, name: str, count: int, side: int) -> tuple[Path, int]:
    """Create `<name>_images.npy` with black images, so that several processes can fill it.

    Args:
        folder: Folder of the split.
        name: Name of the split.
        count: Number of images.
        side: Side of the images in pixels.

    Returns:
        The file, and the offset of its first image in bytes; the others follow without gaps.
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
    """Read one split; its images are memory-mapped, not loaded.

    Raises:
        DataError: A file of the split is missing or damaged.
    """
    with reading(folder / "classes.json", "prepare") as path:
        classes = tuple(str(label) for label in read_json(path))
    with reading(folder / f"{name}_images.npy", "prepare") as path:
        images = np.load(path, mmap_mode="r", allow_pickle=False)
    with reading(folder / f"{name}_labels.npy", "prepare") as path:
        labels = np.load(path, allow_pickle=False)
    with reading(folder / f"{name}_index.parquet", "prepare") as path:
        index = pd.read_parquet(path)[list(INDEX_COLUMNS)]
    votes = None
    if (folder / f"{name}_votes.npy").exists():
        with reading(folder / f"{name}_votes.npy", "prepare") as path:
            votes = np.load(path, allow_pickle=False)
    if not (len(images) == len(labels) == len(index)) or (votes is not None and len(votes) != len(labels)):
        raise DataError(
            f"{folder} is damaged: {name} has {len(images)} images, {len(labels)} labels and {len(index)} rows. Run "
            "again: dvc repro -f prepare."
        )
    return Split(images, labels, index, classes, votes)
