"""Drawn images with copies, a tiny network, and the content of an ablation file."""

from typing import Any

import numpy as np
import pandas as pd

from ferflow.base.arrays import Split

CLASSES = ("calm", "glad", "sad")
SIDE = 16
TINY = {
    "filters": [6],
    "convolutions": 1,
    "pool": "max",
    "head_scale": 0.5,
    "dropout": 0.0,
    "norm_momentum": 0.9,
}
FILE: dict[str, Any] = {
    "description": "What the flip is for.",
    "model": "tiny",
    "budget": "full",
    "views": "flip",
    "seed": 3,
    "folds": 3,
    "base": {"train.epochs": 2, "train.learning_rate": 0.05},
    "arms": {"baseline": {}, "flip_random": {"train.augment.flip": "random"}},
}


def drawn_split(count: int, first_group: int, seed: int, subset: str = "Training") -> Split:
    """Noise with a bright bar whose row depends on the class; every fourth image is there three times."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % len(CLASSES))
    images = rng.integers(0, 200, (count, SIDE, SIDE))
    for image, label in zip(images, labels, strict=True):
        image[2 + 5 * label : 4 + 5 * label] += 55
    rows = np.repeat(np.arange(count), np.where(np.arange(count) % 4 == 0, 3, 1))
    index = pd.DataFrame({"id": [f"{number}.png" for number in range(len(rows))], "subset": subset})
    index["group"], index["copy_in_train"] = first_group + rows, False
    return Split(images[rows].astype(np.uint8), labels[rows].astype(np.int64), index, CLASSES)
