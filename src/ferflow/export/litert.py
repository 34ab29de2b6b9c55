"""Write a network as a LiteRT (TensorFlow Lite) file. Only TensorFlow can do so."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from ferflow.base.files import whole_file
from ferflow.export.onnx_file import INPUT, OUTPUT, Views, logits_of
from ferflow.export.trace import Step, rebuild
from ferflow.scoring.temperature import CLIP


def can_write_litert() -> bool:
    """Return whether the Keras backend of this process is the one that can."""
    return bool(keras.backend.backend() == "tensorflow")


def write_litert(path: Path, steps: Sequence[Step], side: int, views: Views, temperature: float) -> None:
    """Write a network as LiteRT, with the input and output of ferflow.export.onnx_file.write_onnx.

    Args:
        path: The file.
        steps: Steps of the network, folded.
        side: Height and width of a face in pixels.
        views: `single` or `flip`.
        temperature: Factor that the logits are divided by.
    """
    import tensorflow as tf

    steps, normalized = logits_of(steps)
    network = rebuild(steps, side)

    def answer(faces: Any) -> dict[str, Any]:
        images = tf.cast(faces, tf.float32)[..., None]
        shown = [images] if views == "single" else [images, tf.reverse(images, [2])]
        found = [network(view, training=False) for view in shown]
        probabilities = sum(view if normalized else tf.nn.softmax(view) for view in found) / len(found)
        logits = tf.math.log(tf.clip_by_value(probabilities, CLIP, 1.0)) / temperature
        return {OUTPUT: tf.nn.softmax(logits)}

    archive = keras.export.ExportArchive()
    archive.track(network)
    archive.add_endpoint("serve", answer, [tf.TensorSpec((None, side, side), tf.uint8, name=INPUT)])
    with tempfile.TemporaryDirectory() as saved, _quiet():
        archive.write_out(saved, verbose=False)
        content = tf.lite.TFLiteConverter.from_saved_model(saved).convert()
    with whole_file(path) as temporary:
        temporary.write_bytes(content)


def run_litert(path: Path, faces: npt.NDArray[np.uint8], batch_size: int) -> npt.NDArray[np.float32]:
    """Return a LiteRT file's probabilities, float32, (N, classes), for faces, uint8, (N, side, side)."""
    from ai_edge_litert.interpreter import Interpreter

    with _quiet():
        interpreter = Interpreter(str(path), num_threads=1)
    start, end = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    answers, allocated = [], 0
    for first in range(0, len(faces), batch_size):
        batch = np.ascontiguousarray(faces[first : first + batch_size])
        if len(batch) != allocated:
            interpreter.resize_tensor_input(start, batch.shape)
            with _quiet():
                interpreter.allocate_tensors()
            allocated = len(batch)
        interpreter.set_tensor(start, batch)
        interpreter.invoke()
        answers.append(np.array(interpreter.get_tensor(end)))
    return np.concatenate(answers)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Send what the C++ code prints to standard error nowhere; its warnings concern neither the user nor the file."""
    keep, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(keep, 2)
        os.close(nowhere)
        os.close(keep)
