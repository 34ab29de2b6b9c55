"""Answering only when confident: risk over coverage (El-Yaniv & Wiener 2010; Geifman & El-Yaniv 2017, section 2)."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.floating[Any]]


def risk_coverage(labels: Labels, probabilities: Probabilities) -> tuple[npt.NDArray[np.float64], ...]:
    """Return the curve of risk over coverage, one point for each number of images that are answered.

    The network answers for the images whose predicted class has the highest probabilities; equal ones come in the order
    of the images.

    Args:
        labels: True classes, int64 (N,), at least one.
        probabilities: Predicted probabilities, float (N, K).

    Returns:
        Coverage 1/N, 2/N, ..., 1 (share of the images that are answered) and risk (share of these that are wrong), both
        float64 (N,).
    """
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    wrong = (probabilities.argmax(axis=1) != labels)[order]
    answered = np.arange(1, len(labels) + 1)
    return answered / len(labels), np.cumsum(wrong) / answered


def area_under_risk(risk: npt.NDArray[np.float64]) -> float:
    """Return the mean risk over all coverages (AURC; Geifman et al. 2019, section 2)."""
    return float(risk.mean())


def accuracy_at(risk: npt.NDArray[np.float64], coverage: float) -> float:
    """Return the accuracy on the most confident images, of which there are at least this share.

    >>> accuracy_at(np.array([0.0, 0.0, 0.0, 0.25, 0.4]), 0.8)
    0.75
    """
    answered = max(1, math.ceil(round(coverage * len(risk), 9)))
    return float(1 - risk[answered - 1])
