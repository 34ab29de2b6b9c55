"""A small base for transfer models, with the signature of keras.applications."""

from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import keras
import numpy as np
from keras import layers
from keras.src.legacy.saving import legacy_h5_format

from ferflow.train.transfer import TransferOptions

LAYERS = ["lower_conv", "lower_bn", "upper_conv", "upper_bn"]
OPTIONS: dict[str, Any] = {"upscale": 1, "dense": 4, "dropout": 0.4, "norm_momentum": 0.99, "unfreeze_from": ""}


def options(weights: str, **changes: Any) -> TransferOptions:
    return TransferOptions(**{"weights": weights, **OPTIONS, **changes})


def small_base(
    include_top: bool, weights: str | None, input_shape: tuple[int, ...], name: str, width: int = 4
) -> keras.Model:
    """A base with the signature of keras.applications, and without weights to download."""
    assert not include_top
    assert weights is None
    image = x = keras.Input(input_shape)
    for part, filters in (("lower", width), ("upper", width + 2)):
        x = layers.Conv2D(filters, 3, padding="same", name=f"{part}_conv")(x)
        x = layers.BatchNormalization(name=f"{part}_bn")(x)
        x = layers.MaxPooling2D(4, name=f"{part}_pool")(layers.ReLU(name=f"{part}_relu")(x))
    return keras.Model(image, x, name=name)


def save_base(path: Path, seed: int = 5, width: int = 4) -> list[Any]:
    """Write a weights file of the small base and return its weights."""
    keras.utils.set_random_seed(seed)
    base = small_base(False, None, (48, 48, 3), "any", width)
    for weight in base.weights:
        weight.assign(np.random.default_rng(seed).uniform(0.1, 1, weight.shape))
    if path.name.endswith(".weights.h5"):
        base.save_weights(path)
    else:  # as keras.applications publishes its files
        with h5py.File(path, "w") as file:
            legacy_h5_format.save_weights_to_hdf5_group(file, base)
    return [np.array(weight) for weight in base.weights]
