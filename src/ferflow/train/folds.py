"""Folds: images divided into parts, with the copies of an image in one part."""

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold

from ferflow.base.errors import DataError


def assign_folds(
    labels: npt.NDArray[np.int64], groups: npt.NDArray[np.int64], folds: int, seed: int
) -> npt.NDArray[np.int64]:
    """Return the number of each image's fold, from 1, int64, (N,).

    Each class is spread over the folds as evenly as its groups allow.

    Args:
        labels: Class of each image, int64, (N,).
        groups: Group of each image, int64, (N,); copies and near-copies share one, and stay in one fold.
        folds: Number of folds, at least 2.
        seed: Seed of the assignment.

    Raises:
        DataError: A class has fewer groups than there are folds.
    """
    fewest = min((len(np.unique(groups[labels == label])) for label in np.unique(labels)), default=0)
    if fewest < folds:
        raise DataError(
            f"Each class needs at least one group of images per fold. Received: {folds} folds, and {fewest} groups in "
            "the smallest class. Use fewer folds, or more images."
        )
    numbers = np.zeros(len(labels), np.int64)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for number, (_, held_out) in enumerate(splitter.split(np.zeros(len(labels)), labels, groups), start=1):
        numbers[held_out] = number
    return numbers
