"""Filters of grey images in integer arithmetic, so that every machine computes the same bytes; see corruptions.

Pixels outside an image have the value of the nearest one inside. Directions come from a table of 128 or 256 parts of a
turn, with sines in units of 1/65536.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Images = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]

ONE = 65536  # the unit of sines and of a kernel's sum
# Rounding to 1/65536 removes the last bits, in which sine and cosine differ from machine to machine.
_COSINES = np.array([round(ONE * math.cos(2 * math.pi * part / 256)) for part in range(256)], np.int64)
_SINES = np.array([round(ONE * math.sin(2 * math.pi * part / 256)) for part in range(256)], np.int64)
_FINE = 8  # samples along each side of a pixel, for kernels

# ITU-T T.81 (1992), table K.1: luminance.
_QUANTIZATION = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56], [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.int64,
)  # fmt: skip
_DCT_BITS = 13
# Row u: the u-th basis function of the orthonormal discrete cosine transform of 8 values, in units of 1/8192.
_DCT = np.array(
    [
        [
            round((1 << _DCT_BITS) * math.sqrt((1 if u == 0 else 2) / 8) * math.cos((2 * x + 1) * u * math.pi / 16))
            for x in range(8)
        ]
        for u in range(8)
    ],
    np.float64,
)


def clip(values: Integers) -> Images:
    """Return values as grey levels, uint8, limited to 0 to 255."""
    return np.clip(values, 0, 255).astype(np.uint8)


def nearest(values: Any, unit: int) -> Any:
    """Divide integers in units of 1/(65536 x unit) to the nearest integer; halves round up."""
    divisor = ONE * unit
    return (values + divisor // 2) // divisor


def turn(part: Any) -> tuple[Any, Any]:
    """Return cosine and sine of an angle in 256ths of a turn, in units of 1/65536."""
    return _COSINES[part % 256], _SINES[part % 256]


@functools.lru_cache(maxsize=16)
def disc_kernel(radius: int) -> Integers:
    """Return the kernel of an unfocused lens: a disc whose weights sum to 65536.

    Args:
        radius: Radius in 1/256 pixels.
    """
    reach = (radius + 128 + 255) // 256
    # Samples lie in the middle of their part of a pixel, in units of 1/16 pixels.
    samples = 2 * np.arange(-reach * _FINE - _FINE // 2, reach * _FINE + _FINE // 2) + 1
    inside = (samples[:, None] ** 2 + samples**2) * 256 <= radius**2
    size = 2 * reach + 1
    return _normalized(inside.reshape(size, _FINE, size, _FINE).sum(axis=(1, 3), dtype=np.int64))


@functools.lru_cache(maxsize=16)
def line_kernels(length: int) -> list[Integers]:
    """Return the kernels of a camera that moves steadily, for 32 directions: lines through the centre.

    Args:
        length: Length in 1/256 pixels.

    Returns:
        32 kernels for angles from 0 to less than 180 degrees, whose weights sum to 65536.
    """
    return [_line_kernel(length, turn(4 * direction)) for direction in range(32)]


def _line_kernel(length: int, direction: tuple[Any, Any]) -> Integers:
    reach = (length // 2 + 255) // 256 + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.int64)
    steps = 16 * (length // 256 + 1)
    offsets = (2 * np.arange(steps) + 1 - steps) * length // (2 * steps)  # 1/256 pixels
    x, y = ((offsets * part) // ONE + 256 * reach for part in direction)
    for dy, dx in ((0, 0), (0, 1), (1, 0), (1, 1)):  # each point is shared by the four pixels around it
        weight = np.abs(256 * (1 - dx) - x % 256) * np.abs(256 * (1 - dy) - y % 256)
        np.add.at(kernel, (np.minimum(y // 256 + dy, 2 * reach), np.minimum(x // 256 + dx, 2 * reach)), weight)
    return _normalized(kernel)


def convolve(images: Images, kernels: Sequence[Integers], chosen: Integers) -> Images:
    """Filter each image with one of several kernels.

    Args:
        images: uint8, (N, S, S).
        kernels: Square kernels of odd size, whose weights sum to 65536.
        chosen: Position of each image's kernel, int64, (N,).
    """
    filtered = np.empty_like(images)
    for position in np.unique(chosen):
        rows, kernel = np.flatnonzero(chosen == position), kernels[position]
        reach, side = len(kernel) // 2, images.shape[1]
        # 255 x 65536 is below 2^24, so float32 holds every sum exactly, and in whatever order.
        padded = np.pad(images[rows], ((0, 0), (reach, reach), (reach, reach)), mode="edge").astype(np.float32)
        total = np.zeros((len(rows), side, side), np.float32)
        product = np.empty_like(total)
        for y, x in np.argwhere(kernel):
            np.multiply(padded[:, y : y + side, x : x + side], np.float32(kernel[y, x]), out=product)
            total += product
        filtered[rows] = (total.astype(np.int32) + ONE // 2) >> 16
    return filtered


def move(images: Images, right: Integers, down: Integers) -> Images:
    """Move each image by whole pixels, int64, (N,)."""
    places = np.arange(images.shape[1])
    rows = np.clip(places - down[:, None], 0, places[-1])
    columns = np.clip(places - right[:, None], 0, places[-1])
    moved: Images = images[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]
    return moved


def rotate(images: Images, degrees: int, sign: Integers) -> Images:
    """Rotate each image about its centre with bilinear interpolation.

    Args:
        images: uint8, (N, S, S).
        degrees: Angle.
        sign: 1 (counterclockwise) or -1 for each image, int64, (N,).
    """
    cosine, sine = (round(ONE * part(math.radians(degrees))) for part in (math.cos, math.sin))
    last = images.shape[1] - 1
    rotated = np.empty_like(images)
    places = 2 * np.arange(last + 1) - last  # distance to the centre in half pixels
    for direction in (1, -1):
        rows = np.flatnonzero(sign == direction)
        x = cosine * places - direction * sine * places[:, None]
        y = direction * sine * places + cosine * places[:, None]
        # In 1/256 pixels from the first one; places outside are those of the nearest pixel inside.
        x, y = (np.clip((part + (last << 16)) >> 9, 0, 256 * last) for part in (x, y))
        left, top = x // 256, y // 256
        across, below = (x % 256).astype(np.int32), (y % 256).astype(np.int32)
        right, bottom = np.minimum(left + 1, last), np.minimum(top + 1, last)
        part = images[rows].astype(np.int32)
        upper = part[:, top, left] * (256 - across) + part[:, top, right] * across
        lower = part[:, bottom, left] * (256 - across) + part[:, bottom, right] * across
        rotated[rows] = (upper * (256 - below) + lower * below + (1 << 15)) >> 16
    return rotated


def pixelate(images: Images, cells: int) -> Images:
    """Replace each of `cells` x `cells` parts of an image by its mean."""
    side = images.shape[1]
    pixels, parts = np.arange(side) * cells, np.arange(cells)[:, None] * side
    # How much of each part each pixel is, in units of 1/side.
    share = np.clip(np.minimum(pixels + cells, parts + side) - np.maximum(pixels, parts), 0, None).astype(np.float64)
    sums = share @ images.astype(np.float64) @ share.T  # float64 holds every sum exactly
    means = (sums.astype(np.int64) + side * side // 2) // (side * side)
    part = (2 * np.arange(side) + 1) * cells // (2 * side)
    return clip(means[:, part[:, None], part])


def jpeg(images: Images, quality: int) -> Images:
    """Return what JPEG leaves of grey images: the quantized discrete cosine transform of each block of 8 x 8 pixels.

    The bytes of a JPEG library depend on its version and its transform, so this does the part that loses information,
    and leaves the rest out (ITU-T T.81, annexes A.3 and K.1; the scale of the quality is that of IJG's library).

    Args:
        images: uint8, (N, S, S).
        quality: 1 to 100, as in JPEG libraries.
    """
    count, side = images.shape[:2]
    padding = -side % 8
    across = (side + padding) // 8
    padded = np.pad(images, ((0, 0), (0, padding), (0, padding)), mode="edge").astype(np.float64) - 128
    blocks = padded.reshape(count, across, 8, across, 8).swapaxes(2, 3).reshape(-1, 64)
    transform = np.kron(_DCT, _DCT)
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    table = np.clip((_QUANTIZATION * scale + 50) // 100, 1, 255).ravel()
    # All values are integers below 2^44, which float64 holds exactly.
    step = table * float(1 << (2 * _DCT_BITS))
    exact = blocks @ transform.T
    # The nearest multiple of the step; a half rounds away from 0, as in IJG's library.
    coefficients = np.sign(exact) * np.floor((2 * np.abs(exact) + step) / (2 * step)) * table
    pixels = np.floor((coefficients @ transform) / (1 << (2 * _DCT_BITS)) + 128.5).astype(np.int64)
    restored = pixels.reshape(count, across, across, 8, 8).swapaxes(2, 3).reshape(padded.shape)
    return clip(restored[:, :side, :side])


def _normalized(weights: Integers) -> Integers:
    """Return weights that sum to 65536; what rounding leaves over goes to the centre."""
    scaled: Integers = weights * ONE // weights.sum()
    middle = len(scaled) // 2
    scaled[middle, middle] += ONE - scaled.sum()
    return scaled
