"""The data check: what is wrong is said before any training, all of it at once."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from ferflow.base.arrays import SPLITS, read_split
from ferflow.base.errors import DataError
from ferflow.settings.data import Prepare

_LEAST_LEVELS = 16  # of 256; fewer in all images together, and they were scaled or thresholded by mistake
_LOOKED_AT = 1000  # images


def check_splits(kept: pd.DataFrame, splits: "pd.Series[str]", settings: Prepare, leaks_allowed: bool) -> None:
    """Check that the split images can be trained on and measured honestly.

    Args:
        kept: rows of the manifest with the verdict keep.
        splits: of each row; see assign_splits.
        settings: the least number of images.
        leaks_allowed: exact copies in two splits are wanted (`leaked_copies: keep`).

    Raises:
        DataError: fewer than two classes; a class with too few images in a split; the same pixels in two splits.
    """
    problems = []
    classes = sorted(kept["label"].unique())
    if len(classes) < 2:
        problems.append(f"There is only one class, {classes[0]}; there is nothing to tell apart.")
    counts = pd.crosstab(kept["label"], splits).reindex(columns=list(SPLITS), fill_value=0)
    for name in SPLITS:
        few = counts.loc[counts[name] < settings.min_images_per_class, name]
        if len(few):
            listed = ", ".join(f"{label} {number}" for label, number in few.items())
            problems.append(f"{name}: fewer than {settings.min_images_per_class} images of {listed}.")
    if problems:
        largest = int(kept["group"].value_counts().max())
        problems.append(
            "Add images, leave the class out (datasets.<name>.classes), change prepare.validation_fraction or"
            " prepare.test_fraction, or lower prepare.min_images_per_class."
        )
        if largest > len(kept) // 20:
            problems.append(
                f"One group of near-copies holds {largest} of {len(kept)} images and stays on one side of every cut;"
                " a lower clean.near_copy_bits makes groups smaller."
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
        raise DataError("\n  ".join(["The images cannot be trained on as they are:", *problems]))


def check_arrays(folder: Path, image_size: int) -> None:
    """Check what was written: shapes, types and ranges.

    Raises:
        DataError: an array is not what it must be.
    """
    for name in SPLITS:
        split = read_split(folder, name)
        rows = len(split.labels)
        wanted = {
            "images": (split.images.shape, (rows, image_size, image_size)),
            "images' type": (split.images.dtype.name, "uint8"),
            "labels": (split.labels.shape, (rows,)),
            "index": (len(split.index), rows),
            "ids": (split.index["id"].nunique(), rows),
        }
        if split.votes is not None:
            wanted["votes"] = (split.votes.shape, (rows, len(split.classes)))
        for what, (received, expected) in wanted.items():
            if received != expected:
                raise DataError(f"{name}: the {what} must be {expected}. Received: {received}.")
        if not np.isin(split.labels, range(len(split.classes))).all():
            raise DataError(f"{name}: a label is not one of 0 to {len(split.classes) - 1}.")
        levels = len(np.unique(split.images[:: max(1, rows // _LOOKED_AT)]))
        if levels < _LEAST_LEVELS:
            raise DataError(
                f"{name}: the images hold only {levels} grey levels of 256, so they were scaled or thresholded before."
                " Give the images as they were taken, with grey levels from 0 to 255."
            )
