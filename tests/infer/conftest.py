from pathlib import Path

import numpy as np
import pytest

from evaluation_data import CLASSES, SIDE


@pytest.fixture(scope="session")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small real network with fixed weights that tells bright from dark, and left from right a little."""
    import keras

    keras.utils.set_random_seed(3)
    image = keras.Input((SIDE, SIDE, 1))
    scaled = keras.layers.Rescaling(1 / 30, offset=-3.2)(image)
    pooled = keras.layers.Flatten()(keras.layers.AveragePooling2D(SIDE // 2, name="pooling")(scaled))
    dense = keras.layers.Dense(len(CLASSES), activation="softmax", kernel_initializer="zeros")
    network = keras.Model(image, dense(pooled))
    noise = np.random.default_rng(4).normal(0, 0.1, (4, 3))
    dense.set_weights([np.array([[-0.3, 0.0, 0.3]] * 4) + noise, np.array([0.0, 0.2, 0.0])])
    path = tmp_path_factory.mktemp("models") / "cnn" / "model.keras"
    path.parent.mkdir()
    network.save(path)
    return path
