"""How well a class's probability ranks its images ahead of the others: ROC and precision-recall, one against rest."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

Labels = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.floating[Any]]
Curve = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def roc_areas(labels: Labels, probabilities: Probabilities) -> list[float | None]:
    """Return the area under the ROC curve of each class against the rest (Fawcett 2006, sections 7 and 9).

    It is None for a class without images, and for one that all images have: there is nothing to rank.

    Args:
        labels: True classes, int64 (N,).
        probabilities: Predicted probabilities, float (N, K).
    """
    truth = [labels == k for k in range(probabilities.shape[1])]
    return [
        float(roc_auc_score(right, probabilities[:, k])) if right.any() and not right.all() else None
        for k, right in enumerate(truth)
    ]


def average_precisions(labels: Labels, probabilities: Probabilities) -> list[float | None]:
    """Return the average precision of each class against the rest; None for a class without images.

    That is the area under the precision-recall curve without interpolation, which would be optimistic (Davis & Goadrich
    2006, section 4). Arguments as in roc_areas.
    """
    truth = [labels == k for k in range(probabilities.shape[1])]
    return [
        float(average_precision_score(right, probabilities[:, k])) if right.any() else None
        for k, right in enumerate(truth)
    ]


def mean_of_defined(values: Sequence[float | None]) -> float | None:
    """Return the unweighted mean of the values that are defined, or None if none is.

    >>> mean_of_defined([0.5, None, 1.0]), mean_of_defined([None])
    (0.75, None)
    """
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None


def roc_curves(labels: Labels, probabilities: Probabilities) -> list[Curve | None]:
    """Return false-positive and true-positive rates of each class, or None where roc_areas is."""
    curves: list[Curve | None] = []
    for k, area in enumerate(roc_areas(labels, probabilities)):
        curves.append(None if area is None else roc_curve(labels == k, probabilities[:, k])[:2])
    return curves


def precision_recall_curves(labels: Labels, probabilities: Probabilities) -> list[Curve | None]:
    """Return recalls, ascending, and precisions of each class, or None where average_precisions is."""
    curves: list[Curve | None] = []
    for k in range(probabilities.shape[1]):
        if not (labels == k).any():
            curves.append(None)
            continue
        precision, recall, _ = precision_recall_curve(labels == k, probabilities[:, k])
        curves.append((recall[::-1], precision[::-1]))
    return curves
