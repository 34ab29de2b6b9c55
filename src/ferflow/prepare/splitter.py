"""Assign kept images to splits; copies and near-copies stay in one split."""

import hashlib

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.base.errors import DataError
from ferflow.settings.data import Prepare

Ints = npt.NDArray[np.int64]


def assign_splits(kept: pd.DataFrame, settings: Prepare, seed: int) -> "pd.Series[str]":
    """Return train, validation or test for every kept image.

    Splits that the data defines stay as they are, except that `validation_subset` moves a subset of the test images to
    validation. A missing test set, then a missing validation set, is drawn from
    the training images, stratified by class, with every group of copies and near-copies on one side.

    Args:
        kept: Rows of the manifest with the verdict keep, indexed from 0; at least one.
        settings: Fractions of the splits.
        seed: Seed of the draw.

    Raises:
        DataError: There are no training images, or `validation_subset` does not name a part of the test images.
    """
    splits = kept["split"].replace("", "train")
    if settings.validation_subset is not None:
        splits = _validate_on(kept["subset"], splits, settings.validation_subset)
    if not (splits == "train").any():
        raise DataError(
            f"No training images were kept. Received: {splits.value_counts().to_dict()}."
            " Add training images, and see reports/clean/summary.json for what was dropped."
        )
    labels = pd.factorize(kept["label"], sort=True)[0].astype("int64")
    pixels = kept["pixels"].to_numpy(dtype=object)
    groups = kept["group"].to_numpy()
    fractions = {"test": settings.test_fraction, "validation": settings.validation_fraction}
    missing = [name for name in fractions if not (splits == name).any()]
    for number, name in enumerate(missing):
        rest = (splits == "train").to_numpy().nonzero()[0]
        chosen = rest[choose_groups(labels[rest], groups[rest], pixels[rest], fractions[name], seed + number)]
        splits.iloc[chosen] = name
    return splits


def _validate_on(subsets: "pd.Series[str]", splits: "pd.Series[str]", chosen: str) -> "pd.Series[str]":
    """Return the splits with one subset of the test images as the validation images."""
    test = splits == "test"
    names = sorted(set(subsets[test]) - {""})
    if chosen not in names or len(names) < 2:
        raise DataError(
            f"prepare.validation_subset is {chosen!r}, but the subsets of the test images are: "
            f"{', '.join(names) or 'none'}. It must be one of two or more; null validates on training images."
        )
    if (splits == "validation").any():
        raise DataError(
            f"prepare.validation_subset is {chosen!r}, but the data has validation images of its own. Set it to null."
        )
    return splits.mask(test & (subsets == chosen), "validation")


def choose_groups(
    labels: Ints, groups: Ints, keys: npt.NDArray[np.object_], fraction: float, seed: int
) -> npt.NDArray[np.bool_]:
    """Choose about `fraction` of the images of each class, whole groups at a time.

    Groups are visited in an order that is drawn from the seed and from the images themselves; each is chosen if it
    still fits into the share of every class that it contains. Unlike sklearn's StratifiedGroupKFold, the choice thus
    depends neither on the order nor on the names of the images, and one more image changes little of it. A group is
    visited where the first of its images would be, so larger groups are chosen somewhat more often than single images.

    Args:
        labels: Class of each image from 0, int64, (N,).
        groups: Group of each image, int64, (N,); images of one group stay together.
        keys: Text that identifies each image by its content, such as the SHA-256 of its pixels, object, (N,).
        fraction: Share to choose, above 0 and below 1. Of a class with at least two groups, at least one image is
            chosen and at least one is left.
        seed: Seed of the draw.

    Returns:
        Whether each image is chosen, bool, (N,).

    >>> keys = np.array(["a", "b", "c", "d"], object)
    >>> int(choose_groups(np.zeros(4, int), np.arange(4), keys, 0.25, seed=0).sum())
    1
    """
    if not len(labels):
        return np.zeros(0, bool)
    _, groups = np.unique(groups, return_inverse=True)
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    ranks = [min(_rank(seed, str(key)) for key in set(keys[rows])) for rows in members]
    counts = [np.bincount(labels[rows], minlength=int(labels.max()) + 1) for rows in members]
    share = _class_share(labels, groups, fraction)
    chosen = np.zeros(len(labels), bool)
    queue = sorted(range(len(members)), key=lambda group: ranks[group])
    for group in queue:
        if (counts[group] <= share).all():
            share -= counts[group]
            chosen[members[group]] = True
    for label in np.flatnonzero(share):  # a class of which nothing is chosen, because all its groups are too large
        if chosen[labels == label].any():
            continue
        candidates = [group for group in queue if counts[group][label]]
        chosen[members[min(candidates, key=lambda group: len(members[group]))]] = True
    return chosen


def _class_share(labels: Ints, groups: Ints, fraction: float) -> Ints:
    """Return how many images of each class to choose."""
    total = np.bincount(labels)
    share = np.rint(total * fraction).astype(np.int64)
    several = np.array([len(np.unique(groups[labels == label])) > 1 for label in range(len(total))])
    return np.where(several, np.clip(share, 1, np.maximum(total - 1, 1)), 0)


def _rank(seed: int, key: str) -> bytes:
    return hashlib.sha256(f"{seed}:{key}".encode()).digest()
