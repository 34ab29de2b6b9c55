"""Load a Keras network of anyone's making, and bring it to the form that FERflow predicts with."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from ferflow.base.errors import DataError, ModelError
from ferflow.base.files import read_json
from ferflow.base.formats import DECODER_ERRORS
from ferflow.raw.class_names import emotion_of

if TYPE_CHECKING:
    import keras

PixelRange = Literal["0..255", "0..1", "-1..1"]
PIXEL_RANGES: tuple[PixelRange, ...] = ("0..255", "0..1", "-1..1")
_SCALES = {"0..255": (1.0, 0.0), "0..1": (1 / 255, 0.0), "-1..1": (1 / 127.5, -1.0)}
_SUFFIXES = (".keras", ".h5", ".hdf5")
_LOAD_ERRORS = (*DECODER_ERRORS, zipfile.BadZipFile, ImportError)  # what damaged and foreign files make Keras raise


@dataclass(frozen=True)
class LoadedNetwork:
    """A network and what its outputs mean.

    Attributes:
        model: Network from grey levels (N, side, side, 1), 0 to 255, to K outputs.
        classes: Class of each output; emotions have their canonical name.
        side: Side of the images that it takes in pixels.
        notes: Sentences on how its inputs were read.
    """

    model: "keras.Model"
    classes: tuple[str, ...]
    side: int
    notes: tuple[str, ...]


def load_checkpoint(
    path: Path, classes: Sequence[str] | None = None, pixels: PixelRange = "0..255", side: int | None = None
) -> LoadedNetwork:
    """Load a network in Keras' safe mode, which runs no code that the file brings along.

    Args:
        path: A .keras file, or a whole model in Keras' older format, .h5 or .hdf5.
        classes: Class of each output, in order. Defaults to classes.json next to the file, as FERflow writes it.
        pixels: Range of pixel values that the network was trained with. Defaults to grey levels, 0 to 255.
        side: Side of the images, for a network that takes any. Defaults to none.

    Raises:
        DataError: There is no such file.
        ModelError: The file is no network that can be loaded safely, it does not take grey or colour images, its
            outputs are not classes, or the classes are not known.
    """
    model = _load(path)
    height, channels, notes = _input_of(model, path, side)
    outputs = _outputs_of(model, path)
    names = _classes(path, classes, outputs)
    if channels == 3:
        notes.append("The network takes colour images, and is given grey ones, with three equal channels.")
    if pixels == "0..255" and not (path.parent / "classes.json").is_file():
        notes.append(
            "The network is given pixels from 0 to 255. One that was trained on other values needs --pixels 0..1 or "
            "--pixels=-1..1."
        )
    return LoadedNetwork(_wrapped(model, height, channels, pixels), names, height, tuple(notes))


def as_probabilities(outputs: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float64], str]:
    """Return class probabilities, and how they were made of the outputs, as a sentence that may be empty.

    Args:
        outputs: Outputs of a network, float32 (N, K): probabilities, logits, or independent scores from 0 to 1.

    Raises:
        ModelError: Outputs are not finite.
    """
    values = np.asarray(outputs, np.float64)
    if invalid := int((~np.isfinite(values)).any(axis=1).sum()):
        raise ModelError(f"The network answers with NaN or infinity to {invalid:,} of {len(values):,} images.")
    sums = values.sum(axis=1, keepdims=True)
    if (values >= 0).all() and (values <= 1 + 1e-6).all():
        if np.abs(sums - 1).max() < 1e-3:
            return values / sums, ""
        if (sums > 0).all():
            return (
                values / sums,
                "The outputs are scores from 0 to 1 that do not sum to 1, so they are divided by their sum.",
            )
    odds = np.exp(values - values.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True), "The outputs are logits, so a softmax is applied to them."


def _load(path: Path) -> "keras.Model":
    import keras

    if path.is_dir():
        raise ModelError(
            f"{path} is a folder. Give a .keras or .h5 file; a SavedModel must be saved again: "
            "keras.models.load_model(FOLDER).save('model.keras') with the version of Keras that wrote it."
        )
    if not path.is_file():
        raise DataError(f"{path} does not exist. Give the file of a network, such as models/cnn/model.keras.")
    if path.suffix.lower() not in _SUFFIXES:
        raise ModelError(
            f"{path} must be a file with the suffix .keras, .h5 or .hdf5. Received: {path.suffix or 'none'}."
        )
    if path.suffix == ".keras" and not zipfile.is_zipfile(path):
        raise ModelError(f"{path} is not a Keras file: it is damaged, incomplete, or of another format.")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except _LOAD_ERRORS as error:
        reason = " ".join(str(error).split())
        if "lambda" in reason.casefold() or "safe_mode" in reason or "nsafe" in reason:
            raise ModelError(
                f"{path} brings Python code along, such as a Lambda layer, which is not run because it could do "
                "anything. Build the network without it, load the weights into it and save it again."
            ) from error
        raise ModelError(
            f"{path} cannot be loaded by Keras {keras.__version__}: {reason[:300] or type(error).__name__}. It may be "
            "damaged, hold weights alone, or use layers that this version does not have."
        ) from error


def _input_of(model: "keras.Model", path: Path, side: int | None) -> tuple[int, int, list[str]]:
    """Return side and channels of the images that a network takes, and notes."""
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] not in (1, 3):
        raise ModelError(
            f"{path} must take images of shape (height, width, channels) with 1 or 3 channels. Received: an input of "
            f"shape {_shape(shape)}."
        )
    _, height, width, channels = shape
    if height is None or width is None:
        if side is None:
            raise ModelError(f"{path} takes images of any size. Say which one to give it: --side 48.")
        return side, channels, []
    if height != width:
        raise ModelError(f"{path} must take square images. Received: an input of shape {_shape(shape)}.")
    if side not in (None, height):
        raise ModelError(f"{path} takes images of {height} pixels. Received: --side {side}.")
    return height, channels, []


def _outputs_of(model: "keras.Model", path: Path) -> int:
    shape = getattr(model, "output_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 2 or not isinstance(shape[1], int) or shape[1] < 2:
        raise ModelError(
            f"{path} must have one output with a number for each class. Received: an output of shape {_shape(shape)}."
        )
    return shape[1]


def _shape(shape: object) -> str:
    if isinstance(shape, tuple):
        return str(tuple("any" if size is None else size for size in shape[1:])).replace("'any'", "any")
    return str(shape)


def _classes(path: Path, given: Sequence[str] | None, outputs: int) -> tuple[str, ...]:
    names, source = list(given or ()), "--classes"
    beside = path.with_name("classes.json")
    if given is None:
        if not beside.is_file():
            raise ModelError(
                f"{path} has {outputs} outputs, and there is no classes.json next to it. Name their classes in the "
                'order of the outputs, such as --classes "angry disgust fear happy sad surprise neutral".'
            )
        names, source = [str(name) for name in read_json(beside)], str(beside)
    if len(names) != outputs:
        raise ModelError(
            f"{path} has {outputs} outputs, but {source} names {len(names)} classes: {' '.join(names)}. Name each "
            "output's class, in their order."
        )
    classes = tuple(emotion_of(name) or name for name in names)
    if len(set(classes)) < len(classes):
        raise ModelError(f"{source} names a class twice. Received: {' '.join(names)}.")
    return classes


def _wrapped(model: "keras.Model", side: int, channels: int, pixels: PixelRange) -> "keras.Model":
    """Return a network that takes grey levels, whatever the network inside takes."""
    import keras

    if channels == 1 and pixels == "0..255" and model.input_shape[1] == side:
        return model
    scale, offset = _SCALES[pixels]
    image = keras.Input((side, side, 1))
    values = keras.layers.Rescaling(scale, offset)(image)
    if channels == 3:
        values = keras.layers.Concatenate()([values, values, values])
    return keras.Model(image, model(values))
