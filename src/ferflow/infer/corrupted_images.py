"""A network's predictions on corrupted test images."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ferflow.infer.corruptions import corrupt
from ferflow.infer.views import predict_views
from ferflow.scoring.corrupted_predictions import CorruptedPredictions
from ferflow.settings.judging import Infer

if TYPE_CHECKING:
    import keras


def predict_corrupted(
    model: "keras.Model", images: npt.NDArray[np.uint8], settings: Infer, name: str
) -> CorruptedPredictions:
    """Predict the classes of corrupted images, over the same views as those of the images themselves.

    The mean over the views is what the registered model answers with, so that is what is tested; a mirrored view costs
    as much again, but a test of something else would answer another question.

    Args:
        model: Network from grey levels (N, side, side, 1) to probabilities (N, K).
        images: Grey levels of the test images, uint8 (N, side, side).
        settings: `infer:` of params.yaml, with the kinds and severities.
        name: Name of the result, for the progress display.
    """
    kinds, severities = settings.corruptions.kinds, settings.corruptions.severities
    predicted = np.zeros((len(kinds), len(severities), len(images)), np.uint8)
    for row, kind in enumerate(kinds):
        # All severities together, because the last batch of a prediction is padded.
        corrupted = np.concatenate([corrupt(images, kind, severity) for severity in severities])
        label = f"{name} under {kind.replace('_', ' ')}"
        probabilities = predict_views(model, corrupted, settings.views, settings.batch_size, label)
        predicted[row] = probabilities.argmax(axis=1).reshape(len(severities), len(images))
    return CorruptedPredictions(tuple(kinds), tuple(severities), predicted)
