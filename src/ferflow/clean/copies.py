"""Copies and near-copies: who is alike, and in which groups."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]


def near_pairs(hashes: npt.NDArray[np.uint64], bits: int) -> tuple[Ints, Ints]:
    """Return enough pairs of distinct hashes at most `bits` bits apart to join all that are.

    The 64 bits are cut into `bits` + 2 bands. Two hashes that differ in at most `bits` bits agree on two bands at
    least, so only hashes that share two bands are compared (multi-index hashing, Norouzi et al. 2012): no N x N table.

    Args:
        hashes: uint64, (N,), no two alike.
        bits: 0 to 12.

    Returns:
        Two arrays of positions, (pairs,); a pair may come several times.
    """
    edges = [round(64 * band / (bits + 2)) for band in range(bits + 3)]
    bands = [((1 << (end - start)) - 1) << start for start, end in itertools.pairwise(edges)]
    first, second = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for one, other in itertools.combinations(bands, 2):
        keys = hashes & np.uint64(one | other)
        order = np.argsort(keys, kind="stable")
        for left, right in _within_buckets(keys[order]):
            a, b = order[left], order[right]
            close = np.bitwise_count(hashes[a] ^ hashes[b]) <= bits
            first.append(a[close])
            second.append(b[close])
    return np.concatenate(first), np.concatenate(second)


def _within_buckets(keys: npt.NDArray[np.uint64]) -> Iterator[tuple[Ints, Ints]]:
    """Yield the positions of all pairs of equal keys; `keys` is sorted. Work and memory grow with the pairs alone."""
    left, step = np.arange(len(keys)), 1
    while True:
        left = left[: np.searchsorted(left, len(keys) - step)]
        left = left[keys[left + step] == keys[left]]
        if not len(left):
            return
        yield left, left + step
        step += 1


def group_numbers(pixels: Ints, hashes: npt.NDArray[np.uint64], blank: npt.NDArray[np.bool_], bits: int) -> Ints:
    """Number the groups of images that are copies or near-copies of each other, by however many steps.

    Args:
        pixels: (N,), the same number for exact copies alone.
        hashes: (N,), perceptual hashes.
        blank: (N,), images that are near-copies of nothing, since their hash is noise.
        bits: most bits in which the hashes of near-copies differ.

    Returns:
        (N,), from 0 in the order of first appearance.
    """
    count = len(pixels)
    if not count:
        return np.empty(0, np.int64)
    faces = np.flatnonzero(~blank)
    distinct, place = np.unique(hashes[faces], return_inverse=True)
    first, second = near_pairs(distinct, bits)
    # Nodes: the images, then the distinct hashes, then the distinct pixels.
    here = np.concatenate([faces, first + count, np.arange(count)])
    there = np.concatenate([place + count, second + count, pixels + count + len(distinct)])
    return by_appearance(_components(here, there, count + len(distinct) + int(pixels.max()) + 1)[:count])


def _components(here: Ints, there: Ints, nodes: int) -> Ints:
    """Return for each node the smallest node that it is joined to, by however many steps.

    Each round hands the smallest number over every edge and then to everything that points to it, so that even a long
    chain takes a few rounds. (scipy has this too, at the price of half a second of imports.)
    """
    root = np.arange(nodes)
    while True:
        low = np.minimum(root[here], root[there])
        changed = root.copy()
        for end in (here, there):
            np.minimum.at(changed, root[end], low)
            np.minimum.at(changed, end, low)
        while not np.array_equal(shorter := changed[changed], changed):
            changed = shorter
        if np.array_equal(changed, root):
            return root
        root = changed


def by_appearance(values: Any) -> Ints:
    """Number distinct values from 0 in the order in which they first appear: int64, (N,)."""
    numbers: Ints = pd.factorize(values)[0].astype(np.int64)
    return numbers
