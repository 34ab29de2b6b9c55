"""A network's predictions averaged over test-time views of the images."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ferflow.base.network import predict
from ferflow.infer.ten_crops import at_side, crop_corners, crop_side, enlarge
from ferflow.scoring.predictions import Views
from ferflow.ui.progress import progress

if TYPE_CHECKING:
    import keras

Images = npt.NDArray[np.uint8]


def make_views(images: Images, views: Views) -> list[Images]:
    """Return the test-time views of square images, each of the images' own shape.

    >>> [view.tolist() for view in make_views(np.array([[[1, 2], [3, 4]]], np.uint8), "flip")]
    [[[[1, 2], [3, 4]]], [[[2, 1], [4, 3]]]]

    Args:
        images: Grey levels, uint8 (N, side, side).
        views: `single`: the image; `flip`: the image and its mirror image; `ten_crop`: the four corners and the centre
            of the image enlarged by an eighth, and their mirror images (Krizhevsky et al. 2012, section 4.1, who crop
            224 of 256 pixels, about the same share). For networks that take smaller images, predict_views crops the
            image as it is.
    """
    if views == "single":
        return [images]
    if views == "flip":
        return [images, images[:, :, ::-1]]
    return crop_corners(enlarge(images), images.shape[1])


def predict_views(
    model: "keras.Model", images: Images, views: Views, batch_size: int, label: str
) -> npt.NDArray[np.float32]:
    """Return the class probabilities averaged over the test-time views.

    The ten crops are cut from the image as it is, 44 of 48 pixels, if the network takes images of that side (see
    at_side). Other networks, such as those that flatten their features, get crops of their own side from the enlarged
    image.

    Args:
        model: Network from grey levels (N, side, side, 1) to probabilities (N, K).
        images: Grey levels, uint8 (N, side, side), at least one image.
        views: See make_views.
        batch_size: Images per step.
        label: Title of the progress display.

    Returns:
        float32 (N, K).
    """
    cropped = crop_side(images.shape[1])
    smaller = at_side(model, cropped) if views == "ten_crop" else None
    starts = range(0, len(images), batch_size)
    means = []
    for start in progress(starts, len(starts), label, unit="step"):
        batch = np.asarray(images[start : start + batch_size])
        rows = len(batch)
        # The last step is padded to the same shape, so that the backend compiles once.
        padded = np.concatenate([batch, np.zeros((batch_size - rows, *batch.shape[1:]), np.uint8)])
        shown = make_views(padded, views) if smaller is None else crop_corners(padded, cropped)
        probabilities = [predict(smaller or model, view, batch_size) for view in shown]
        mean = np.asarray(probabilities, np.float64).mean(axis=0)
        means.append(mean[:rows].astype(np.float32))
    return np.concatenate(means)
