"""Test-time views: the same image seen in several ways, and the mean of the answers."""

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from ferflow.base.network import predict
from ferflow.ui.progress import progress

if TYPE_CHECKING:
    import keras

Images = npt.NDArray[np.uint8]
Views = Literal["single", "flip", "ten_crop"]


def make_views(images: Images, views: Views) -> list[Images]:
    """Return the views of square images, each of the images' own shape.

    Args:
        images: uint8, (N, side, side).
        views: `single`: the image; `flip`: the image and its mirror image; `ten_crop`: the four corners and
            the centre of the image enlarged by an eighth, and their mirror images (Krizhevsky et al. 2012,
            section 4.1, who crop 224 of 256 pixels: much the same share).
    """
    if views == "single":
        return [images]
    if views == "flip":
        return [images, images[:, :, ::-1]]
    side = images.shape[1]
    large = enlarge(images)
    room = large.shape[1] - side
    corners = [(0, 0), (0, room), (room, 0), (room, room), (room // 2, room // 2)]
    crops = [large[:, top : top + side, left : left + side] for top, left in corners]
    return crops + [crop[:, :, ::-1] for crop in crops]


def enlarge(images: Images) -> Images:
    """Enlarge (N, side, side) by an eighth (one pixel at least), bilinear, corners on corners, to uint8."""
    side = images.shape[1]
    places = np.linspace(0, side - 1, side + max(1, round(side / 8)))
    low = np.minimum(places.astype(np.int64), side - 2)
    share = (places - low).astype(np.float32)
    rows = images[:, low] * (1 - share)[:, None] + images[:, low + 1] * share[:, None]
    both = rows[:, :, low] * (1 - share) + rows[:, :, low + 1] * share
    return np.asarray(np.rint(both), np.uint8)


def predict_views(
    model: "keras.Model", images: Images, views: Views, batch_size: int, label: str
) -> npt.NDArray[np.float32]:
    """Return the mean of the class probabilities over the views.

    Args:
        model: takes raw grey levels (N, side, side, 1), answers probabilities (N, classes).
        images: uint8, (N, side, side), at least one.
        views: see make_views.
        batch_size: images a step; the last step is filled up, so that the backend compiles once.
        label: what is being done, for the progress shown.

    Returns:
        float32, (N, classes).
    """
    starts = range(0, len(images), batch_size)
    means = []
    for start in progress(starts, len(starts), label, unit="step"):
        batch = np.asarray(images[start : start + batch_size])
        rows = len(batch)
        full = np.concatenate([batch, np.zeros((batch_size - rows, *batch.shape[1:]), np.uint8)])
        answers = [predict(model, view, batch_size) for view in make_views(full, views)]
        mean = np.asarray(answers, np.float64).mean(axis=0)
        means.append(mean[:rows].astype(np.float32))
    return np.concatenate(means)
