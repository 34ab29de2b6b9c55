"""Check the data before any training, and report all problems at once."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from ferflow.base.arrays import SPLITS, read_split
from ferflow.base.errors import DataError
from ferflow.settings.data import Prepare

_MIN_LEVELS = 16  # of 256; images with fewer grey levels in total were scaled or thresholded by mistake
_SAMPLE = 1000  # images whose grey levels are counted

_LISTED = 12  # classes that a message names


def check_kept(manifest: pd.DataFrame) -> None:
    """Check that clean kept any image.

    Args:
        manifest: Manifest of the raw folder, from clean.

    Raises:
        DataError: It kept none; the message lists the reasons, each with an example.
    """
    if (manifest["verdict"] == "keep").any():
        return
    lines = ["No image was kept, so there is nothing to train on. What clean found:"]
    for reason, rows in manifest.groupby("reason", sort=False):
        lines.append(f"{len(rows):,} {str(reason).replace('_', ' ')}, such as {rows['path'].iloc[0]}")
        lines[-1] += f": {rows['detail'].iloc[0]}." if rows["detail"].iloc[0] else "."
    lines.append(
        "Expected: one folder per class, such as train/happy/1.jpg, or a CSV with the columns emotion and pixels."
    )
    raise DataError("\n  ".join(lines))


def check_splits(kept: pd.DataFrame, splits: "pd.Series[str]", settings: Prepare, leaks_allowed: bool) -> None:
    """Check that the split images allow training and an honest evaluation.

    Args:
        kept: Rows of the manifest with the verdict keep.
        splits: Split of each row; see assign_splits.
        settings: Minimum number of images.
        leaks_allowed: Whether exact copies in two splits are intended (`leaked_copies: keep`).

    Raises:
        DataError: There are fewer than two classes, too few images of a class in a split, or the same pixels in two
            splits.
    """
    problems = []
    classes = sorted(kept["label"].unique())
    if len(classes) < 2:
        problems.append(f"There is only one class, {classes[0]}, but a classifier needs at least two.")
    counts = pd.crosstab(kept["label"], splits).reindex(columns=list(SPLITS), fill_value=0)
    for name in SPLITS:
        scarce = counts.loc[counts[name] < settings.min_images_per_class, name]
        if len(scarce):
            listed = ", ".join(f"{label} {number}" for label, number in scarce[:_LISTED].items())
            if len(scarce) > _LISTED:
                listed += f" and {len(scarce) - _LISTED:,} more"
            problems.append(f"{name}: fewer than {settings.min_images_per_class} images of {listed}.")
    if problems:
        largest = int(kept["group"].value_counts().max())
        problems.append(
            "Add images, exclude the class (datasets.<name>.labels.classes), change prepare.validation_fraction or"
            " prepare.test_fraction, or lower prepare.min_images_per_class."
        )
        if largest > len(kept) // 20:
            problems.append(
                f"One group of near-copies has {largest} of {len(kept)} images and cannot be split;"
                " lower clean.near_copy_bits to get smaller groups."
            )
    for one, other in combinations(SPLITS, 2):
        shared = set(kept.loc[splits == one, "pixels"]) & set(kept.loc[splits == other, "pixels"])
        if shared and not leaks_allowed:
            pair = [kept.loc[(splits == name) & kept["pixels"].isin(shared), "path"].iloc[0] for name in (one, other)]
            problems.append(
                f"{one} and {other} share {len(shared)} images, such as {pair[0]} and {pair[1]}."
                " Set clean.leaked_copies: drop."
            )
    if problems:
        raise DataError("\n  ".join(["The images cannot be used for training:", *problems]))


def check_arrays(folder: Path, image_size: int) -> None:
    """Check shapes, types and ranges of the arrays that prepare wrote.

    Args:
        folder: Folder with all splits.
        image_size: Side of the images in pixels.

    Raises:
        DataError: An array is invalid.
    """
    for name in SPLITS:
        split = read_split(folder, name)
        rows = len(split.labels)
        expected_and_received = {
            "shape of the images": ((rows, image_size, image_size), split.images.shape),
            "type of the images": ("uint8", split.images.dtype.name),
            "shape of the labels": ((rows,), split.labels.shape),
            "length of the index": (rows, len(split.index)),
            "number of unique ids": (rows, split.index["id"].nunique()),
        }
        if split.votes is not None:
            expected_and_received["shape of the votes"] = ((rows, len(split.classes)), split.votes.shape)
        for what, (expected, received) in expected_and_received.items():
            if received != expected:
                raise DataError(f"{name}: the {what} must be {expected}. Received: {received}.")
        if not np.isin(split.labels, range(len(split.classes))).all():
            raise DataError(f"{name}: every label must be from 0 to {len(split.classes) - 1}.")
        levels = len(np.unique(split.images[:: max(1, rows // _SAMPLE)]))
        if levels < _MIN_LEVELS:
            raise DataError(
                f"{name}: the images have only {levels} grey levels of 256, so they were scaled or thresholded."
                " Provide the original images, with grey levels from 0 to 255."
            )
