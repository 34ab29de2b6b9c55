"""The most confident mistakes: faces with given and predicted label, and where the network looked.

They show faces of the dataset, so that DVC keeps them, not git.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from ferflow.base.errors import DataError
from ferflow.base.files import reading
from ferflow.reporting.face_figures import attention_grid, face_grid
from ferflow.scoring.predictions import Predictions
from ferflow.scoring.temperature import calibrate


@dataclass(frozen=True)
class Mistakes:
    """Test images that are wrong with the highest probability, that one first.

    Attributes:
        images: Grey levels, uint8 (M, side, side).
        maps: Grad-CAM of the predicted class, uint8 (M, side, side).
        given: Labels.
        predicted: Predicted classes.
        confidence: Calibrated probability of the predicted class, float64 (M,).
    """

    images: npt.NDArray[np.uint8]
    maps: npt.NDArray[np.uint8]
    given: list[str]
    predicted: list[str]
    confidence: npt.NDArray[np.float64]

    def captions(self) -> list[str]:
        """Return given label, predicted label and confidence of each image, on two lines."""
        rows = zip(self.given, self.predicted, self.confidence, strict=True)
        return [f"label {given}\nanswer {predicted}, {100 * share:.0f} %" for given, predicted, share in rows]


def read_mistakes(
    inferred: Path, name: str, test: Predictions, images: npt.NDArray[np.uint8], temperature: float
) -> Mistakes:
    """Read explanations.npz and join it with images and labels.

    Args:
        inferred: Folder that infer wrote.
        name: Name of the result.
        test: Predictions on the test images, not yet calibrated.
        images: Test images, uint8 (N, side, side).
        temperature: Temperature to divide the logits by.

    Raises:
        DataError: The file is missing, damaged, or about other images.
    """
    with (
        reading(inferred / "explanations.npz", f"infer@{name}") as path,
        np.load(path, allow_pickle=False) as file,
    ):
        rows, maps = file["rows"], file["maps"]
    if len(rows) and (rows.max() >= len(images) or maps.shape != (len(rows), *images.shape[1:])):
        raise DataError(f"{path} is about other images. Run again: dvc repro -f infer@{name}.")
    confidence = calibrate(test.probabilities, temperature)[rows].max(axis=1)
    # infer sorted them by the probabilities before the temperature, which can change the order of close ones.
    order = np.argsort(-confidence, kind="stable")
    rows, maps = rows[order], maps[order]
    return Mistakes(
        images=np.asarray(images[rows]),
        maps=maps,
        given=[test.classes[label] for label in test.labels[rows]],
        predicted=[test.classes[label] for label in test.predicted[rows]],
        confidence=confidence[order],
    )


def draw_mistakes(name: str, mistakes: Mistakes) -> Iterator[tuple[str, Figure]]:
    """Yield the pictures of faces/ by file name without suffix; none if nothing is wrong.

    Args:
        name: Name of the result.
        mistakes: What read_mistakes returns.
    """
    if not len(mistakes.images):
        return
    captions = mistakes.captions()
    yield "mistakes", face_grid(mistakes.images, captions, f"{name}, test: the most confident mistakes")
    yield (
        "grad_cam",
        attention_grid(
            mistakes.images, mistakes.maps, captions, f"{name}, test: what spoke for the wrong answer (Grad-CAM)"
        ),
    )
