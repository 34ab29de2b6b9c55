from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cross_helpers import CODES, SIDE
from PIL import Image


@pytest.fixture(scope="session")
def save_network(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Save a small real network that tells the level of grey: the darker, the earlier the class."""

    def save(
        name: str = "model.keras",
        *,
        side: int | None = SIDE,
        channels: int = 1,
        classes: int = 7,
        top: float = 255.0,
        bottom: float = 0.0,
        activation: str | None = "softmax",
    ) -> Path:
        import keras

        image = keras.Input((side, side, channels))
        mean = keras.layers.GlobalAveragePooling2D()(image)
        dense = keras.layers.Dense(classes, activation=activation)
        network = keras.Model(image, dense(mean))
        # Class k has the highest logit where the mean is k / (classes - 1) of the range.
        levels = bottom + (top - bottom) * np.arange(classes) / (classes - 1)
        scale = 40 / (top - bottom) ** 2
        weights = np.repeat(2 * scale * levels[None] / channels, channels, axis=0)
        dense.set_weights([weights, -scale * levels**2])
        path = tmp_path_factory.mktemp("network") / name
        network.save(path)
        return path

    return save


@pytest.fixture(scope="session")
def grey_faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each of FER-2013's classes: the darker, the earlier in the order of FER-2013's codes."""
    folder = tmp_path_factory.mktemp("faces")
    rng = np.random.default_rng(0)
    for place, emotion in enumerate(CODES):
        (folder / emotion).mkdir()
        for number in range(3):
            level = 255 * place / 6
            pixels = np.clip(level + rng.normal(0, 6, (24, 24)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / emotion / f"{number}.png")
    return folder
