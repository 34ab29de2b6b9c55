"""Random transformations of the training images.

Keras' preprocessing layers (RandomRotation and others) are not enough: they draw from one running stream, so an epoch
would depend on all epochs before it, and each of them resamples the image again.
"""

import cv2
import numpy as np
import numpy.typing as npt

from ferflow.train.recipe import Augment, SmallerSide

Images = npt.NDArray[np.float32]


def augment_batch(
    images: npt.NDArray[np.uint8],
    settings: Augment,
    rng: np.random.Generator,
    mirrored: npt.NDArray[np.bool_] | None = None,
) -> Images:
    """Transform each image of a batch at random.

    Flip, rotation, zoom, shear and shift form one affine map, so that each image is resampled once (bilinear; pixels
    outside the image mirror the inside). Contrast, brightness and random erasing follow (Zhong et al. 2017, algorithm
    1: 2 to 20 % of the area, aspect ratio 0.3 to 3.3, random grey levels).

    Args:
        images: Grey levels, uint8, (N, side, side); they stay unchanged.
        settings: Range of each transformation; zero turns it off.
        rng: Source of all randomness.
        mirrored: With `flip: alternate`, which images to mirror, (N,), since that depends on the epoch; see
            mirrored_in. Defaults to a draw with probability 0.5.

    Returns:
        Grey levels, float32, (N, side, side), clipped to 0 to 255.
    """
    changed = images.astype(np.float32)
    if settings.flip != "none" and mirrored is None:
        mirrored = rng.random(len(images)) < 0.5
    if any((settings.flip != "none", settings.rotation, settings.shift, settings.zoom, settings.shear)):
        side = images.shape[1]
        for row, matrix in enumerate(_affine_maps(mirrored, len(images), side, settings, rng)):
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


def mirrored_in(epoch: int, rows: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.bool_]:
    """Return which images `flip: alternate` mirrors in an epoch.

    Args:
        epoch: Number of the epoch, from 1.
        rows: Rows of the images in the training split, (N,).
        seed: Seed that decides which half of the images is mirrored in odd epochs.

    Returns:
        For each image, whether to mirror it, (N,).
    """
    # A hash of the row instead of a stored draw, so that every row has its own, in any order (Steele et al. 2014,
    # the mixing function of SplitMix64).
    mixed = rows.astype(np.uint64) + np.uint64(seed * 0x9E3779B97F4A7C15 % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    first = ((mixed ^ (mixed >> np.uint64(31))) & np.uint64(1)).astype(bool)
    return first ^ (epoch % 2 == 0)


def at_smaller_side(images: Images, smaller: SmallerSide, rng: np.random.Generator) -> Images:
    """Return the images at a smaller side.

    Args:
        images: Grey levels, float32, (N, side, side).
        smaller: The new side, and whether to resize or to crop.
        rng: Source of the positions of crops.

    Returns:
        Grey levels, float32, (N, new side, new side).
    """
    new = smaller.side
    if smaller.by == "resize":
        return np.stack([cv2.resize(image, (new, new), interpolation=cv2.INTER_AREA) for image in images])
    corners = rng.integers(0, images.shape[1] - new + 1, (len(images), 2))
    return np.stack(
        [image[top : top + new, left : left + new] for image, (top, left) in zip(images, corners, strict=True)]
    )


def _affine_maps(
    mirrored: npt.NDArray[np.bool_] | None, count: int, side: int, settings: Augment, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Return affine maps about the image's centre from source to target pixels, (count, 2, 3)."""
    angle = np.deg2rad(rng.uniform(-settings.rotation, settings.rotation, count))
    shear = np.tan(np.deg2rad(rng.uniform(-settings.shear, settings.shear, count)))
    zoom = rng.uniform(1 - settings.zoom, 1 + settings.zoom, count)
    shift = rng.uniform(-settings.shift * side, settings.shift * side, (count, 2))
    mirror = np.ones(count) if mirrored is None else np.where(mirrored, -1.0, 1.0)
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
