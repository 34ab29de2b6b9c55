"""The registered model as MLflow loads it: uint8 faces in, class probabilities out.

MLflow stores this file beside the weights and runs it to load the model ("models from code"). It needs keras, numpy
and pandas, and nothing of ferflow.
"""

import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import numpy.typing as npt
import pandas as pd

BATCH = 256


class FaceClassifier(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """A keras network with the names of its classes."""

    def load_context(self, context: Any) -> None:
        """Load the network and the names of its classes.

        Args:
            context: MLflow's; `artifacts` has the paths of `network` (.keras) and `classes` (a JSON list).
        """
        import keras

        self.network = keras.saving.load_model(context.artifacts["network"], compile=False)
        self.classes = json.loads(Path(context.artifacts["classes"]).read_text(encoding="utf-8"))

    def predict(
        self,
        context: Any,
        model_input: np.ndarray,  # as bare as this, or MLflow tries to make a signature of it
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Return how probable each class is for each face.

        Args:
            context: MLflow's; not used.
            model_input: faces, uint8, (N, side, side) or (N, side, side, 1), grey levels 0 (black) to 255; or, as in a
                JSON request, nested lists of whole numbers of that shape.
            params: not used.

        Returns:
            float32, N rows that sum to 1, a column for each class by its name.

        Raises:
            ValueError: wrong shape, type or range; the message says what was received.
        """
        faces = as_faces(model_input, self.network.input_shape[1])
        batches = [
            np.asarray(self.network.predict_on_batch(faces[start : start + BATCH]), dtype=np.float32)
            for start in range(0, len(faces), BATCH)
        ]
        table = np.concatenate(batches) if batches else np.zeros((0, len(self.classes)), dtype=np.float32)
        return pd.DataFrame(table, columns=self.classes)


def as_faces(value: Any, side: int) -> npt.NDArray[np.float32]:
    """Return faces as the network takes them, (N, side, side, 1), or say what is wrong with them.

    Raises:
        ValueError: wrong shape, type or range.
    """
    expected = f"Expected uint8 grey levels 0 to 255, (N, {side}, {side}) or (N, {side}, {side}, 1)."
    try:
        faces = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"These are not images of one size: {error}. {expected}") from None
    if faces.shape[1:] not in ((side, side), (side, side, 1)):
        one = " For a single face, add an axis in front: face[None]." if faces.shape == (side, side) else ""
        raise ValueError(f"Faces of a wrong shape. {expected} Received: {faces.shape}.{one}")
    if not np.issubdtype(faces.dtype, np.integer):
        unit = " Multiply by 255 what lies between 0 and 1." if np.issubdtype(faces.dtype, np.floating) else ""
        raise ValueError(f"Faces of a wrong type. {expected} Received: {faces.dtype}.{unit}")
    if faces.size and (faces.min() < 0 or faces.max() > 255):
        raise ValueError(f"Faces out of range. {expected} Received: {faces.min()} to {faces.max()}.")
    return faces.reshape(-1, side, side, 1).astype(np.float32)


mlflow.models.set_model(FaceClassifier())
