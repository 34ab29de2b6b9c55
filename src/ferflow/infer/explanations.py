"""`reports/infer/<result>/explanations.npz`: where the network looked when it was most confident and wrong."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ferflow.base.files import write_archive
from ferflow.infer.grad_cam import grad_cam, last_spatial_layer
from ferflow.scoring.predictions import Predictions

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Explanations:
    """Grad-CAM of some test images.

    Attributes:
        rows: Rows of the images in the test split, int64 (M,), the most confident mistake first.
        maps: How much each place speaks for the predicted class, uint8 (M, side, side): 0 not at all, 255 most.
        layer: Name of the layer whose features are explained, or None if there is no mistake to explain.
    """

    rows: npt.NDArray[np.int64]
    maps: npt.NDArray[np.uint8]
    layer: str | None


def worst_mistakes(predictions: Predictions, limit: int) -> npt.NDArray[np.int64]:
    """Return the rows of the images that are wrong with the highest probability, that one first.

    Args:
        predictions: Predictions on a set of images.
        limit: Maximum number of rows.
    """
    top = predictions.probabilities.max(axis=1)
    wrong = np.flatnonzero(predictions.predicted != predictions.labels)
    return np.asarray(wrong[np.argsort(-top[wrong], kind="stable")][:limit], np.int64)


def explain(
    model: "keras.Model",
    images: npt.NDArray[np.uint8],
    predicted: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
) -> Explanations:
    """Explain the predictions for a few images, each as it is, whatever the test-time views are.

    Args:
        model: Network from grey levels (N, side, side, 1) to probabilities (N, K).
        images: Grey levels, uint8 (M, side, side).
        predicted: Class to explain for each image, int64 (M,).
        rows: Rows of the images in the test split, int64 (M,).
    """
    if not len(rows):
        return Explanations(rows, np.zeros((0, *images.shape[1:]), np.uint8), None)
    layer = last_spatial_layer(model)
    return Explanations(rows, grad_cam(model, layer, images, predicted), layer.name)


def write_explanations(path: Path, explanations: Explanations) -> None:
    """Write explanations.npz, the same bytes from the same values."""
    write_archive(path, rows=explanations.rows, maps=explanations.maps)
