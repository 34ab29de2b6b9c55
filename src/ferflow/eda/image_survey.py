"""One pass over the images: mean and variance face of each class, and the pictures that the page shows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ferflow.eda.pictures import Levels, square, thumbnail
from ferflow.raw.images import read_grey
from ferflow.ui.progress import progress

Face = npt.NDArray[np.float64]


@dataclass
class Moments:
    """Sums over the images of a class, exact, so that the order of reading changes nothing.

    Attributes:
        images: how many.
        total: sum of the grey levels, int64 (side, side).
        squares: sum of their squares, int64 (side, side).
    """

    images: int
    total: npt.NDArray[np.int64]
    squares: npt.NDArray[np.int64]

    @classmethod
    def none(cls, side: int) -> "Moments":
        """Return the sums over no image."""
        return cls(0, np.zeros((side, side), np.int64), np.zeros((side, side), np.int64))

    def add(self, image: Levels) -> None:
        """Take one image in."""
        levels = image.astype(np.int64)
        self.images += 1
        self.total += levels
        self.squares += levels * levels

    @property
    def mean(self) -> Face:
        """Mean of each pixel, 0 to 255."""
        return self.total / self.images

    @property
    def variance(self) -> Face:
        """Variance of each pixel, in grey levels squared, never below 0."""
        # From exact integers: the usual loss of digits of E[x²] - E[x]² cannot occur.
        return (self.images * self.squares - self.total**2) / self.images**2


@dataclass
class Survey:
    """What one pass over the images gave.

    Attributes:
        side: of the grey images, in pixels.
        classes: the sums of each class that has a kept image.
        everything: the sums over all kept images.
        greys: the images asked for as squares, (side, side), by path.
        thumbs: the images asked for with their proportions, by path.
    """

    side: int
    everything: Moments
    classes: dict[str, Moments] = field(default_factory=dict)
    greys: dict[str, Levels] = field(default_factory=dict)
    thumbs: dict[str, Levels] = field(default_factory=dict)


def survey(
    raw: Path,
    labels: Mapping[str, str],
    greys: Collection[str],
    thumbs: Collection[str],
    side: int,
) -> Survey:
    """Read each image that is needed once.

    Args:
        raw: the raw folder.
        labels: the class of every kept image, by path.
        greys: paths of the images to return as squares.
        thumbs: paths of the images to return with their proportions; kept or not.
        side: to which the images are scaled, in pixels.

    Raises:
        DataError: an image is not what it was when the manifest was made.
    """
    result = Survey(side, Moments.none(side))
    wanted = sorted({*labels, *greys, *thumbs})
    images = zip(wanted, read_grey(raw, wanted), strict=True)
    for path, image in progress(images, len(wanted), "looking at images"):
        if path in thumbs:
            result.thumbs[path] = thumbnail(image, 2 * side)
        if path not in labels and path not in greys:
            continue
        grey = square(image, side)
        if path in greys:
            result.greys[path] = grey
        if path in labels:
            result.everything.add(grey)
            result.classes.setdefault(labels[path], Moments.none(side)).add(grey)
    return result
