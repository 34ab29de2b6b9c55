"""Metrics from true labels and predictions."""

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest
from sklearn.metrics import f1_score

Labels = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.float32]


def accuracy(labels: Labels, predicted: Labels) -> float:
    """Return the share of correct predictions, in [0, 1].

    >>> accuracy(np.array([0, 1, 1, 1]), np.array([0, 1, 1, 0]))
    0.75
    """
    return float(np.mean(labels == predicted))


def macro_f1(labels: Labels, predicted: Labels, classes: int) -> float:
    """Return the F1 score averaged over classes with equal weight, in [0, 1].

    Args:
        labels: True classes, int64, (N,).
        predicted: Predicted classes, int64, (N,).
        classes: Number of classes. A class that is never predicted counts as 0.

    >>> macro_f1(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 0]), classes=2) == (2 / 3 + 0) / 2
    True
    """
    return float(f1_score(labels, predicted, labels=range(classes), average="macro", zero_division=0))


def log_loss(labels: Labels, probabilities: Probabilities) -> float:
    """Return the mean negative log-likelihood in nats.

    Args:
        labels: True classes, int64, (N,).
        probabilities: Predicted probabilities, float32, (N, classes); clipped to [1e-7, 1], so that a confident
            mistake costs 16.1 nats and not infinity.
    """
    chosen = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.mean(np.log(np.clip(chosen, 1e-7, 1.0))))


def mcnemar(first_correct: npt.NDArray[np.bool_], second_correct: npt.NDArray[np.bool_]) -> tuple[int, int, float]:
    """Run the exact two-sided McNemar test (McNemar 1947) on paired predictions.

    >>> mcnemar(np.array([True, True, False]), np.array([False, False, False]))
    (2, 0, 0.5)

    Args:
        first_correct: Whether the first network is correct on each image, bool (N,).
        second_correct: The same for the second network.

    Returns:
        Number of images that only the first network gets right, number that only the second gets right, and the
        p-value.
    """
    only_first = int((first_correct & ~second_correct).sum())
    only_second = int((second_correct & ~first_correct).sum())
    differing = only_first + only_second
    p_value = float(binomtest(only_first, differing, 0.5).pvalue) if differing else 1.0
    return only_first, only_second, p_value
