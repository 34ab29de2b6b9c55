"""What is known about the images of a set besides the predictions, and whether both are about the same images."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ferflow.base.arrays import Split
from ferflow.base.errors import DataError
from ferflow.scoring.predictions import Predictions


@dataclass(frozen=True)
class ImageFacts:
    """What is known about each image of a set in addition to its label.

    Attributes:
        brightness: Mean grey level, float64 (N,), 0 to 255.
        contrast: Standard deviation of the grey levels, float64 (N,).
        votes: Votes of the annotators as shares that sum to 1, float32 (N, K), or None.
    """

    brightness: npt.NDArray[np.float64]
    contrast: npt.NDArray[np.float64]
    votes: npt.NDArray[np.float32] | None

    @classmethod
    def of(cls, split: Split) -> "ImageFacts":
        """Return what the images and the votes of a split show."""
        return cls(*brightness_and_contrast(split.images), split.votes)

    def select(self, mask: npt.NDArray[np.bool_]) -> "ImageFacts":
        """Return the facts where the mask, bool (N,), is true."""
        votes = None if self.votes is None else self.votes[mask]
        return ImageFacts(self.brightness[mask], self.contrast[mask], votes)


def brightness_and_contrast(images: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return mean and standard deviation of the grey levels of each image, float64 (N,).

    Args:
        images: Grey levels, uint8 (N, side, side); they may be memory-mapped.
    """
    portions = [np.asarray(images[start : start + 1024], np.float64) for start in range(0, len(images), 1024)]
    means = [portion.mean(axis=(1, 2)) for portion in portions]
    deviations = [portion.std(axis=(1, 2)) for portion in portions]
    empty = np.zeros(0)
    return np.concatenate([empty, *means]), np.concatenate([empty, *deviations])


def check_same_images(predictions: Predictions, split: Split, name: str, result: str) -> None:
    """Check that predictions are about the images of a split.

    Args:
        predictions: Predictions that infer wrote.
        split: Prepared images.
        name: Name of the split, for the message.
        result: Name of the result, for the message.

    Raises:
        DataError: They are about other images, labels or classes.
    """
    same = (
        predictions.classes == split.classes
        and predictions.index["id"].tolist() == split.index["id"].tolist()
        and np.array_equal(predictions.labels, split.labels)
    )
    if not same:
        raise DataError(
            f"reports/infer/{result}/predictions_{name}.csv is not about the {name} images of data/prepare "
            f"({len(predictions.labels):,} and {len(split):,} images); one of them is out of date. Run: dvc repro "
            f"infer@{result}."
        )
