"""The bootstrap by groups of identical images: copies of one picture are drawn together or not at all.

Images of one group are not independent observations, so that resampling images one by one would give intervals that
are too narrow (Davison & Hinkley 1997, section 3.8, resampling of whole clusters).
"""

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


def resampled_cells(cells: Integers, groups: Integers, size: int, resamples: int, seed: int) -> Integers:
    """Draw groups with replacement, and count how many of the drawn images fall into each cell.

    Args:
        cells: Cell of each image, int64 (N,), each in [0, size), such as its entry in a confusion matrix. At least one.
        groups: Group of each image, int64 (N,), any numbers.
        size: Number of cells.
        resamples: Number of resamples.
        seed: Seed of the draws.

    Returns:
        Counts, int64 (resamples, size). Each resample has as many groups as the images have, and therefore not always
        as many images.
    """
    group = np.unique(groups, return_inverse=True)[1].ravel()
    used, cell = np.unique(cells, return_inverse=True)
    members = np.bincount(group * len(used) + cell.ravel(), minlength=(group.max() + 1) * len(used))
    members = members.reshape(-1, len(used)).astype(np.min_scalar_type(int(members.max())))
    # Groups with the same images in each cell are interchangeable. Drawing all groups is therefore one multinomial draw
    # over the distinct kinds of groups: exact, and at a cost that hardly grows with the number of images.
    kinds, counts = np.unique(members, axis=0, return_counts=True)
    total = int(counts.sum())
    draws = np.random.default_rng(seed).multinomial(total, counts / total, size=resamples)
    found = np.zeros((resamples, size), np.int64)
    # Products of whole numbers below 2^53 are exact in float64, whose matrix product is the faster one.
    found[:, used] = np.rint(draws.astype(np.float64) @ kinds.astype(np.float64)).astype(np.int64)
    return found
