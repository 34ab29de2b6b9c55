"""The predictions compared with the votes of the annotators, where the data has them (FER+; Barsoum et al. 2016)."""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from ferflow.evaluate.rounding import rounded
from ferflow.reporting.set_metrics import Agreement, AgreementBin

Floats = npt.NDArray[np.floating[Any]]

EDGES = (0.0, 0.4, 0.6, 0.8, 0.95, 1.0)
"""Limits of the bins by the share of votes for the most frequent answer; of ten votes, the last bin needs all ten."""
_SMALLEST = 1e-7  # smallest probability whose logarithm is taken, as in ferflow.base.metrics.log_loss


def score_agreement(labels: npt.NDArray[np.int64], probabilities: Floats, votes: Floats) -> Agreement:
    """Return how close the probabilities are to the votes, and the accuracy by how much the annotators agreed.

    Args:
        labels: True classes, int64 (N,), at least one.
        probabilities: Predicted probabilities, float (N, K).
        votes: Votes of the annotators as shares that sum to 1, float (N, K).
    """
    shares = np.asarray(votes, np.float64)
    guesses = np.asarray(probabilities, np.float64)
    middle = (shares + guesses) / 2
    divergence = (_relative_entropy(shares, middle) + _relative_entropy(guesses, middle)) / 2
    top = shares.max(axis=1)
    # Shares of ten votes in float32 are 0.6000000238 or 0.6: rounding keeps them in one bin.
    place = np.clip(np.digitize(top.round(6), EDGES) - 1, 0, len(EDGES) - 2)
    correct = guesses.argmax(axis=1) == labels
    bins = []
    for number, (low, high) in enumerate(pairwise(EDGES)):
        inside = correct[place == number]
        share = rounded(inside.mean()) if len(inside) else None
        bins.append(AgreementBin(low=low, high=high, images=len(inside), accuracy=share))
    return Agreement(
        log_loss=rounded(-(shares * np.log(np.clip(guesses, _SMALLEST, 1.0))).sum(axis=1).mean()),
        jensen_shannon=rounded(divergence.mean()),
        annotator_probability=rounded((shares * guesses).sum(axis=1).mean()),
        bins=bins,
    )


def _relative_entropy(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the Kullback-Leibler divergence of each row in nats; 0 log 0 is 0."""
    ratio = np.where(first > 0, first, 1.0) / np.where(first > 0, second, 1.0)
    return np.asarray((first * np.log(ratio)).sum(axis=1))
