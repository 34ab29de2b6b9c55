"""Group images that are copies or near-copies of each other."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Ints = npt.NDArray[np.int64]


def near_pairs(hashes: npt.NDArray[np.uint64], bits: int) -> tuple[Ints, Ints]:
    """Return all pairs of distinct hashes that differ in at most `bits` bits.

    The 64 bits are divided into `bits` + 2 bands. Two hashes that differ in at most `bits` bits agree on at least two
    bands, so only hashes that share two bands are compared (multi-index hashing, Norouzi et al. 2012). No N x N table
    is built.

    Args:
        hashes: Distinct hashes, uint64, (N,).
        bits: Maximum number of differing bits, 0 to 12.

    Returns:
        Two arrays of positions, int64, (pairs,); a pair may occur several times.
    """
    edges = [round(64 * band / (bits + 2)) for band in range(bits + 3)]
    bands = [((1 << (end - start)) - 1) << start for start, end in itertools.pairwise(edges)]
    first, second = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for one, other in itertools.combinations(bands, 2):
        keys = hashes & np.uint64(one | other)
        order = np.argsort(keys, kind="stable")
        for left, right in _equal_pairs(keys[order]):
            a, b = order[left], order[right]
            close = np.bitwise_count(hashes[a] ^ hashes[b]) <= bits
            first.append(a[close])
            second.append(b[close])
    return np.concatenate(first), np.concatenate(second)


def _equal_pairs(keys: npt.NDArray[np.uint64]) -> Iterator[tuple[Ints, Ints]]:
    """Yield the positions of all pairs of equal keys; `keys` is sorted. Work and memory grow only with the pairs."""
    left, step = np.arange(len(keys)), 1
    while True:
        left = left[: np.searchsorted(left, len(keys) - step)]
        left = left[keys[left + step] == keys[left]]
        if not len(left):
            return
        yield left, left + step
        step += 1


def group_numbers(pixels: Ints, hashes: npt.NDArray[np.uint64], blank: npt.NDArray[np.bool_], bits: int) -> Ints:
    """Number the groups of images that are connected by copies and near-copies, directly or through other images.

    Args:
        pixels: Number of each image's pixels from 0, int64, (N,), which only exact copies share.
        hashes: Perceptual hashes, uint64, (N,).
        blank: Whether each image is blank, bool, (N,). A blank image has no near-copies, since its hash is noise.
        bits: Maximum number of bits in which the hashes of near-copies differ.

    Returns:
        Group numbers, int64, (N,), from 0 in the order of first appearance.

    >>> hashes = np.array([0, 1, 255], np.uint64)
    >>> group_numbers(np.arange(3), hashes, np.zeros(3, bool), bits=1).tolist()
    [0, 0, 1]
    """
    count = len(pixels)
    if not count:
        return np.empty(0, np.int64)
    faces = np.flatnonzero(~blank)
    distinct, hash_number = np.unique(hashes[faces], return_inverse=True)
    first, second = near_pairs(distinct, bits)
    # Nodes of the graph: the images, then the distinct hashes, then the distinct pixels. An image is joined to its
    # hash and its pixels, so that copies need one edge each and not one for every pair.
    starts = np.concatenate([faces, first + count, np.arange(count)])
    ends = np.concatenate([hash_number + count, second + count, pixels + count + len(distinct)])
    nodes = count + len(distinct) + int(pixels.max()) + 1
    graph = coo_array((np.ones(len(starts), bool), (starts, ends)), shape=(nodes, nodes))
    return by_appearance(connected_components(graph, directed=False)[1][:count])


def by_appearance(values: Any) -> Ints:
    """Number distinct values from 0 in the order in which they first appear: int64, (N,).

    >>> by_appearance(np.array(["b", "a", "b"])).tolist()
    [0, 1, 0]
    """
    numbers: Ints = pd.factorize(values)[0].astype(np.int64)
    return numbers
