"""Predict with every saved network in a folder, on the backend in KERAS_BACKEND, with Keras alone."""

import sys
from pathlib import Path

import keras
import numpy as np


def zeros(self, shape, dtype=None, **_):
    """Replace random initial weights: the file overwrites them, and compiling each draw takes JAX minutes."""
    return np.zeros(shape, dtype)


def main(folder, backend):
    assert keras.backend.backend() == backend
    assert not any(name == "ferflow" or name.startswith("ferflow.") for name in sys.modules)
    keras.initializers.VarianceScaling.__call__ = zeros
    for path in sorted(folder.glob("*.keras")):
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
        images = np.load(path.with_suffix(".images.npy"))
        np.save(folder / f"{path.stem}.{backend}.npy", model.predict_on_batch(images))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
