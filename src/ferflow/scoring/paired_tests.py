"""Whether a metric differs between two networks on the same images."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ferflow.reporting.confusion import COUNT_METRICS
from ferflow.scoring.group_bootstrap import resampled_cells

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


def paired_bootstrap(
    labels: Labels, first: Labels, second: Labels, groups: Labels, classes: int, metric: str, resamples: int, seed: int
) -> tuple[float, Floats, float]:
    """Resample the groups of images and take the difference of a metric between two networks on each resample.

    Args:
        labels: True classes, int64 (N,), each in [0, classes).
        first: Predictions of the first network, int64 (N,).
        second: Predictions of the second network, int64 (N,).
        groups: Group of copies and near-copies of each image, int64 (N,); a group is drawn as a whole.
        classes: Number of classes.
        metric: Key of COUNT_METRICS.
        resamples: Number of resamples.
        seed: Seed of the draws.

    Returns:
        The difference on all images, first minus second; the differences on the resamples, float64 (resamples,); and
        the two-sided p-value: the share of resamples whose difference deviates from the observed one by at least as
        much as that deviates from zero (shift method, Efron & Tibshirani 1993, section 16.4), never below
        1 / (resamples + 1).
    """
    # Each image falls into one cell (true class, first prediction, second prediction).
    cells = (labels * classes + first) * classes + second
    size = classes**3
    counts = np.bincount(cells, minlength=size)
    draws = np.concatenate([counts[None], resampled_cells(cells, groups, size, resamples, seed)])
    cube = draws.reshape(-1, classes, classes, classes)
    values = [COUNT_METRICS[metric](cube.sum(axis=axis)) for axis in (3, 2)]
    differences = values[0] - values[1]
    difference, resampled = float(differences[0]), differences[1:]
    # The tolerance keeps rounding errors from deciding ties.
    extreme = np.abs(resampled - difference) >= abs(difference) - 1e-12
    return difference, resampled, float((1 + extreme.sum()) / (1 + resamples))


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for multiple comparisons (Holm 1979), in the order given.

    >>> holm([0.25, 0.125])
    [0.25, 0.25]
    """
    values = np.asarray(p_values, np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in corrected]
