"""A face found in a picture, and what finds it: the interface between detectors and everything after them."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Rgb = npt.NDArray[np.uint8]
"""A picture: uint8, (height, width, 3), red, green, blue, 0 to 255."""

Points = npt.NDArray[np.float32]
"""Points in a picture: float32, (N, 2), x to the right and y down, in pixels from the picture's upper left corner."""


class Box(NamedTuple):
    """A rectangle in a picture, in pixels; it may reach beyond the picture's edges.

    Attributes:
        x: Left edge.
        y: Upper edge.
        width: Width.
        height: Height.
    """

    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return self.width * self.height

    def overlap(self, other: "Box") -> float:
        """Return the intersection over union with another box, 0 to 1.

        >>> Box(0, 0, 2, 2).overlap(Box(1, 0, 2, 2))
        0.3333333333333333
        """
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.area + other.area - shared)


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face that a detector has found.

    Attributes:
        box: Where the face is.
        score: How sure the detector is, 0 to 1.
        landmarks: The subject's right eye, left eye, tip of the nose, right and left corner of the mouth, float32,
            (5, 2); None if the detector does not give them, so that the crop follows the box alone.
    """

    box: Box
    score: float
    landmarks: Points | None = None


class Detector(Protocol):
    """What finds faces. Any object with this method can replace YuNet: `Recognizer(detector=...)`."""

    def detect(self, image: Rgb) -> list[Face]:
        """Return the faces of a picture, the surest first.

        Args:
            image: The picture, uint8, (height, width, 3), RGB.
        """
        ...
