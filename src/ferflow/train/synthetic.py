"""Synthetic images of rare classes, by SMOTE (Chawla et al. 2002, "Synthetic minority over-sampling technique")."""

import numpy as np
import pandas as pd

from ferflow.base.arrays import Split
from ferflow.base.errors import ConfigError

NEIGHBOURS = 5  # as in the paper, section 4.2


def with_synthetic(split: Split, seed: int) -> Split:
    """Return the split with as many synthetic images of each class as it lacks to the largest one.

    A synthetic image is a point between an image and one of its five nearest neighbours of the class, in pixels.

    Args:
        split: Training split with hard labels.
        seed: Seed of the draws.

    Returns:
        The images of `split`, followed by the synthetic ones, whose ids are `smote-0`, `smote-1`, ...

    Raises:
        ConfigError: The labels are votes, or a class has a single image.
    """
    if split.votes is not None:
        raise ConfigError("train.imbalance: smote needs one label per image, but these labels are votes.")
    counts = np.bincount(split.labels, minlength=len(split.classes))
    present = counts[counts > 0]
    if present.min() < 2:
        name = split.classes[int(np.flatnonzero(counts == 1)[0])]
        raise ConfigError(f"train.imbalance: smote needs two images of each class. Received: one of {name}.")
    if len(present) < 2:
        return split
    from imblearn.over_sampling import SMOTE  # type: ignore[import-untyped]  # here, because it takes a second

    side = split.images.shape[1]
    pixels = split.images.reshape(len(split), -1).astype(np.float32)
    neighbours = min(NEIGHBOURS, int(present.min()) - 1)
    found, labels = SMOTE(random_state=seed % 2**32, k_neighbors=neighbours).fit_resample(pixels, split.labels)
    images = np.clip(np.rint(found[len(split) :]), 0, 255).astype(np.uint8).reshape(-1, side, side)
    index = pd.DataFrame({"id": [f"smote-{i}" for i in range(len(images))]})
    return Split(
        np.concatenate([split.images, images]),
        np.asarray(labels, np.int64),
        pd.concat([split.index, index], ignore_index=True),
        split.classes,
    )
