"""Scores by thirds of brightness and contrast: a proxy for how evenly a network works, where no group is recorded.

The datasets record neither skin colour nor sex nor age, and a guess would be one more bias. Brightness and contrast can
be measured; they depend on light, camera and skin, so that a difference shows that a network depends on them, and no
difference does not show that it is fair.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ferflow.base.metrics import accuracy
from ferflow.evaluate.resampling import bootstrap
from ferflow.evaluate.rounding import rounded
from ferflow.evaluate.sets import ImageFacts, brightness_and_contrast
from ferflow.reporting.confusion import class_scores, confusion, interval
from ferflow.reporting.set_metrics import Third, Thirds
from ferflow.scoring.predictions import Predictions

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Limits:
    """Limits between the thirds, in grey levels.

    Attributes:
        brightness: Of the mean grey level, lower and upper.
        contrast: Of the standard deviation of the grey levels, lower and upper.
    """

    brightness: tuple[float, float]
    contrast: tuple[float, float]

    @classmethod
    def of(cls, images: npt.NDArray[np.uint8]) -> "Limits":
        """Return the limits that split these images into thirds.

        Use the training images: `dark` is then the same for every set, for all results, and decided without a test
        image. The thirds of another set need not be of equal size, and their sizes are reported.

        Args:
            images: Grey levels, uint8 (N, side, side), at least one.
        """
        return cls(*(_terciles(values) for values in brightness_and_contrast(images)))


def _terciles(values: Floats) -> tuple[float, float]:
    low, high = np.quantile(values, [1 / 3, 2 / 3])
    return round(float(low), 3), round(float(high), 3)


def score_thirds(
    predictions: Predictions, facts: ImageFacts, limits: Limits, resamples: int, confidence: float, seed: int
) -> Thirds:
    """Return the scores of each third of a set of images.

    Args:
        predictions: Predictions on the set.
        facts: Brightness and contrast of the same images.
        limits: Limits between the thirds.
        resamples: Number of bootstrap resamples.
        confidence: Confidence level of the intervals, in (0, 1).
        seed: Seed of the bootstrap.
    """

    def scores(values: Floats, ends: tuple[float, float]) -> list[Third]:
        place = np.digitize(values, ends)
        edges = [None, *ends, None]
        return [
            _score(predictions.select(place == third), (edges[third], edges[third + 1]), resamples, confidence, seed)
            for third in range(3)
        ]

    return Thirds(
        brightness=scores(facts.brightness, limits.brightness), contrast=scores(facts.contrast, limits.contrast)
    )


def _score(
    part: Predictions, ends: tuple[float | None, float | None], resamples: int, confidence: float, seed: int
) -> Third:
    images = len(part.labels)
    if not images:
        none = dict.fromkeys(("accuracy", "accuracy_low", "accuracy_high", "macro_f1"))
        return Third(low=ends[0], high=ends[1], images=0, **none)
    counts = confusion(part.labels, part.predicted, len(part.classes))
    occurs = counts.sum(axis=1) > 0
    accuracies, _ = bootstrap(part, resamples, seed)
    low, high = interval(accuracies, confidence)
    return Third(
        low=ends[0],
        high=ends[1],
        images=images,
        accuracy=rounded(accuracy(part.labels, part.predicted)),
        accuracy_low=rounded(low),
        accuracy_high=rounded(high),
        macro_f1=rounded(class_scores(counts)[2][occurs].mean()),
    )
