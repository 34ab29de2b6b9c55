"""Networks and faces for the tests of export."""

from functools import cache
from pathlib import Path

import keras
import numpy as np

from ferflow.train.architectures import build_network
from narrow_networks import NARROW, TRANSFER, random_weights

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "contempt")


@cache
def network_of(name: str, classes: int = 7, lowest_gamma: float = 0.3) -> keras.Model:
    """A narrow network in which no weight and no statistic has its initial value."""
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(2)
    side = 32 if name in TRANSFER else 48
    model = build_network(name, random_weights(name, **NARROW.get(name, {})), side, classes)
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.moving_mean.shape
            layer.moving_mean.assign(rng.normal(0, 0.3, size))
            layer.moving_variance.assign(rng.uniform(0.5, 2, size))
            if layer.scale:
                layer.gamma.assign(rng.uniform(lowest_gamma, 1.5, size))
            layer.beta.assign(rng.normal(0, 0.3, size))
        elif getattr(layer, "use_bias", False) and getattr(layer, "bias", None) is not None:
            layer.bias.assign(rng.normal(0, 0.1, layer.bias.shape))
    return model


def faces(images: int, side: int, seed: int = 0) -> np.ndarray:
    """Grey levels of smooth shapes of different brightness, uint8, (images, side, side)."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (images, 4, 4)) * rng.uniform(0.3, 1, (images, 1, 1))
    smooth = coarse.repeat(side // 4, axis=1).repeat(side // 4, axis=2)
    return np.clip(smooth + rng.uniform(-20, 20, (images, side, side)), 0, 255).astype(np.uint8)


def answers(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """What a network answers, float32, (N, classes)."""
    return keras.ops.convert_to_numpy(model(images[..., None].astype("float32"), training=False))


def side_of(model: keras.Model) -> int:
    return int(model.input_shape[1])


def save_network(model: keras.Model, folder: Path) -> Path:
    path = folder / "model.keras"
    model.save(path)
    return path
