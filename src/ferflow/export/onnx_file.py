"""Write a network as one ONNX file, from grey levels to the probabilities that FERflow serves."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from keras import activations, layers
from onnx import TensorProto

from ferflow.export.onnx_graph import Graph, Value
from ferflow.export.onnx_maps import convert
from ferflow.export.trace import Step
from ferflow.scoring.temperature import CLIP

INPUT, OUTPUT = "faces", "probabilities"
Views = Literal["single", "flip"]


def write_onnx(
    path: Path, steps: Sequence[Step], side: int, classes: Sequence[str], views: Views, temperature: float
) -> None:
    """Write a network as ONNX: uint8 grey levels, (N, side, side), to calibrated probabilities, float32, (N, classes).

    Views and temperature are part of the graph, so that everyone who runs the file gets the same answers.

    Args:
        path: The file.
        steps: Steps of the network, folded; see ferflow.export.fold.
        side: Height and width of a face in pixels.
        classes: Names of the classes.
        views: `single`, or `flip`: the mean of the probabilities of the face and its mirror image.
        temperature: Factor that the logits, or the logarithms of the mean probabilities, are divided by (Guo et al.
            2017, section 4.2).

    Raises:
        ModelError: A layer of the network cannot be written as ONNX.
    """
    graph = Graph()
    graph.unique(INPUT)
    graph.unique(OUTPUT)
    start = _images(graph, side, views)
    steps, normalized = logits_of(steps)
    values = {0: Value(start, (None, side, side, 1))}
    for step in steps:
        result = convert(step.layer, graph, step, [values[number] for number in step.inputs])
        values[step.output] = Value(result, step.shape)
    _answers(graph, values[steps[-1].output].name, len(classes), normalized, views, temperature)
    graph.write(
        path,
        name="ferflow",
        start=(INPUT, TensorProto.UINT8, ["N", side, side]),
        end=(OUTPUT, TensorProto.FLOAT, ["N", len(classes)]),
        notes={"classes": list(classes), "views": views, "temperature": temperature},
    )


def logits_of(steps: Sequence[Step]) -> tuple[list[Step], bool]:
    """Return the steps without a last softmax, and whether what they give are probabilities all the same."""
    last = steps[-1].layer
    softmax = isinstance(last, layers.Softmax) or (
        isinstance(last, layers.Activation) and last.activation is activations.softmax
    )
    return (list(steps[:-1]), False) if softmax else (list(steps), True)


def _images(graph: Graph, side: int, views: Views) -> str:
    """Add what makes images, float32, (N or 2 N, 1, side, side), of the input."""
    grey = graph.add("Cast", "grey", INPUT, to=TensorProto.FLOAT)
    images = graph.add("Unsqueeze", "images", grey, graph.constant("channel_axis", [1], np.int64))
    if views == "single":
        return images
    width, whole = graph.constant("width_axis", [3], np.int64), graph.constant("beyond", [-side - 1], np.int64)
    last, back = graph.constant("last_column", [-1], np.int64), graph.constant("backwards", [-1], np.int64)
    mirrored = graph.add("Slice", "mirrored", images, last, whole, width, back)
    return graph.add("Concat", "views", images, mirrored, axis=0)


def _answers(graph: Graph, logits: str, classes: int, normalized: bool, views: Views, temperature: float) -> None:
    """Add what makes the output of the logits, or of probabilities; see ferflow.scoring.temperature.calibrate."""
    if views == "single" and temperature == 1.0 and not normalized:
        graph.output("Softmax", OUTPUT, logits, axis=-1)
        return
    probabilities = logits if normalized else graph.add("Softmax", "view_probabilities", logits, axis=-1)
    if views == "flip":
        shape = graph.constant("by_view", [2, -1, classes], np.int64)
        by_view = graph.add("Reshape", "probabilities_by_view", probabilities, shape)
        probabilities = graph.add("ReduceMean", "mean_probabilities", by_view, axes=[0], keepdims=0)
    limits = [graph.constant("smallest", CLIP), graph.constant("largest", 1.0)]
    result = graph.add("Log", "mean_logits", graph.add("Clip", "clipped", probabilities, *limits))
    if temperature != 1.0:
        result = graph.add("Div", "calibrated", result, graph.constant("temperature", temperature))
    graph.output("Softmax", OUTPUT, result, axis=-1)
