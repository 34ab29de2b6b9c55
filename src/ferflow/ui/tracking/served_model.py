"""The registered model as MLflow loads it: uint8 faces in, class probabilities out.

MLflow stores this file next to the weights and runs it to load the model ("models from code"). It imports keras, numpy
and pandas, and nothing of ferflow.
"""

import json
import os
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import numpy.typing as npt
import pandas as pd
from mlflow.exceptions import INVALID_PARAMETER_VALUE, MlflowException

BATCH = 256  # faces in one step of the network


class InvalidFacesError(MlflowException, ValueError):  # type: ignore[misc]
    """The model refuses faces.

    It is an MlflowException, since MLflow's server hides the reason of any other one in a stack trace, and answers with
    a general message instead.
    """

    def __init__(self, reason: str) -> None:
        """Take the reason, a sentence or more."""
        MlflowException.__init__(self, reason, error_code=INVALID_PARAMETER_VALUE)


class FaceClassifier(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """A Keras network with the names of its classes."""

    def load_context(self, context: Any) -> None:
        """Load the network and the names of its classes.

        Args:
            context: MLflow's context. Its `artifacts` has the paths of `network` (.keras) and `classes` (a JSON list),
                its `model_config` the Keras `backend` that trained the network, and the `views` to average over:
                `single` (the face alone) or `flip` (the face and its mirror image).
        """
        # Keras would otherwise choose TensorFlow, which is not among the requirements of a network of another backend.
        os.environ.setdefault("KERAS_BACKEND", context.model_config["backend"])
        import keras

        self.network = keras.saving.load_model(context.artifacts["network"], compile=False)
        self.classes = json.loads(Path(context.artifacts["classes"]).read_text(encoding="utf-8"))
        self.flip = context.model_config.get("views") == "flip"

    def predict(
        self,
        context: Any,
        model_input: np.ndarray,  # without type arguments, since MLflow would derive a signature from them
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Return the probability of each class for each face.

        Args:
            context: MLflow's context; not used.
            model_input: Faces, uint8 of shape (N, side, side) or (N, side, side, 1), grey levels 0 (black) to 255
                (white); or, as in a JSON request, nested lists of integers of that shape.
            params: Not used.

        Returns:
            float32 table with N rows that sum to 1, and a column for each class, named after it.

        Raises:
            InvalidFacesError: The shape, type or range is invalid; the message says what was received.
        """
        faces = as_faces(model_input, self.network.input_shape[1])
        batches = [self._answer(faces[start : start + BATCH]) for start in range(0, len(faces), BATCH)]
        table = np.concatenate(batches) if batches else np.zeros((0, len(self.classes)), dtype=np.float32)
        return pd.DataFrame(table, columns=self.classes)

    def _answer(self, faces: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return float32 probabilities (N, classes) for at most BATCH faces, float32 (N, side, side, 1)."""
        views = [faces, faces[:, :, ::-1]] if self.flip else [faces]
        answers = [np.asarray(self.network.predict_on_batch(view), dtype=np.float64) for view in views]
        return np.asarray(np.mean(answers, axis=0), dtype=np.float32)


def as_faces(value: Any, side: int) -> npt.NDArray[np.float32]:
    """Return faces as the network expects them, float32 of shape (N, side, side, 1).

    Args:
        value: Faces as in FaceClassifier.predict.
        side: Side of the network's input in pixels.

    Raises:
        InvalidFacesError: The shape, type or range is invalid.
    """
    expected = f"Expected uint8 grey levels 0 to 255, (N, {side}, {side}) or (N, {side}, {side}, 1)."
    try:
        faces = np.asarray(value)
    except ValueError as error:
        raise InvalidFacesError(f"The faces are not of one size. {expected} NumPy says: {error}.") from None
    if faces.shape[1:] not in ((side, side), (side, side, 1)):
        advice = " For a single face, add an axis in front: face[None]." if faces.shape == (side, side) else ""
        raise InvalidFacesError(f"The faces have an invalid shape. {expected} Received: {faces.shape}.{advice}")
    if not np.issubdtype(faces.dtype, np.integer):
        advice = (
            " Multiply values between 0 and 1 by 255 and round them." if np.issubdtype(faces.dtype, np.floating) else ""
        )
        raise InvalidFacesError(f"The faces have an invalid type. {expected} Received: {faces.dtype}.{advice}")
    if faces.size and (faces.min() < 0 or faces.max() > 255):
        raise InvalidFacesError(f"The faces are out of range. {expected} Received: {faces.min()} to {faces.max()}.")
    return faces.reshape(-1, side, side, 1).astype(np.float32)


mlflow.models.set_model(FaceClassifier())
