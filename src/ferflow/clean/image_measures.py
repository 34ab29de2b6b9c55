"""Measure images: digests and hashes that identify copies, and the spread of grey levels that identifies blanks."""

import functools
import hashlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ferflow.raw.images import Grey

_SIDE = 32  # pixels; images are averaged down to this side before the transform
_FREQUENCIES = 8
_ROUNDING = 1e-6  # a coefficient that should be zero stays below this, in whatever order its terms are summed
_BLOCK = 2**21  # pixels converted to wider numbers at a time


def pixel_digest(grey: Grey) -> bytes:
    """Return the SHA-256 of size and grey pixels, 32 bytes, which only exact copies share."""
    height, width = grey.shape
    return hashlib.sha256(b"%dx%d:" % (width, height) + grey.tobytes()).digest()


def measure(greys: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float64], ...]:
    """Return mean and standard deviation, in grey levels, of images of one size.

    Args:
        greys: Images, uint8, (N, height, width).

    Returns:
        Two arrays, float64, (N,), from exact integer sums.

    >>> [value.tolist() for value in measure(np.array([[[0, 0], [10, 10]]], np.uint8))]
    [[5.0], [5.0]]
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

    Each image is averaged down to 32 x 32. Of its discrete cosine transform, the 8 x 8 coefficients after the first
    row and column give one bit each, set if the coefficient is positive. Brightness and contrast do not change it.

    Args:
        greys: Images, uint8, (N, height, width).

    Returns:
        Hashes, uint64, (N,).
    """
    _, height, width = greys.shape
    down, across = _transform(height), _transform(width)
    coefficients = np.zeros((len(greys), _FREQUENCIES, _FREQUENCIES))
    for rows in _blocks(greys):
        # One small product per image: a single large one would start the BLAS threads of every process for no gain.
        coefficients += (down[:, rows] @ greys[:, rows].astype(np.float64)) @ across.T
    bits = (coefficients > _ROUNDING).reshape(len(greys), 64)
    return np.packbits(bits, axis=1).view(">u8").ravel().astype(np.uint64)


def _blocks(greys: npt.NDArray[np.uint8]) -> Iterator[slice]:
    """Yield slices of rows small enough to bound the memory of the wider numbers."""
    count, height, width = greys.shape
    step = max(1, _BLOCK // (count * width))
    for start in range(0, height, step):
        yield slice(start, start + step)


@functools.lru_cache(maxsize=256)
def _transform(length: int) -> npt.NDArray[np.float64]:
    """Return averaging to 32 values and the cosine transform as one matrix, float64, (8, length)."""
    edges = np.arange(_SIDE + 1) * (length / _SIDE)
    pixel = np.arange(length)
    cover = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    average = np.clip(cover, 0, None)
    average /= average.sum(axis=1, keepdims=True)
    frequency = np.arange(1, _FREQUENCIES + 1)[:, None]
    cosine = np.cos(np.pi * (2 * np.arange(_SIDE) + 1) * frequency / (2 * _SIDE))
    transform: npt.NDArray[np.float64] = cosine @ average
    return transform
