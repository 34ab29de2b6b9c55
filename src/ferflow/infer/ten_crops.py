"""Ten crops of an image: of the image as it is for networks that also take smaller images, else of the enlarged one."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras

Images = npt.NDArray[np.uint8]


def crop_side(side: int) -> int:
    """Return the side of the crops: about 11/12 of the image's, and so many pixels that the centre crop is centred.

    >>> crop_side(48), crop_side(16)
    (44, 14)
    """
    return side - 2 * max(1, round(side / 24))


def crop_corners(images: Images, side: int) -> list[Images]:
    """Return the four corners and the centre of square images, and then their mirror images.

    Args:
        images: Grey levels, uint8, (N, S, S).
        side: Side of the crops, at most S.

    Returns:
        Ten arrays, uint8, (N, side, side).
    """
    margin = images.shape[1] - side
    corners = [(0, 0), (0, margin), (margin, 0), (margin, margin), (margin // 2, margin // 2)]
    crops = [images[:, top : top + side, left : left + side] for top, left in corners]
    return crops + [crop[:, :, ::-1] for crop in crops]


def enlarge(images: Images) -> Images:
    """Enlarge grey images, uint8 (N, side, side), by an eighth (at least one pixel) with bilinear interpolation."""
    side = images.shape[1]
    size = side + max(1, round(side / 8))
    # Centres of pixels lie on centres; beyond the outermost, their value is repeated.
    place = np.clip((np.arange(size) + 0.5) * side / size - 0.5, 0, side - 1)
    low = np.minimum(place.astype(np.int64), side - 2)
    # Weights in 1024ths make every sum exact, and the mirror image of the enlarged image that of the image.
    upper = np.rint(1024 * (place - low)) / 1024
    weights = np.zeros((size, side))
    weights[np.arange(size), low], weights[np.arange(size), low + 1] = 1 - upper, upper
    weights[(size + 1) // 2 :] = weights[: size // 2][::-1, ::-1]
    return np.asarray(np.rint(weights @ images.astype(np.float64) @ weights.T), np.uint8)


def at_side(model: "keras.Model", side: int) -> "keras.Model | None":
    """Return the same network for images of another side, or None if it has weights that depend on the side.

    A network whose features become one vector by a global maximum or mean takes any side; one that flattens them has a
    dense layer for one side alone.

    Args:
        model: Network from grey levels, (N, S, S, 1), to probabilities, (N, classes).
        side: Height and width of the other images in pixels.

    Returns:
        A network with its own copy of the weights, from (N, side, side, 1) to probabilities, (N, classes).
    """
    import keras

    try:
        other = keras.models.clone_model(model, input_tensors=keras.Input((side, side, 1)))
    except ValueError:  # a layer does not take the other shape
        return None
    if [weight.shape for weight in other.weights] != [weight.shape for weight in model.weights]:
        return None
    if other.output_shape != model.output_shape:
        return None
    other.set_weights(model.get_weights())
    return other
