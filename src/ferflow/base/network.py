"""Saved networks: load one, let it answer."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ferflow.base.errors import ModelError

if TYPE_CHECKING:
    import keras


def load_model(path: Path) -> "keras.Model":
    """Load a saved network (.keras), uncompiled, with keras' safe mode on.

    Raises:
        ModelError: the file is missing or is not a keras archive.
    """
    import keras

    if not path.is_file():
        raise ModelError(f"{path} is missing. Run the stage that makes it: dvc repro train@{path.parent.name}.")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, OSError, KeyError) as error:
        raise ModelError(f"{path} cannot be loaded as a keras model: {error}. Train it again.") from error


def predict(model: "keras.Model", images: npt.NDArray[np.uint8], batch_size: int = 256) -> npt.NDArray[np.float32]:
    """Return class probabilities, float32 (N, classes), of images (N, side, side), grey levels 0 to 255.

    Every step has the same shape (the last is filled up), so that the backend compiles once.
    """
    results = []
    for start in range(0, len(images), batch_size):
        batch = np.asarray(images[start : start + batch_size], np.float32)[..., None]
        rows = len(batch)
        if rows < batch_size and start:
            batch = np.concatenate([batch, np.zeros((batch_size - rows, *batch.shape[1:]), np.float32)])
        results.append(np.asarray(model.predict_on_batch(batch), np.float32)[:rows])
    return np.concatenate(results) if results else np.zeros((0, model.output_shape[-1]), np.float32)
