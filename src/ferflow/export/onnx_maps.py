"""Keras layers that pool, pad, enlarge, reshape and merge feature maps as ONNX operators.

Import `convert` from here: this module completes it with its layers.
"""

from typing import Any

import numpy as np
from keras import layers

from ferflow.base.errors import ModelError
from ferflow.export.onnx_graph import Graph, Value
from ferflow.export.onnx_layers import Inputs, axis_of, check_channels_last, convert, pads_of, pairwise
from ferflow.export.trace import Step

__all__ = ["convert"]


@convert.register
def _(layer: layers.MaxPooling2D, graph: Graph, step: Step, inputs: Inputs) -> str:
    check_channels_last(layer)
    pads = pads_of(layer, inputs[0], layer.pool_size, layer.strides)
    window = {"kernel_shape": list(layer.pool_size), "strides": list(layer.strides), "pads": pads}
    return graph.add("MaxPool", layer.name, inputs[0].name, **window)


@convert.register
def _(layer: layers.AveragePooling2D, graph: Graph, step: Step, inputs: Inputs) -> str:
    check_channels_last(layer)
    pads = pads_of(layer, inputs[0], layer.pool_size, layer.strides)
    window = {"kernel_shape": list(layer.pool_size), "strides": list(layer.strides), "pads": pads}
    return graph.add("AveragePool", layer.name, inputs[0].name, count_include_pad=0, **window)


@convert.register
def _(layer: layers.GlobalMaxPooling2D, graph: Graph, step: Step, inputs: Inputs) -> str:
    return _global_pooling(layer, graph, "GlobalMaxPool", inputs[0])


@convert.register
def _(layer: layers.GlobalAveragePooling2D, graph: Graph, step: Step, inputs: Inputs) -> str:
    return _global_pooling(layer, graph, "GlobalAveragePool", inputs[0])


def _global_pooling(layer: Any, graph: Graph, operator: str, value: Value) -> str:
    check_channels_last(layer)
    if layer.keepdims:
        return graph.add(operator, layer.name, value.name)
    return graph.add("Flatten", layer.name, graph.add(operator, f"{layer.name}_map", value.name))


@convert.register
def _(layer: layers.Flatten, graph: Graph, step: Step, inputs: Inputs) -> str:
    name, value = inputs[0].name, inputs[0]
    if len(value.shape) == 4 and value.shape[1:3] != (1, 1):  # Keras' order: height, width, channels
        name = graph.add("Transpose", f"{layer.name}_last", name, perm=[0, 2, 3, 1])
    return graph.add("Flatten", layer.name, name)


@convert.register
def _(layer: layers.Reshape, graph: Graph, step: Step, inputs: Inputs) -> str:
    name, target = inputs[0].name, [int(length or -1) for length in step.shape[1:]]
    if len(inputs[0].shape) == 4:
        name = graph.add("Transpose", f"{layer.name}_last", name, perm=[0, 2, 3, 1])
    if len(target) == 3 and target[:2] == [1, 1]:
        shape = graph.constant(f"{layer.name}_shape", [-1, target[2], 1, 1], np.int64)
        return graph.add("Reshape", layer.name, name, shape)
    shape = graph.constant(f"{layer.name}_shape", [-1, *target], np.int64)
    if len(target) != 3:
        return graph.add("Reshape", layer.name, name, shape)
    last = graph.add("Reshape", f"{layer.name}_reshaped", name, shape)
    return graph.add("Transpose", layer.name, last, perm=[0, 3, 1, 2])


@convert.register
def _(layer: layers.ZeroPadding2D, graph: Graph, step: Step, inputs: Inputs) -> str:
    check_channels_last(layer)
    (top, bottom), (left, right) = layer.padding
    pads = graph.constant(f"{layer.name}_pads", [0, 0, top, left, 0, 0, bottom, right], np.int64)
    return graph.add("Pad", layer.name, inputs[0].name, pads)


@convert.register
def _(layer: layers.UpSampling2D, graph: Graph, step: Step, inputs: Inputs) -> str:
    check_channels_last(layer)
    modes = {"nearest": ("nearest", "asymmetric"), "bilinear": ("linear", "half_pixel")}
    if layer.interpolation not in modes:
        raise ModelError(
            f"Layer {layer.name} cannot be written as ONNX: its interpolation must be nearest or bilinear. Received: "
            f"{layer.interpolation}."
        )
    mode, coordinates = modes[layer.interpolation]
    scales = graph.constant(f"{layer.name}_scales", [1, 1, *layer.size])
    options = {"mode": mode, "coordinate_transformation_mode": coordinates, "nearest_mode": "floor"}
    return graph.add("Resize", layer.name, inputs[0].name, "", scales, **options)


@convert.register
def _(layer: layers.Concatenate, graph: Graph, step: Step, inputs: Inputs) -> str:
    return graph.add("Concat", layer.name, *[value.name for value in inputs], axis=axis_of(layer.axis, inputs[0]))


@convert.register
def _(layer: layers.Add, graph: Graph, step: Step, inputs: Inputs) -> str:
    return pairwise(graph, "Add", layer.name, inputs)


@convert.register
def _(layer: layers.Multiply, graph: Graph, step: Step, inputs: Inputs) -> str:
    return pairwise(graph, "Mul", layer.name, inputs)
