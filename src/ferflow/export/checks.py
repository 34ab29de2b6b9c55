"""Run the exported files as their users do, and compare what they answer with Keras and with the labels."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from ferflow.base.hashing import sha256
from ferflow.base.network import predict
from ferflow.export.onnx_file import INPUT, OUTPUT, Views
from ferflow.use.card_file import ExportedFile, SetAccuracy

if TYPE_CHECKING:
    import keras

Faces = npt.NDArray[np.uint8]
Probabilities = npt.NDArray[np.float32]
BATCH = 64
_DIGITS = 6


@dataclass(frozen=True)
class Measured:
    """What a file answers on the prepared images.

    Attributes:
        answers: Probabilities by set, `validation` and `test`, float32, (N, classes).
        labels: True classes by set, int64, (N,).
    """

    answers: dict[str, Probabilities]
    labels: dict[str, npt.NDArray[np.int64]]

    def accuracy(self, name: str) -> float:
        """Return the accuracy on a set, in [0, 1]."""
        return float((self.answers[name].argmax(axis=1) == self.labels[name]).mean())

    def same_answers(self, other: "Measured") -> float:
        """Return the share of validation images for which another file gives the same answer, in [0, 1]."""
        mine, theirs = (found.answers["validation"].argmax(axis=1) for found in (self, other))
        return float((mine == theirs).mean())


def run_onnx(path: Path, faces: Faces) -> Probabilities:
    """Return an ONNX file's probabilities, float32, (N, classes), for faces, uint8, (N, side, side)."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    starts = range(0, len(faces), BATCH)
    batches = [np.ascontiguousarray(faces[start : start + BATCH]) for start in starts]
    return np.concatenate([session.run([OUTPUT], {INPUT: batch})[0] for batch in batches])


def run_keras(model: "keras.Model", faces: Faces, views: Views) -> npt.NDArray[np.float64]:
    """Return the probabilities of the network as it was trained, averaged over the views, float64, (N, classes)."""
    shown = [faces] if views == "single" else [faces, faces[:, :, ::-1]]
    return np.asarray(np.mean([predict(model, view, BATCH).astype(np.float64) for view in shown], axis=0))


def file_entry(
    path: Path, found: Measured, exact: Measured, difference: float | None, confidence: float
) -> ExportedFile:
    """Return the card's entry of a file.

    Args:
        path: The file.
        found: What it answers.
        exact: What the float32 ONNX file answers, which was compared with Keras.
        difference: Maximum difference of a probability to Keras'; None if the file is not exact.
        confidence: Confidence level of the intervals, in (0, 1).
    """
    return ExportedFile(
        format="litert" if path.suffix == ".tflite" else "onnx",
        precision="float32" if difference is not None else "int8",
        bytes=path.stat().st_size,
        sha256=sha256(path),
        same_answers=round(found.same_answers(exact), _DIGITS),
        max_difference=None if difference is None else power_of_ten(difference),
        sets={name: _set_accuracy(found, name, confidence) for name in found.answers},
    )


def _set_accuracy(found: Measured, name: str, confidence: float) -> SetAccuracy:
    images, accuracy = len(found.labels[name]), found.accuracy(name)
    # Wilson 1927: unlike a bootstrap, it has a width where every answer is right, and needs no seed.
    low, high = binomtest(round(accuracy * images), images).proportion_ci(confidence, method="wilson")
    numbers = {"accuracy": accuracy, "low": low, "high": high}
    return SetAccuracy(images=images, **{key: round(float(value), _DIGITS) for key, value in numbers.items()})


def power_of_ten(value: float) -> float:
    """Return the smallest power of ten that is at least a value, 1e-9 at least, so that noise changes no byte.

    >>> power_of_ten(3e-7), power_of_ten(0.0)
    (1e-06, 1e-09)
    """
    return float(f"1e{max(int(np.ceil(np.log10(max(value, 1e-9)))), -9)}")


def evenly(faces: Faces, most: int) -> Faces:
    """Return at most so many faces, evenly spaced, so that they are of every part of the set."""
    return np.asarray(faces[np.linspace(0, len(faces) - 1, min(most, len(faces))).astype(int)])
