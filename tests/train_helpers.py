"""Small data and small networks."""

from typing import Any

import numpy as np
import pandas as pd

from defaults import plain_train
from ferflow.base.arrays import Split
from ferflow.train.recipe import ResultSettings

CLASSES = ("calm", "glad", "sad")
SMALL = {"filters": [8], "convolutions": [1], "dense": 8, "dropout": 0.2, "dense_dropout": 0.0, "norm_momentum": 0.99}


def make_split(images: Any, labels: Any, votes: Any = None) -> Split:
    index = pd.DataFrame({"id": [f"{i}.png" for i in range(len(labels))], "subset": "Training"})
    index["group"], index["copy_in_train"] = np.arange(len(labels)), False
    return Split(np.asarray(images, np.uint8), np.asarray(labels, np.int64), index, CLASSES, votes)


def separable(count: int, seed: int = 0, side: int = 16) -> Split:
    """Noise with a bright bar whose row depends on the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = rng.integers(0, 120, (count, side, side))
    for image, label in zip(images, labels, strict=True):
        image[2 + 5 * label : 5 + 5 * label] += 120
    return make_split(images, labels)


def patterned(count: int, seed: int = 0, side: int = 16) -> Split:
    """Noise with a pattern that depends on the class, wherever one looks: rows, columns or a checkerboard."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    y, x = np.mgrid[:side, :side] // 2 % 2
    patterns = np.stack([y, x, y ^ x])
    return make_split(rng.integers(0, 120, (count, side, side)) + 120 * patterns[labels], labels)


def noise(count: int, seed: int = 0, side: int = 16) -> Split:
    """Nothing to learn."""
    rng = np.random.default_rng(seed)
    return make_split(rng.integers(0, 256, (count, side, side)), rng.integers(0, 3, count))


def resolved(network: dict[str, Any] | None = None, architecture: str = "cnn", **train: Any) -> ResultSettings:
    changes = {"epochs": 3, "batch_size": 16, "learning_rate": 0.01, "schedule": "constant"} | train
    return ResultSettings(
        result=architecture,
        teacher="none",
        model=architecture,
        architecture=architecture,
        seed=7,
        backend="tensorflow",
        versions={},
        network=SMALL if network is None else network,
        train=plain_train(**changes),
    )
