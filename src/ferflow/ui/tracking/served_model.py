"""The registered model as MLflow loads it: faces in, as uint8 or as files in base64, class probabilities out.

MLflow stores this file next to the weights and runs it to load the model ("models from code"). It imports keras, numpy,
pandas and pillow, and nothing of ferflow. It therefore has its own copy of the test-time views, of the temperature and
of the reading of files, which tests/tracking compares with those that the evaluation measures (ferflow.infer.views,
ferflow.scoring.temperature) and the recognizer uses (ferflow.use.picture).
"""

import base64
import io
import json
import os
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import numpy.typing as npt
import pandas as pd
from mlflow.exceptions import INVALID_PARAMETER_VALUE, MlflowException
from PIL import Image, ImageOps

BATCH = 256  # faces in one step of the network
CLIP = 1e-7  # smallest probability whose logarithm is taken
FILES = ("PNG", "JPEG", "WEBP")
MAX_PIXELS = 25_000_000  # of a file


class InvalidFacesError(MlflowException, ValueError):  # type: ignore[misc]
    """The model refuses faces.

    It is an MlflowException, since MLflow's server hides the reason of any other one in a stack trace, and answers with
    a general message instead.
    """

    def __init__(self, reason: str) -> None:
        """Take the reason, a sentence or more."""
        self._reason = reason
        MlflowException.__init__(self, reason, error_code=INVALID_PARAMETER_VALUE)

    @property
    def message(self) -> str:
        """The reason, without the input that MLflow's server puts in front of it: pictures belong into no message."""
        return self._reason

    @message.setter
    def message(self, text: str) -> None:
        self._reason = text.rpartition("\nError: ")[2]


class FaceClassifier(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """A Keras network with the names of its classes."""

    def load_context(self, context: Any) -> None:
        """Load the network and the names of its classes.

        Args:
            context: MLflow's context. Its `artifacts` has the paths of `network` (.keras) and `classes` (a JSON list),
                its `model_config` the Keras `backend` that trained the network, the `views` to average over: `single`
                (the face alone), `flip` (the face and its mirror image) or `ten_crop` (four corners and centre, and
                their mirror images), and the `temperature` that the logits are divided by.
        """
        # Keras would otherwise choose TensorFlow, which is not among the requirements of a network of another backend.
        os.environ.setdefault("KERAS_BACKEND", context.model_config["backend"])
        import keras

        self.network = keras.saving.load_model(context.artifacts["network"], compile=False)
        self.classes = json.loads(Path(context.artifacts["classes"]).read_text(encoding="utf-8"))
        self.views = context.model_config.get("views", "single")
        self.temperature = float(context.model_config.get("temperature", 1.0))
        side = self.network.input_shape[1]
        self.crop = side - 2 * max(1, round(side / 24))
        self.cropped = at_side(self.network, self.crop) if self.views == "ten_crop" else None

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
                (white); or, as in a JSON request, nested lists of integers of that shape; or a list of strings, each a
                PNG, JPEG or WebP file of a face that is cut out already, of any size, in base64 or as a data: address.
            params: Not used.

        Returns:
            float32 table with N rows that sum to 1, and a column for each class, named after it.

        Raises:
            InvalidFacesError: The shape, type or range is invalid, or a file cannot be read; the message says what was
                received.
        """
        faces = as_faces(model_input, self.network.input_shape[1])
        batches = [self._answer(faces[start : start + BATCH]) for start in range(0, len(faces), BATCH)]
        table = np.concatenate(batches) if batches else np.zeros((0, len(self.classes)), dtype=np.float32)
        return pd.DataFrame(table, columns=self.classes)

    def _answer(self, faces: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return float32 probabilities (N, classes) for at most BATCH faces, float32 (N, side, side, 1)."""
        network = self.cropped or self.network
        answers = [np.asarray(network.predict_on_batch(view), dtype=np.float64) for view in self._views(faces)]
        return np.asarray(calibrated(np.mean(answers, axis=0), self.temperature), dtype=np.float32)

    def _views(self, faces: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
        if self.views == "single":
            return [faces]
        if self.views == "flip":
            return [faces, faces[:, :, ::-1]]
        # A network for one side gets crops of that side from the enlarged face.
        large, side = (faces, self.crop) if self.cropped else (enlarged(faces), faces.shape[1])
        margin = large.shape[1] - side
        corners = [(0, 0), (0, margin), (margin, 0), (margin, margin), (margin // 2, margin // 2)]
        crops = [large[:, top : top + side, left : left + side] for top, left in corners]
        return crops + [crop[:, :, ::-1] for crop in crops]


def calibrated(probabilities: npt.NDArray[np.float64], temperature: float) -> npt.NDArray[np.float64]:
    """Return softmax(log(probabilities) / temperature) of (N, classes), so that they are as often right as they say."""
    # What does not sum to 1 is no probability: a softmax would hide that.
    if temperature == 1.0 or not np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-3):
        return probabilities
    logits = np.log(np.clip(probabilities, CLIP, 1.0)) / temperature
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def enlarged(faces: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return faces, (N, side, side, 1), enlarged by an eighth with bilinear interpolation to whole grey levels."""
    side = faces.shape[1]
    size = side + max(1, round(side / 8))
    place = np.clip((np.arange(size) + 0.5) * side / size - 0.5, 0, side - 1)
    low = np.minimum(place.astype(np.int64), side - 2)
    upper = np.rint(1024 * (place - low)) / 1024
    weights = np.zeros((size, side))
    weights[np.arange(size), low], weights[np.arange(size), low + 1] = 1 - upper, upper
    weights[(size + 1) // 2 :] = weights[: size // 2][::-1, ::-1]
    return np.asarray(np.rint(weights @ faces[..., 0].astype(np.float64) @ weights.T)[..., None], np.float32)


def at_side(network: Any, side: int) -> Any:
    """Return the same network for faces of another side, or None if it has weights that depend on the side."""
    import keras

    try:
        other = keras.models.clone_model(network, input_tensors=keras.Input((side, side, 1)))
    except ValueError:  # a layer does not take the other shape
        return None
    same = [weight.shape for weight in other.weights] == [weight.shape for weight in network.weights]
    if not same or other.output_shape != network.output_shape:
        return None
    other.set_weights(network.get_weights())
    return other


def as_faces(value: Any, side: int) -> npt.NDArray[np.float32]:
    """Return faces as the network expects them, float32 of shape (N, side, side, 1).

    Args:
        value: Faces as in FaceClassifier.predict.
        side: Side of the network's input in pixels.

    Raises:
        InvalidFacesError: The shape, type or range is invalid, or a file cannot be read.
    """
    expected = (
        f"Expected uint8 grey levels 0 to 255, (N, {side}, {side}) or (N, {side}, {side}, 1); or a list of PNG, JPEG "
        "or WebP files in base64."
    )
    try:
        faces = np.asarray(value)
    except ValueError as error:
        raise InvalidFacesError(f"The faces are not of one size. {expected} NumPy says: {error}.") from None
    if faces.ndim == 1 and faces.dtype.kind == "U":
        faces = np.stack([decoded(text, side, f"Face {number}") for number, text in enumerate(faces.tolist())])
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


def decoded(text: str, side: int, name: str) -> npt.NDArray[np.uint8]:
    """Return the face in a file in base64, uint8 of shape (side, side), as ferflow.Recognizer.faces reads it.

    Args:
        text: The file in base64, or as an address `data:image/png;base64,...`.
        side: Side of the network's input in pixels.
        name: What an error calls the face.

    Raises:
        InvalidFacesError: It is not base64, not a PNG, JPEG or WebP file, damaged, too large, or has 16 bits a pixel.
    """
    try:
        content = base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True)
    except ValueError:
        raise InvalidFacesError(f"{name} is not in base64. Expected a PNG, JPEG or WebP file in base64.") from None
    try:
        with Image.open(io.BytesIO(content), formats=FILES) as image:
            size, mode = image.size, image.mode
            picture = None
            if size[0] * size[1] <= MAX_PIXELS and not mode.startswith(("I", "F")):
                picture = ImageOps.exif_transpose(image)
                if picture.has_transparency_data:
                    picture = picture.convert("RGBA")
                    picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
                picture = picture.convert("RGB").convert("L").resize((side, side), Image.Resampling.LANCZOS)
    except Exception as error:  # noqa: BLE001 - Pillow's decoders raise almost any kind on damaged bytes
        raise InvalidFacesError(
            f"{name}, {len(content):,} bytes, cannot be read as a PNG, JPEG or WebP file ({type(error).__name__})."
        ) from None
    if picture is None:
        raise InvalidFacesError(
            f"{name} has {size[0]}x{size[1]} pixels of mode {mode}. Expected at most {MAX_PIXELS:,} pixels of 8 bits."
        )
    return np.asarray(picture)


mlflow.models.set_model(FaceClassifier())
