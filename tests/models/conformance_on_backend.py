"""Answer for every saved network in a folder, on the backend that KERAS_BACKEND names, with keras alone."""

import sys
from pathlib import Path

import keras
import numpy as np


def zeros(self, shape, dtype=None, **_):
    """Stand in for random initial weights: the file's replace them, and to compile each draw takes JAX minutes."""
    return np.zeros(shape, dtype)


keras.initializers.VarianceScaling.__call__ = zeros

folder = Path(sys.argv[1])
assert keras.backend.backend() == sys.argv[2]
assert not any(name == "ferflow" or name.startswith("ferflow.") for name in sys.modules)
for path in sorted(folder.glob("*.keras")):
    model = keras.saving.load_model(path, compile=False, safe_mode=True)
    images = np.load(path.with_suffix(".images.npy"))
    np.save(folder / f"{path.stem}.{sys.argv[2]}.npy", model.predict_on_batch(images))
