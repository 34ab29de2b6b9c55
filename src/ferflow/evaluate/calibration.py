"""How good the probabilities are: proper scores, and calibration errors in bins."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.base.metrics import log_loss
from ferflow.evaluate.rounding import rounded
from ferflow.reporting.set_metrics import ProbabilityScores

Labels = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.floating[Any]]

BINS = 15  # as in Guo et al. 2017, section 4


def calibration(labels: Labels, probabilities: Probabilities) -> pd.DataFrame:
    """Group images into BINS bins of equal width by the probability of the predicted class.

    Args:
        labels: True classes, int64 (N,).
        probabilities: Predicted probabilities, float (N, K).

    Returns:
        A row for each bin with the columns low and high (edges), images (number), confidence (mean probability of the
        predicted class) and accuracy; the last two are NaN for an empty bin.
    """
    return _binned(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)


def probability_scores(labels: Labels, probabilities: Probabilities) -> ProbabilityScores:
    """Return log loss, Brier score, and the calibration errors of the predicted class and of every class.

    Args:
        labels: True classes, int64 (N,), at least one.
        probabilities: Predicted probabilities, float (N, K), rows that sum to 1.
    """
    truth = np.eye(probabilities.shape[1])[labels]
    each = [_error(_binned(probabilities[:, k], truth[:, k] > 0)) for k in range(probabilities.shape[1])]
    return ProbabilityScores(
        log_loss=rounded(log_loss(labels, probabilities)),
        brier=rounded(((probabilities - truth) ** 2).sum(axis=1).mean()),
        ece=rounded(_error(calibration(labels, probabilities))),
        classwise_ece=rounded(float(np.mean(each))),
    )


def _binned(confidence: Probabilities, correct: npt.NDArray[np.bool_]) -> pd.DataFrame:
    # Bins are open below and closed above, as in Guo et al. 2017.
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    images = np.bincount(bins, minlength=BINS)
    divisor = np.where(images > 0, images, np.nan)
    edges = np.linspace(0, 1, BINS + 1)
    return pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "images": images,
            "confidence": np.bincount(bins, confidence, BINS) / divisor,
            "accuracy": np.bincount(bins, correct, BINS) / divisor,
        }
    )


def _error(bins: pd.DataFrame) -> float:
    """Return the mean over the images of the gap between confidence and accuracy of their bin."""
    gaps = bins["images"] * (bins["confidence"] - bins["accuracy"]).abs()
    return float(gaps.sum() / bins["images"].sum())
