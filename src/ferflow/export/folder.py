"""Write one folder that runs a network without Keras, with what its files can do measured and written down."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ferflow.base.arrays import Split, read_split
from ferflow.base.errors import ModelError
from ferflow.base.files import whole_folder, write_json
from ferflow.base.hashing import sha256
from ferflow.base.network import load_model
from ferflow.export.checks import Measured, evenly, file_entry, run_keras, run_onnx
from ferflow.export.fold import fold
from ferflow.export.litert import can_write_litert, run_litert, write_litert
from ferflow.export.onnx_file import INPUT, OUTPUT, Views, write_onnx
from ferflow.export.onnx_graph import OPSET
from ferflow.export.quantize import quantize
from ferflow.export.trace import trace
from ferflow.scoring.temperature import calibrate, fit_temperature
from ferflow.settings.judging import Export
from ferflow.use.card_file import CARD, FLOAT, FORMAT, INT8, LITERT, Card, ExportedFile, Tensor
from ferflow.use.crop import learn_template

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Origin:
    """Where an exported network comes from.

    Attributes:
        name: Name of the result.
        network: Its Keras file.
        dataset: Name of the dataset.
        licence: Licence of the data.
    """

    name: str
    network: Path
    dataset: str
    licence: str


def served_views(measured: str) -> Views:
    """Return the views that a file averages over, for those that the evaluation does.

    Ten crops would make an answer five times as slow as the mirror image does, so that a device gets the latter; the
    card states the accuracy with it.
    """
    return "single" if measured == "single" else "flip"


def export(origin: Origin, *, data: Path, out: Path, views: Views, confidence: float, settings: Export) -> Card:
    """Write an export folder, and return its card.

    The folder holds card.json, model.onnx and, where they can be made and are good enough, model.int8.onnx and
    model.tflite. All take grey levels, uint8, (N, side, side), and answer with calibrated probabilities, float32,
    (N, classes).

    Args:
        origin: The network.
        data: Folder that prepare wrote. Training faces give the ranges of the 8-bit file and the place of faces in a
            crop; validation images decide the temperature and which files are good enough.
        out: Folder to write; an older one is replaced.
        views: `single` or `flip`: what each answer is the mean of.
        confidence: Confidence level of the intervals, in (0, 1).
        settings: `export:` of params.yaml.

    Raises:
        DataError: The prepared data is missing.
        ModelError: The network does not fit the data, cannot be written as ONNX, or the file does not answer as Keras.
    """
    train, validation, test = (read_split(data, name) for name in ("train", "validation", "test"))
    model = load_model(origin.network)
    side, classes = _checked(origin.name, model, validation)
    parts = {"validation": validation, "test": test}
    labels = {name: part.labels for name, part in parts.items()}
    steps = fold(trace(model))
    files: dict[str, ExportedFile] = {}
    left_out: dict[str, str] = {}
    with whole_folder(out) as folder:
        path = folder / FLOAT
        write_onnx(path, steps, side, classes, views, 1.0)
        temperature = fit_temperature(validation.labels, run_onnx(path, np.asarray(validation.images)))
        write_onnx(path, steps, side, classes, views, temperature)
        probe = evenly(validation.images, settings.checked_images)
        expected = calibrate(run_keras(model, probe, views), temperature)

        exact = Measured({name: run_onnx(path, np.asarray(part.images)) for name, part in parts.items()}, labels)
        difference = float(np.abs(run_onnx(path, probe) - expected).max())
        _check_exact(origin.name, FLOAT, difference, settings)
        files[FLOAT] = file_entry(path, exact, exact, difference, confidence)

        path = folder / INT8
        quantize(folder / FLOAT, path, evenly(train.images, settings.calibration_images))
        small = Measured({name: run_onnx(path, np.asarray(part.images)) for name, part in parts.items()}, labels)
        if reason := _not_as_good(small, exact, settings):
            path.unlink()
            left_out[INT8] = reason
        else:
            files[INT8] = file_entry(path, small, exact, None, confidence)

        if can_write_litert():
            path = folder / LITERT
            write_litert(path, steps, side, views, temperature)
            lite = Measured({name: run_litert(path, part.images, 64) for name, part in parts.items()}, labels)
            difference = float(np.abs(run_litert(path, probe, 64) - expected).max())
            _check_exact(origin.name, LITERT, difference, settings)
            files[LITERT] = file_entry(path, lite, exact, difference, confidence)
        else:
            left_out[LITERT] = "Only the TensorFlow backend can write LiteRT files."

        card = Card(
            format=FORMAT,
            name=origin.name,
            dataset=origin.dataset,
            licence=origin.licence,
            fingerprint=sha256(origin.network),
            classes=classes,
            side=side,
            views=views,
            temperature=temperature,
            opset=OPSET,
            input=Tensor(name=INPUT, dtype="uint8", shape=(None, side, side), low=0, high=255),
            output=Tensor(name=OUTPUT, dtype="float32", shape=(None, len(classes)), low=0, high=1),
            preprocessing=(
                f"Cut the face as `crop` says: a grey image of {side} x {side} pixels, 0 (black) to 255 (white). "
                "The files scale it, average over the views and calibrate the probabilities themselves."
            ),
            crop=learn_template(np.asarray(train.images), most=settings.template_images),
            confidence=confidence,
            default=INT8 if settings.default == "int8" and INT8 in files else FLOAT,
            files=files,
            left_out=left_out,
        )
        write_json(folder / CARD, card.to_json())
    return card


def _checked(name: str, model: "keras.Model", validation: Split) -> tuple[int, tuple[str, ...]]:
    """Return side and classes, after checking that network and data belong together."""
    side, classes = int(validation.images.shape[1]), validation.classes
    if (tuple(model.input_shape[1:]), model.output_shape[-1]) != ((side, side, 1), len(classes)):
        raise ModelError(
            f"{name} takes images of shape {model.input_shape[1:]} and has {model.output_shape[-1]} classes, but the "
            f"prepared data has images of shape {(side, side, 1)} and {len(classes)} classes ({', '.join(classes)}). "
            "Prepare the data that it was trained on (dataset and image_size in params.yaml), or train it again."
        )
    return side, classes


def _check_exact(name: str, file: str, difference: float, settings: Export) -> None:
    if not difference <= settings.max_difference:  # a NaN fails as well
        raise ModelError(
            f"{file} of {name} does not answer as Keras does: a probability differs by {difference:.1g}, and "
            f"export.max_difference is {settings.max_difference:g}. If it was trained in another precision, raise "
            "export.max_difference in params.yaml; otherwise report this as a bug, with the name of the architecture."
        )


def _not_as_good(small: Measured, exact: Measured, settings: Export) -> str | None:
    """Return why an 8-bit file is not good enough, judged on validation alone, or None if it is."""
    same, loss = small.same_answers(exact), exact.accuracy("validation") - small.accuracy("validation")
    faults = []
    if same < settings.min_same_answers:
        faults.append(
            f"it gives the answer of {FLOAT} for {100 * same:.1f} % of the validation images, and "
            f"export.min_same_answers is {100 * settings.min_same_answers:g} %"
        )
    # Rounded, so that a rounding error does not decide when the loss equals its maximum.
    if round(loss, 9) > settings.max_accuracy_loss:
        faults.append(
            f"its validation accuracy is {100 * loss:.1f} points lower, and export.max_accuracy_loss is "
            f"{100 * settings.max_accuracy_loss:g} points"
        )
    return f"The 8-bit file is not good enough: {'; '.join(faults)}." if faults else None
