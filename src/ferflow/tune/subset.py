"""A part of the training images for the trials."""

import numpy as np
import numpy.typing as npt


def stratified_rows(labels: npt.NDArray[np.int64], images: int | None, seed: int) -> npt.NDArray[np.int64]:
    """Choose rows so that every class keeps its share.

    Args:
        labels: (N,), class of each row.
        images: how many rows to choose; None, or N and more, chooses all. Each class keeps one row at least.
        seed: of the draw.

    Returns:
        Ascending rows, (images,); more only where `images` is less than the number of classes.
    """
    if images is None or images >= len(labels):
        return np.arange(len(labels))
    classes, counts = np.unique(labels, return_counts=True)
    exact = counts * images / len(labels)
    wanted = np.ones(len(classes), dtype=np.int64)
    while wanted.sum() < images:
        wanted[np.argmax(exact - wanted)] += 1  # to the class that lacks most
    random = np.random.default_rng(seed)
    chosen = [random.permutation(np.flatnonzero(labels == k))[:n] for k, n in zip(classes, wanted, strict=True)]
    return np.sort(np.concatenate(chosen))
