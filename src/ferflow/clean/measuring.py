"""Numbers of an image that tell whether it is blank or a copy."""

import functools
import hashlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ferflow.raw.images import Grey

_SIDE = 32  # the image is averaged down to this before the transform
_FREQUENCIES = 8
_ROUNDING = 1e-6  # a coefficient that should be zero is below this, whatever the order of the sums
_BLOCK = 2**21  # pixels converted to wider numbers at a time


def pixel_digest(grey: Grey) -> bytes:
    """Return the SHA-256 of size and grey pixels: 32 bytes, the same for exact copies alone."""
    height, width = grey.shape
    return hashlib.sha256(b"%dx%d:" % (width, height) + grey.tobytes()).digest()


def measure(greys: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float64], ...]:
    """Return mean and standard deviation, in grey levels, of images of one size.

    Args:
        greys: uint8, (N, height, width).

    Returns:
        Two arrays of float64, (N,), from exact sums.
    """
    sums = np.zeros(len(greys), np.int64)
    squares = np.zeros(len(greys), np.int64)
    for rows in _blocks(greys):
        block = greys[:, rows].reshape(len(greys), -1)
        sums += block.sum(axis=1, dtype=np.int64)
        squares += np.square(block, dtype=np.uint32).sum(axis=1, dtype=np.int64)
    count = greys.shape[1] * greys.shape[2]
    means = sums / count
    return means, np.sqrt(np.maximum(squares / count - means**2, 0.0))


def perceptual_hash(greys: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Return the perceptual hash of images of one size (Zauner 2010, section 3.2.1).

    The image is averaged down to 32x32; of its discrete cosine transform the 8x8 coefficients after the first row
    and column give a bit each, set where positive. Brightness and contrast do not change it.

    Args:
        greys: uint8, (N, height, width).

    Returns:
        uint64, (N,).
    """
    _, height, width = greys.shape
    down, across = _transform(height), _transform(width)
    coefficients = np.zeros((len(greys), _FREQUENCIES, _FREQUENCIES))
    for rows in _blocks(greys):
        # A small product for each image: one large one would wake the BLAS threads of every process for nothing.
        coefficients += (down[:, rows] @ greys[:, rows].astype(np.float64)) @ across.T
    bits = (coefficients > _ROUNDING).reshape(len(greys), 64)
    return np.packbits(bits, axis=1).view(">u8").ravel().astype(np.uint64)


def _blocks(greys: npt.NDArray[np.uint8]) -> Iterator[slice]:
    """Yield rows of the images in portions that bound the memory for wider numbers."""
    count, height, width = greys.shape
    step = max(1, _BLOCK // (count * width))
    for start in range(0, height, step):
        yield slice(start, start + step)


@functools.lru_cache(maxsize=256)
def _transform(length: int) -> npt.NDArray[np.float64]:
    """Averaging to 32 and the cosine transform in one: (8, length)."""
    edges = np.arange(_SIDE + 1) * (length / _SIDE)
    pixel = np.arange(length)
    cover = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    average = np.clip(cover, 0, None)
    average /= average.sum(axis=1, keepdims=True)
    frequency = np.arange(1, _FREQUENCIES + 1)[:, None]
    cosine = np.cos(np.pi * (2 * np.arange(_SIDE) + 1) * frequency / (2 * _SIDE))
    transform: npt.NDArray[np.float64] = cosine @ average
    return transform
