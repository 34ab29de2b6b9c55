"""FER-2013-C: ten corruptions of grey face images at five severities, the same bytes on every machine.

After ImageNet-C (Hendrycks & Dietterich 2019, "Benchmarking neural network robustness to common corruptions and
perturbations", section 4) and RAF-DB-C (Greco et al. 2023). What is drawn for an image, such as its noise or the side
from which it is covered, follows from its pixels alone: from SHAKE-256 of the kind and the pixels. It therefore depends
neither on the image's name, nor on the other images, their order and number, nor on a library's random generator; and
it is the same at every severity, which changes the strength alone. All arithmetic is in integers.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from ferflow.infer import corruption_filters as filters

Images = npt.NDArray[np.uint8]

SEVERITIES = (1, 2, 3, 4, 5)
REFERENCE_SIDE = 48  # pixels; lengths in the table are for images of this side
_PART = 128  # images at a time: what a filter holds of them fits into a processor's cache
_LEVELS = 4096
# Quantiles of the standard normal distribution in units of 1/1024; rounded, so that no machine's logarithm matters.
_NORMAL = np.array([round(1024 * NormalDist().inv_cdf((i + 0.5) / _LEVELS)) for i in range(_LEVELS)], np.int32)


@dataclass(frozen=True)
class Corruption:
    """One kind of corruption.

    Attributes:
        amounts: Its strength at severity 1 to 5, in `unit`.
        unit: What an amount is.
        why: Why these amounts.
        apply: Function from images, uint8 (N, S, S), an amount and the images' random bytes, uint8 (N, M), to the
            corrupted images, uint8 (N, S, S).
        random: Number of random bytes that `apply` needs for an image of S x S pixels, given S. Defaults to none.
    """

    amounts: tuple[int, int, int, int, int]
    unit: str
    why: str
    apply: Callable[[Images, int, Images], Images]
    random: Callable[[int], int] = lambda _side: 0


def corrupt(images: Images, kind: str, severity: int) -> Images:
    """Return corrupted images.

    >>> faces = np.arange(2 * 48 * 48, dtype=np.uint64).astype(np.uint8).reshape(2, 48, 48)
    >>> bool((corrupt(faces, "rotation", 3)[1] == corrupt(faces[1:], "rotation", 3)[0]).all())
    True

    Args:
        images: Grey levels, uint8, (N, S, S), S at least 8. Lengths scale with S / 48.
        kind: A key of CORRUPTIONS.
        severity: 1 (just visible) to 5 (hard).

    Returns:
        uint8, (N, S, S), an array of its own.

    Raises:
        ValueError: The kind or the severity is unknown, or the images are not of this type and shape.
    """
    if kind not in CORRUPTIONS:
        raise ValueError(f"kind must be one of {', '.join(CORRUPTIONS)}. Received: {kind!r}.")
    if severity not in SEVERITIES:
        raise ValueError(f"severity must be from 1 to 5. Received: {severity!r}.")
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1] != images.shape[2] or images.shape[1] < 8:
        raise ValueError(f"images must be uint8, (N, S, S), S at least 8. Received: {images.dtype}, {images.shape}.")
    corruption = CORRUPTIONS[kind]
    corrupted = np.empty_like(images)
    for start in range(0, len(images), _PART):
        part = images[start : start + _PART]
        random = random_bytes(part, kind, corruption.random(images.shape[1]))
        corrupted[start : start + _PART] = corruption.apply(part, corruption.amounts[severity - 1], random)
    return corrupted


def random_bytes(images: Images, kind: str, count: int) -> Images:
    """Return bytes that look random and follow from an image's pixels: uint8, (N, count).

    Args:
        images: uint8, (N, S, S).
        kind: Name of what the bytes are for; another name gives independent bytes.
        count: Bytes for each image.
    """
    prefix = f"FER-2013-C {kind} {images.shape[1]} ".encode()
    drawn = [hashlib.shake_256(prefix + image.tobytes()).digest(count) for image in np.asarray(images)]
    return np.frombuffer(b"".join(drawn), np.uint8).reshape(len(images), count)


def _length(amount: int, side: int) -> int:
    """Return an amount in tenths of a pixel of 48, in 1/256 pixels of an image of this side."""
    return round(amount * 256 * side / (10 * REFERENCE_SIDE))


def _gaussian_noise(images: Images, amount: int, random: Images) -> Images:
    draws = random.view("<u2").reshape(images.shape) % _LEVELS
    return filters.clip(images + ((_NORMAL[draws] * amount + 512) >> 10))


def _defocus_blur(images: Images, amount: int, _random: Images) -> Images:
    radius = _length(amount, images.shape[1])
    return filters.convolve(images, [filters.disc_kernel(radius)], np.zeros(len(images), np.int64))


def _motion_blur(images: Images, amount: int, random: Images) -> Images:
    length = _length(amount, images.shape[1])
    return filters.convolve(images, filters.line_kernels(length), random[:, 0].astype(np.int64) % 32)


def _contrast(images: Images, amount: int, _random: Images) -> Images:
    pixels = images.shape[1] * images.shape[2]
    mean = (images.sum(axis=(1, 2), keepdims=True, dtype=np.int64) + pixels // 2) // pixels
    return filters.clip(mean + ((images - mean) * amount + 50) // 100)


def _brightness(images: Images, amount: int, random: Images) -> Images:
    return filters.clip(images + amount * (1 - 2 * (random[:, :1, None].astype(np.int64) % 2)))


def _occlusion(images: Images, amount: int, random: Images) -> Images:
    side = images.shape[1]
    covered = max(1, (side * amount + 50) // 100)
    corrupted = images.copy()
    for image, (edge, grey) in zip(corrupted, random % (4, 256), strict=True):
        np.rot90(image, int(edge))[:covered] = grey  # rot90 is a view
    return corrupted


def _shift(images: Images, amount: int, random: Images) -> Images:
    length, angle = _length(amount, images.shape[1]), random[:, 0].astype(np.int64)
    cosine, sine = filters.turn(angle)
    return filters.move(images, filters.nearest(length * cosine, 256), filters.nearest(length * sine, 256))


def _rotation(images: Images, amount: int, random: Images) -> Images:
    sign = 1 - 2 * (random[:, 0].astype(np.int64) % 2)
    return filters.rotate(images, amount, sign)


def _pixelation(images: Images, amount: int, _random: Images) -> Images:
    return filters.pixelate(images, max(1, (images.shape[1] * amount + REFERENCE_SIDE // 2) // REFERENCE_SIDE))


def _jpeg(images: Images, amount: int, _random: Images) -> Images:
    return filters.jpeg(images, amount)


CORRUPTIONS = {
    "gaussian_noise": Corruption(
        (4, 8, 13, 19, 27), "standard deviation in grey levels",
        "ImageNet-C has 20 to 97 grey levels on photographs; a face of 48 pixels has few pixels to average over, and "
        "networks that never saw noise guess from about 30 on, long before people do.",
        _gaussian_noise, lambda side: 2 * side * side,
    ),
    "defocus_blur": Corruption(
        (10, 15, 21, 28, 36), "radius of the disc in tenths of a pixel",
        "An eye is 8 to 9 pixels wide and a mouth 4 pixels high: a disc of 3.6 pixels leaves no lid and no lip.",
        _defocus_blur,
    ),
    "motion_blur": Corruption(
        (25, 40, 55, 75, 95), "length in tenths of a pixel",
        "From a third of an eye's width to a whole one, as of a head that turns; the direction is drawn from 32.",
        _motion_blur, lambda _side: 1,
    ),
    "contrast": Corruption(
        (60, 42, 28, 17, 9), "percent of the contrast that is left",
        "ImageNet-C's 40 to 5 % start where a face in haze is already pale; 9 % of a typical face is some 5 grey "
        "levels of standard deviation.",
        _contrast,
    ),
    "brightness": Corruption(
        (20, 40, 60, 80, 100), "grey levels added or subtracted",
        "8 to 39 % of the range (ImageNet-C: 10 to 50 %, of which half would turn a dark face black); half of the "
        "images become darker, because cameras fail both ways.",
        _brightness, lambda _side: 1,
    ),
    "jpeg": Corruption(
        (45, 25, 15, 9, 5), "quality",
        "ImageNet-C has 25 to 7; the blocks of 8 pixels are as large as an eye here, and quality 5 leaves little more "
        "than their means.",
        _jpeg,
    ),
    "pixelation": Corruption(
        (32, 24, 18, 14, 11), "pixels along the side that are left of 48",
        "ImageNet-C keeps 60 to 25 % of the side; so does this from severity 2 on. People tell an expression down to "
        "about 10 pixels.",
        _pixelation,
    ),
    "occlusion": Corruption(
        (10, 20, 30, 40, 50), "percent of the face that is covered",
        "A band from one of the four sides, as by a hand, a mask, a cap or the edge of the picture; at last half the "
        "face. The grey level is drawn.",
        _occlusion, lambda _side: 2,
    ),
    "shift": Corruption(
        (20, 45, 70, 95, 120), "distance in tenths of a pixel",
        "A face box that is off by 4 to 25 % of its side; training usually shifts by up to 8 %. The direction is "
        "drawn.",
        _shift, lambda _side: 1,
    ),
    "rotation": Corruption(
        (7, 14, 22, 31, 42), "degrees",
        "Training usually rotates by up to 10 degrees; a head that leans on a shoulder is at about 40. The direction "
        "is drawn.",
        _rotation, lambda _side: 1,
    ),
}  # fmt: skip
"""The corruptions by name. Change no amount: another amount is another benchmark."""
