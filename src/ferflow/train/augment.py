"""Random transformations of the training images.

Keras' preprocessing layers (RandomRotation and others) are not enough: they draw from one running stream, so an epoch
would depend on all epochs before it, and each of them resamples the image again.
"""

import cv2
import numpy as np
import numpy.typing as npt

from ferflow.train.recipe import Augment

Images = npt.NDArray[np.float32]


def augment_batch(images: npt.NDArray[np.uint8], settings: Augment, rng: np.random.Generator) -> Images:
    """Transform each image of a batch at random.

    Flip, rotation, zoom, shear and shift form one affine map, so that each image is resampled once (bilinear; pixels
    outside the image mirror the inside). Contrast, brightness and random erasing follow (Zhong et al. 2017, algorithm
    1: 2 to 20 % of the area, aspect ratio 0.3 to 3.3, random grey levels).

    Args:
        images: Grey levels, uint8, (N, side, side); they stay unchanged.
        settings: Range of each transformation; zero turns it off.
        rng: Source of all randomness.

    Returns:
        Grey levels, float32, (N, side, side), clipped to 0 to 255.
    """
    changed = images.astype(np.float32)
    if any((settings.flip, settings.rotation, settings.shift, settings.zoom, settings.shear)):
        side = images.shape[1]
        for row, matrix in enumerate(_affine_maps(len(images), side, settings, rng)):
            changed[row] = cv2.warpAffine(
                changed[row], matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
            )
    if settings.contrast:
        factor = rng.uniform(1 - settings.contrast, 1 + settings.contrast, (len(images), 1, 1)).astype(np.float32)
        mean = changed.mean(axis=(1, 2), keepdims=True)
        changed = mean + (changed - mean) * factor
    if settings.brightness:
        limit = 255 * settings.brightness
        changed = changed + rng.uniform(-limit, limit, (len(images), 1, 1)).astype(np.float32)
    if settings.erasing:
        _erase(changed, settings.erasing, rng)
    return np.clip(changed, 0, 255)


def _affine_maps(count: int, side: int, settings: Augment, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return affine maps about the image's centre from source to target pixels, (count, 2, 3)."""
    angle = np.deg2rad(rng.uniform(-settings.rotation, settings.rotation, count))
    shear = np.tan(np.deg2rad(rng.uniform(-settings.shear, settings.shear, count)))
    zoom = rng.uniform(1 - settings.zoom, 1 + settings.zoom, count)
    shift = rng.uniform(-settings.shift * side, settings.shift * side, (count, 2))
    mirror = np.where(rng.random(count) < 0.5, -1.0, 1.0) if settings.flip else np.ones(count)
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    # The product rotation and zoom x shear x mirror, in closed form.
    maps = np.empty((count, 2, 3))
    maps[:, 0, 0], maps[:, 0, 1] = cos * mirror, cos * shear - sin
    maps[:, 1, 0], maps[:, 1, 1] = sin * mirror, sin * shear + cos
    centre = np.full(2, (side - 1) / 2)
    # The translation that keeps the centre in place, plus the shift.
    maps[:, :, 2] = centre - maps[:, :, :2] @ centre + shift
    return maps


def _erase(images: Images, probability: float, rng: np.random.Generator) -> None:
    """Overwrite a random rectangle with noise in each image with the given probability, in place."""
    side = images.shape[1]
    for image in images:
        if rng.random() >= probability:
            continue
        area = rng.uniform(0.02, 0.2) * side * side
        ratio = np.exp(rng.uniform(np.log(0.3), np.log(3.3)))
        height, width = (int(min(side, max(1, round(np.sqrt(area * r))))) for r in (ratio, 1 / ratio))
        top, left = rng.integers(0, side - height + 1), rng.integers(0, side - width + 1)
        image[top : top + height, left : left + width] = rng.uniform(0, 255, (height, width))
