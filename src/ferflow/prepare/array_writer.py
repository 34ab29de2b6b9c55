"""Write the kept images of the manifest as arrays to data/prepare."""

from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.base.arrays import SPLITS, create_images, write_rows
from ferflow.base.contracts import PrepareSummary
from ferflow.base.errors import DataError
from ferflow.base.hashing import sha256
from ferflow.base.workers import in_parallel, portions
from ferflow.prepare.data_checks import check_arrays, check_kept, check_splits
from ferflow.prepare.splitter import assign_splits
from ferflow.raw.class_names import emotion_of
from ferflow.raw.ferplus import EMOTIONS
from ferflow.raw.images import fit, read_grey
from ferflow.raw.manifest import count_values, set_bits
from ferflow.settings.data import Prepare
from ferflow.ui.progress import progress

_PORTION = 256  # images handed to a process at a time


def prepare_arrays(
    raw: Path,
    manifest: pd.DataFrame,
    settings: Prepare,
    out: Path,
    image_size: int = 48,
    seed: int = 0,
    leaks_allowed: bool = False,
    votes: pd.DataFrame | None = None,
    workers: int | None = None,
) -> PrepareSummary:
    """Write the kept images as arrays, split into training, validation and test; see ferflow.base.arrays.

    Args:
        raw: The raw folder.
        manifest: Manifest of the raw folder, from clean.
        settings: Fractions of the splits and the minimum number of images.
        out: Folder to fill; it exists and is empty.
        image_size: Side of the images in pixels. Defaults to 48.
        seed: Seed of the splits. Defaults to 0.
        leaks_allowed: Whether clean kept training images with the pixels of a test image. Defaults to False.
        votes: FER+ votes to write as soft labels: `path` as in the manifest, then one column per answer. Defaults to
            no soft labels.
        workers: Number of processes that read. Defaults to one per core.

    Returns:
        Content of reports/prepare/summary.json.

    Raises:
        DataError: The images cannot be used for training; the message lists the reasons.
    """
    check_kept(manifest)
    kept = manifest[manifest["verdict"] == "keep"].reset_index(drop=True)
    splits = assign_splits(kept, settings, seed)
    check_splits(kept, splits, settings, leaks_allowed)
    classes = tuple(sorted(kept["label"].unique()))
    shares = None if votes is None else _vote_shares(kept, votes, classes)
    bits = set_bits(kept["mode"])
    for name in SPLITS:
        part = kept[splits == name].reset_index(drop=True)
        labels = part["label"].map({label: number for number, label in enumerate(classes)}).to_numpy(np.int64)
        _write_images(raw, part["path"].tolist(), bits, out, name, image_size, workers)
        index = part.rename(columns={"path": "id"})
        index["subset"] = part["subset"].where(part["subset"] != "", name)
        split_shares = None if shares is None else shares[(splits == name).to_numpy()]
        write_rows(out, name, labels, index, classes, split_shares)
    check_arrays(out, image_size)
    return _summarize(kept, splits, image_size, shares is not None, out)


def _write_images(
    raw: Path, paths: list[str], bits: int | None, out: Path, name: str, side: int, workers: int | None
) -> None:
    """Write the images of one split; every process writes its own region of the file."""
    file, start = create_images(out, name, len(paths), side)
    tasks = [(start + number * _PORTION * side * side, part) for number, part in enumerate(portions(paths, _PORTION))]
    counts = in_parallel(partial(_write_portion, raw, file, side, bits), tasks, workers)
    for _ in progress((None for count in counts for _ in range(count)), len(paths), f"writing {name} images"):
        pass


def _write_portion(raw: Path, file: Path, side: int, bits: int | None, task: tuple[int, list[str]]) -> int:
    start, paths = task
    with file.open("r+b") as handle:
        handle.seek(start)
        for grey in read_grey(raw, paths, bits):
            handle.write(fit(grey, side).tobytes())
    return len(paths)


def _vote_shares(kept: pd.DataFrame, votes: pd.DataFrame, classes: tuple[str, ...]) -> npt.NDArray[np.float32]:
    """Return each image's votes for the classes as shares that sum to 1: float32, (N, classes)."""
    by_emotion = {emotion: name for name, emotion in EMOTIONS.items()}
    column = {label: by_emotion.get(emotion_of(label)) for label in classes}  # the user may name a class happiness
    unknown = [label for label in classes if column[label] is None]
    if unknown:
        raise DataError(f"FER+ has no votes for the classes {', '.join(unknown)}. Use labels: folder.")
    numbers = votes.set_index("path").reindex(kept["path"])[[column[label] for label in classes]].to_numpy(np.float64)
    total = numbers.sum(axis=1, keepdims=True)
    if not (total > 0).all():  # not `total <= 0`: the total of a path without votes is NaN
        raise DataError(f"{int((~(total > 0)).sum())} kept images have no votes. Run dvc repro clean.")
    shares: npt.NDArray[np.float32] = (numbers / total).astype(np.float32)
    return shares


def _summarize(
    kept: pd.DataFrame, splits: "pd.Series[str]", image_size: int, soft_labels: bool, out: Path
) -> PrepareSummary:
    defined = set(kept["split"])
    groups = {name: set(kept.loc[splits == name, "group"]) for name in SPLITS}
    parts = {name: kept[splits == name] for name in SPLITS}
    return PrepareSummary(
        classes=tuple(sorted(kept["label"].unique())),
        image_size=image_size,
        soft_labels=soft_labels,
        images={name: len(part) for name, part in parts.items()},
        cut=tuple(name for name in SPLITS if name not in defined and name != "train"),
        per_class={name: count_values(part["label"]) for name, part in parts.items()},
        subsets={name: count_values(part["subset"].where(part["subset"] != "", name)) for name, part in parts.items()},
        copy_in_train={name: int(part["copy_in_train"].sum()) for name, part in parts.items()},
        near_copies_in_train={
            name: int(part["group"].isin(groups["train"]).sum()) for name, part in parts.items() if name != "train"
        },
        groups={name: len(numbers) for name, numbers in groups.items()},
        largest_group=int(kept["group"].value_counts().max()),
        resized=int(((kept["width"] != image_size) | (kept["height"] != image_size)).sum()),
        converted=int((kept["mode"] != "L").sum()),
        sha256={file.name: sha256(file) for file in sorted(out.iterdir())},
    )
