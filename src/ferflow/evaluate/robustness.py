"""Accuracy on corrupted images, for each kind and severity, and relative to that on the images as they are."""

import numpy as np
import numpy.typing as npt

from ferflow.base.metrics import accuracy
from ferflow.evaluate.rounding import rounded
from ferflow.reporting.robustness import CorruptionScores, Robustness
from ferflow.scoring.corrupted_predictions import CorruptedPredictions
from ferflow.scoring.predictions import Predictions


def score_robustness(
    predictions: Predictions, corrupted: CorruptedPredictions, mask: npt.NDArray[np.bool_]
) -> Robustness | None:
    """Return the scores on corrupted versions of a set of test images, or None if there are no corruptions.

    The kinds weigh the same in every mean, and so do the severities.

    Args:
        predictions: Predictions on the images as they are, of this set alone, at least one.
        corrupted: Predictions on corrupted versions of all test images.
        mask: Which of the test images are in this set, bool (N,).
    """
    if not corrupted.kinds:
        return None
    clean = accuracy(predictions.labels, predictions.predicted)
    # (kinds, severities): each entry is the accuracy of one kind at one severity.
    table = (corrupted.predicted[:, :, mask] == predictions.labels).mean(axis=2)
    mean = float(table.mean())
    return Robustness(
        severities=list(corrupted.severities),
        mean_accuracy=rounded(mean),
        mean_error=rounded(1 - mean),
        relative=_relative(mean, clean),
        kinds={
            kind: CorruptionScores(
                accuracy=[rounded(value) for value in row],
                mean=rounded(row.mean()),
                relative=_relative(float(row.mean()), clean),
            )
            for kind, row in zip(corrupted.kinds, table, strict=True)
        },
    )


def _relative(value: float, clean: float) -> float | None:
    return rounded(value / clean) if clean else None
