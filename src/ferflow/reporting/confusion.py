"""Confusion matrices and the metrics that follow from them, for one matrix or for a stack of bootstrap resamples."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix

Labels = npt.NDArray[np.int64]
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def confusion(labels: Labels, predicted: Labels, classes: int) -> Counts:
    """Count predictions by true and predicted class.

    >>> confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]

    Args:
        labels: True classes, int64 (N,), at least one, each in [0, classes).
        predicted: Predicted classes, int64 (N,).
        classes: Number of classes.

    Returns:
        int64 (classes, classes): rows are true classes, columns predicted ones.
    """
    return np.asarray(confusion_matrix(labels, predicted, labels=np.arange(classes)), np.int64)


def class_scores(counts: Counts) -> tuple[Floats, Floats, Floats]:
    """Return precision, recall and F1 of each class; 0 where a class is never predicted or never true.

    Args:
        counts: Confusion matrices, int64 (..., K, K), as `confusion` returns them.

    Returns:
        Three float64 arrays (..., K).
    """
    correct = np.diagonal(counts, axis1=-2, axis2=-1).astype(np.float64)
    predicted, true = counts.sum(axis=-2), counts.sum(axis=-1)
    precision = correct / np.maximum(predicted, 1)
    recall = correct / np.maximum(true, 1)
    f1 = 2 * correct / np.maximum(predicted + true, 1)
    return precision, recall, f1


def interval(samples: Floats, confidence: float) -> tuple[float, float]:
    """Return the percentile interval of bootstrap samples (Efron 1979).

    Args:
        samples: A metric on each resample, float64 (resamples,).
        confidence: Confidence level, in (0, 1).

    >>> low, high = interval(np.arange(101) / 100, 0.9)
    >>> round(low, 6), round(high, 6)
    (0.05, 0.95)
    """
    tail = 50 * (1 - confidence)
    low, high = np.percentile(samples, [tail, 100 - tail])
    return float(low), float(high)


def _accuracy(counts: Counts) -> Floats:
    return np.asarray(np.trace(counts, axis1=-2, axis2=-1) / counts.sum(axis=(-2, -1)))


def _macro_f1(counts: Counts) -> Floats:
    return np.asarray(class_scores(counts)[2].mean(axis=-1))


def _balanced_accuracy(counts: Counts) -> Floats:
    present = (counts.sum(axis=-1) > 0).sum(axis=-1)
    return np.asarray(class_scores(counts)[1].sum(axis=-1) / present)


# Each maps int64 (..., K, K) to float64 (...).
COUNT_METRICS: dict[str, Callable[[Counts], Floats]] = {
    "accuracy": _accuracy,
    "macro_f1": _macro_f1,
    "balanced_accuracy": _balanced_accuracy,  # recall averaged over the classes that occur
}
