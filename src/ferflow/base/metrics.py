"""Figures of merit, each from true labels and predicted probabilities."""

import numpy as np
import numpy.typing as npt
from sklearn.metrics import precision_recall_fscore_support

Labels = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.float32]


def accuracy(labels: Labels, predicted: Labels) -> float:
    """Share of labels predicted right, in [0, 1]."""
    return float(np.mean(labels == predicted))


def macro_f1(labels: Labels, predicted: Labels, classes: int) -> float:
    """F1 of each of the `classes` classes, averaged with equal weight; a class never predicted counts as 0."""
    scores = precision_recall_fscore_support(labels, predicted, labels=range(classes), zero_division=0)
    return float(np.mean(scores[2]))


def balanced_accuracy(labels: Labels, predicted: Labels) -> float:
    """Recall averaged over the classes that occur in `labels`, in [0, 1]."""
    present = np.unique(labels)
    return float(np.mean([np.mean(predicted[labels == k] == k) for k in present]))


def log_loss(labels: Labels, probabilities: Probabilities) -> float:
    """Mean negative log-likelihood in nats, probabilities clipped to [1e-7, 1]."""
    chosen = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.mean(np.log(np.clip(chosen, 1e-7, 1.0))))
