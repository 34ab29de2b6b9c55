"""Accuracy and macro F1 on bootstrap resamples of the groups of images."""

import numpy as np
import numpy.typing as npt

from ferflow.reporting.confusion import COUNT_METRICS
from ferflow.scoring.group_bootstrap import resampled_cells
from ferflow.scoring.predictions import Predictions

Floats = npt.NDArray[np.float64]


def bootstrap(part: Predictions, resamples: int, seed: int) -> tuple[Floats, Floats]:
    """Return accuracy and macro F1 of bootstrap resamples; copies of one picture are drawn together.

    Args:
        part: Predictions on a set of images, at least one.
        resamples: Number of resamples.
        seed: Seed of the draws.

    Returns:
        Two float64 arrays (resamples,).
    """
    classes = len(part.classes)
    cells = part.labels * classes + part.predicted
    drawn = resampled_cells(cells, part.groups, classes**2, resamples, seed).reshape(-1, classes, classes)
    return COUNT_METRICS["accuracy"](drawn), COUNT_METRICS["macro_f1"](drawn)
