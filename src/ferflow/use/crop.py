"""Cut a face out of a picture as the training crops were cut, and learn from training crops how that was.

A network answers best for faces that lie in the crop as they did in training: eyes, nose and mouth at the same places,
at the same size. `CropTemplate` states these places; `learn_template` finds them; `cut` moves a face there by a shift,
one scale and, if the template says so, a rotation. A face is never stretched. Landmarks are a few pixels off, and so
are the crops that a network was trained on, so a face is answered from several crops (`placements`).
"""

from math import ceil
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from ferflow.use.card_file import CropTemplate
from ferflow.use.face import Detector, Face, Points

Grey = npt.NDArray[np.uint8]
"""Grey levels 0 to 255, uint8, (height, width)."""

_MOST_BEYOND = 8192  # pixels beyond the picture: bounds the work for a box that a detector other than YuNet makes up
_FINEST = 4  # pixels of the picture across a pixel of the crop; a larger face is first reduced towards that
_ZOOMS = (0.93, 1.07)
_WIDEST = 4  # pictures; a wider crop comes of landmarks that are no face, and the box is the better guess
_LEARNING_SIDE, _LEARNING_FRAME = (
    144,
    48,
)  # a crop of any size is brought to 144 pixels, and framed with 48 on each side
_MIN_FACES, _MIN_SHARE = 20, 0.2


class Placement(NamedTuple):
    """Where a square crop lies in a picture: crop point (u, v), each 0 to 1, is picture point origin + (u, v) * axis.

    `axis` is a complex number, and points are x + iy: its absolute value is the crop's side in pixels, its angle the
    rotation of the crop in the picture.

    Attributes:
        origin: Upper left corner of the crop, in pixels.
        axis: Vector along the crop's upper edge, in pixels.
    """

    origin: complex
    axis: complex

    def points(self, shares: npt.ArrayLike) -> Points:
        """Return the points of the picture that lie at some shares of the crop, (N, 2); float32, (N, 2)."""
        placed = self.origin + _complex(shares) * self.axis
        return np.stack([placed.real, placed.imag], 1).astype(np.float32)

    def zoomed(self, factor: float) -> "Placement":
        """Return the crop with the same centre whose side is `factor` times as long."""
        return Placement(self.origin + (1 - factor) * (0.5 + 0.5j) * self.axis, factor * self.axis)

    @property
    def corners(self) -> Points:
        """The crop's corners in the picture, clockwise from the upper left one, float32, (4, 2)."""
        return self.points([[0, 0], [1, 0], [1, 1], [0, 1]])


def place(face: Face, template: CropTemplate) -> Placement:
    """Return where the crop of a face lies.

    With landmarks it is the similarity transform between them and the template's places with the least squared error in
    the crop (Umeyama 1991, equations 40 to 43, without reflection; in two dimensions this is a linear regression of
    complex numbers). Without landmarks, or if these lie on one point, it is the upright square around the box.
    """
    if face.landmarks is not None:
        there, here = _complex(places(template)), _complex(face.landmarks)
        spread = here - here.mean()
        covariance = (spread.conj() * (there - there.mean())).sum()
        slope = (covariance if template.rotate else covariance.real + 0j) / max(float((abs(spread) ** 2).sum()), 1e-9)
        # A scale below zero without rotation is a face upside down, for which the box is the better guess.
        if abs(slope) > 1e-6 and (template.rotate or slope.real > 0):
            axis = 1 / complex(slope)
            return Placement(complex(here.mean()) - complex(there.mean()) * axis, axis)
    box = face.box
    side = box.height / template.box_height
    centre = complex(box.x + box.width / 2, box.y + box.height / 2)
    return Placement(centre - complex(*template.box_centre) * side, complex(side))


def placements(face: Face, template: CropTemplate, shape: tuple[int, int]) -> list[Placement]:
    """Return where the crops of a face lie whose probabilities are averaged.

    Two lie by the landmarks, one slightly smaller and one slightly larger than the template; the third is the upright
    square around the box. Detectors err differently in landmarks and box, so that their mean errs less. Without
    landmarks, or if these are absurd, all three lie by the box. `bench/round_trip.py` measures what each is worth.

    Args:
        face: The face.
        template: Where faces lie in training crops.
        shape: Height and width of the picture in pixels.

    Returns:
        Three placements.
    """
    square = place(Face(face.box, face.score), template)
    middle = place(face, template)
    if abs(middle.axis) > _WIDEST * max(shape):
        middle = square
    return [*map(middle.zoomed, _ZOOMS), square]


def places(template: CropTemplate) -> Points:
    """Return right eye, left eye, nose, right and left mouth corner of a template: shares of the side, (5, 2)."""
    points = (template.right_eye, template.left_eye, template.nose, template.right_mouth, template.left_mouth)
    return np.array(points, np.float32)


def cut(grey: Grey, placement: Placement, side: int) -> Grey:
    """Cut a crop out of a picture.

    Where a pixel of the crop covers several pixels of the picture, it is their mean, because single samples of a large
    face would leave out most of its pixels; a small face is enlarged with bilinear interpolation. A picture whose face
    is eight times the crop's side or larger is first reduced to means of whole squares of pixels, so that a close-up
    does not take long. Beyond the picture's edge the pixels of its edge are repeated.

    Args:
        grey: The picture, uint8, (height, width).
        placement: Where the crop lies in it.
        side: Height and width of the crop in pixels.

    Returns:
        The crop, uint8, (side, side).
    """
    scale = abs(placement.axis) / side
    shrink = max(1, int(scale / _FINEST))
    samples = max(1, ceil(scale / shrink - 1e-6))
    # Only the region around the crop is transformed. Clipping an index repeats the picture's edge.
    low = np.floor(placement.corners.min(0)).astype(int) - 2 * shrink
    high = np.ceil(placement.corners.max(0)).astype(int) + 3 * shrink
    high += (low - high) % shrink
    height, width = grey.shape
    if max(high - low) > _MOST_BEYOND + max(height, width):
        raise ValueError(f"the crop is {abs(placement.axis):.0f} pixels wide in a picture of {width}x{height}")
    rows, columns = np.arange(low[1], high[1]), np.arange(low[0], high[0])
    region = Image.fromarray(grey.take(rows, 0, mode="clip").take(columns, 1, mode="clip")).reduce(shrink)
    fine = side * samples
    start, step = (placement.origin - complex(*map(float, low))) / shrink, placement.axis / shrink / fine
    affine = (step.real, -step.imag, start.real, step.imag, step.real, start.imag)
    crop = region.transform((fine, fine), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
    return np.asarray(crop.reduce(samples))


def learn_template(images: Grey, detector: Detector | None = None, most: int = 600) -> CropTemplate:
    """Return where faces lie in training crops: medians of the landmarks and boxes that a detector finds in them.

    Each crop is framed by its own repeated edge, because a detector needs some space around a face. Crops with no face
    or several are left out. The template is made symmetric, because a mirror image is as good a face.

    Args:
        images: Training crops, uint8, (N, side, side).
        detector: What finds the faces. Defaults to YuNet.
        most: Maximum number of crops to look at, spread evenly over `images`. Defaults to 600.

    Returns:
        The template; `CropTemplate.default()` if fewer than 20 faces, or faces in fewer than a fifth of the crops, are
        found, or the detector has no landmarks.

    Raises:
        ModelError: The default detector's file is missing.
    """
    if detector is None:
        from ferflow.use.yunet import YuNet

        detector = YuNet(threads=1)
    chosen = np.unique(np.linspace(0, max(0, len(images) - 1), min(most, len(images))).astype(int))
    points, boxes = [], []
    for index in chosen:
        crop = Image.fromarray(images[index]).resize((_LEARNING_SIDE, _LEARNING_SIDE), Image.Resampling.BILINEAR)
        framed = np.pad(np.asarray(crop), _LEARNING_FRAME, "edge")
        faces = detector.detect(np.repeat(framed[:, :, None], 3, axis=2))
        if len(faces) == 1 and faces[0].landmarks is not None:
            points.append((faces[0].landmarks - _LEARNING_FRAME) / _LEARNING_SIDE)
            x, y, width, height = faces[0].box
            centre = (x + width / 2 - _LEARNING_FRAME, y + height / 2 - _LEARNING_FRAME)
            boxes.append((*(part / _LEARNING_SIDE for part in centre), height / _LEARNING_SIDE))
    if len(points) < max(_MIN_FACES, _MIN_SHARE * len(chosen)):
        return CropTemplate.default()
    right_eye, left_eye, nose, right_mouth, left_mouth = np.median(points, axis=0).astype(float)
    _, box_y, box_height = np.median(boxes, axis=0).astype(float)

    def pair(right: npt.NDArray[np.float64], left: npt.NDArray[np.float64]) -> list[tuple[float, float]]:
        offset, y = (1 + right[0] - left[0]) / 2, (right[1] + left[1]) / 2
        return [_rounded(offset, y), _rounded(1 - offset, y)]

    eyes, mouth = pair(right_eye, left_eye), pair(right_mouth, left_mouth)
    return CropTemplate(
        right_eye=eyes[0],
        left_eye=eyes[1],
        nose=_rounded(0.5, nose[1]),
        right_mouth=mouth[0],
        left_mouth=mouth[1],
        box_centre=_rounded(0.5, box_y),
        box_height=round(box_height, 4),
        rotate=True,
        faces=len(points),
    )


def _complex(points: npt.ArrayLike) -> npt.NDArray[np.complex128]:
    values = np.asarray(points, np.float64)
    return values[:, 0] + 1j * values[:, 1]


def _rounded(x: float, y: float) -> tuple[float, float]:
    return round(float(x), 4), round(float(y), 4)
