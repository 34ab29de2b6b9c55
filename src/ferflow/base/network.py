"""Load a saved network, and predict with it."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ferflow.base.errors import ModelError
from ferflow.base.files import reason_of, require

if TYPE_CHECKING:
    import keras


def load_model(path: Path) -> "keras.Model":
    """Load a saved network, uncompiled, in Keras' safe mode.

    Args:
        path: The file `models/<result>/model.keras`.

    Raises:
        DataError: The file is missing.
        ModelError: The file is not a Keras archive.
    """
    import keras

    stage = f"train@{path.parent.name}"
    require(path, stage)
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # see ferflow.base.files.reading
        raise ModelError(
            f"{path} cannot be loaded as a Keras model: {reason_of(error)}. Train it again: dvc repro -f {stage}."
        ) from error


def predict(model: "keras.Model", images: npt.NDArray[np.uint8], batch_size: int = 256) -> npt.NDArray[np.float32]:
    """Return class probabilities, float32, (N, classes).

    A last batch that is not full is padded, so that all batches have the same shape and the backend compiles once.

    Args:
        model: Network from ferflow.models.
        images: Grey levels, (N, side, side), 0 to 255.
        batch_size: Images per batch. Defaults to 256.
    """
    results = []
    for start in range(0, len(images), batch_size):
        batch = np.asarray(images[start : start + batch_size], np.float32)[..., None]
        rows = len(batch)
        if rows < batch_size and start:
            batch = np.concatenate([batch, np.zeros((batch_size - rows, *batch.shape[1:]), np.float32)])
        results.append(np.asarray(model.predict_on_batch(batch), np.float32)[:rows])
    return np.concatenate(results) if results else np.zeros((0, model.output_shape[-1]), np.float32)
