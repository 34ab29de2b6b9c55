"""The stratified cut that keeps copies and near-copies together."""

import hashlib

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def cut(labels: Ints, groups: Ints, keys: npt.NDArray[np.object_], fraction: float, seed: int) -> npt.NDArray[np.bool_]:
    """Choose about `fraction` of the images of each class, whole groups at a time.

    The groups are gone through in an order drawn from the seed and from the images themselves, and each is chosen that
    still fits into the share of every class it holds. The choice thus depends neither on the order nor on the names of
    the images, and a further image changes little of it. A group comes where the first of its images would, so groups
    of several images are chosen somewhat more often than single ones.

    Args:
        labels: (N,), from 0.
        groups: (N,), images of one group stay together.
        keys: (N,), text that tells images apart by their content, such as their pixels' SHA-256.
        fraction: above 0 and below 1. Of a class with two groups or more at least one image is chosen and one left.
        seed: another seed, another choice.

    Returns:
        (N,), True where chosen.
    """
    if not len(labels):
        return np.zeros(0, bool)
    _, groups = np.unique(groups, return_inverse=True)
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    ranks = [min(_rank(seed, str(key)) for key in set(keys[rows])) for rows in members]
    counts = [np.bincount(labels[rows], minlength=int(labels.max()) + 1) for rows in members]
    share = _share(labels, groups, fraction)
    chosen = np.zeros(len(labels), bool)
    queue = sorted(range(len(members)), key=lambda group: ranks[group])
    for group in queue:
        if (counts[group] <= share).all():
            share -= counts[group]
            chosen[members[group]] = True
    for label in np.flatnonzero(share):  # a class that came away empty since its groups are all too large
        if chosen[labels == label].any():
            continue
        holding = [group for group in queue if counts[group][label]]
        chosen[members[min(holding, key=lambda group: len(members[group]))]] = True
    return chosen


def _share(labels: Ints, groups: Ints, fraction: float) -> Ints:
    """Images to choose of each class."""
    total = np.bincount(labels)
    share = np.rint(total * fraction).astype(np.int64)
    several = np.array([len(np.unique(groups[labels == label])) > 1 for label in range(len(total))])
    return np.where(several, np.clip(share, 1, np.maximum(total - 1, 1)), 0)


def _rank(seed: int, key: str) -> bytes:
    return hashlib.sha256(f"{seed}:{key}".encode()).digest()
