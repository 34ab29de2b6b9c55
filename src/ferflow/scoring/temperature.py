"""Temperature scaling: probabilities that are as often right as they say (Guo et al. 2017, section 4.2).

The networks answer with probabilities, not with logits. A softmax fixes its logits only up to a constant, so that the
logarithm of the probabilities serves as logits, also for the mean over several views.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

CLIP = 1e-7
"""Smallest probability whose logarithm is taken; log loss has the same limit."""
LOW, HIGH = 0.1, 10.0
"""Limits of the temperature. Where every validation image is right, log loss falls without end as it approaches 0."""
_DIGITS = 6

Probabilities = npt.NDArray[np.floating[Any]]


def calibrate(probabilities: Probabilities, temperature: float) -> npt.NDArray[np.float64]:
    """Return softmax(log(probabilities) / temperature).

    The order of the classes of an image does not change.

    Args:
        probabilities: Probabilities, float (N, K), clipped below CLIP.
        temperature: Above 1 makes a network less sure, below 1 surer.

    Returns:
        float64 (N, K), rows that sum to 1.

    >>> calibrate(np.array([[0.8, 0.2]]), 2.0).round(4).tolist()
    [[0.6667, 0.3333]]
    """
    logits = np.log(np.clip(np.asarray(probabilities, np.float64), CLIP, 1.0)) / temperature
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def fit_temperature(labels: npt.NDArray[np.int64], probabilities: Probabilities) -> float:
    """Return the temperature with the lowest log loss, between LOW and HIGH, rounded to six digits.

    Log loss is convex in the temperature's reciprocal, so that a bounded search by one variable finds the minimum.

    Args:
        labels: True classes, int64 (N,), at least one. Use validation images: the test set decides nothing.
        probabilities: Predicted probabilities, float (N, K).
    """
    logits = np.log(np.clip(np.asarray(probabilities, np.float64), CLIP, 1.0))
    chosen = logits[np.arange(len(labels)), labels]

    def loss(log_temperature: float) -> float:
        inverse = np.exp(-log_temperature)
        scaled = logits * inverse
        top = scaled.max(axis=1)
        normaliser = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
        return float(np.mean(normaliser - chosen * inverse))

    found = minimize_scalar(
        loss, bounds=(float(np.log(LOW)), float(np.log(HIGH))), method="bounded", options={"xatol": 1e-9}
    )
    return round(float(np.exp(found.x)), _DIGITS)
