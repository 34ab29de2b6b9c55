"""Keras layers with weights, normalizations and activations as ONNX operators; ferflow.export.onnx_maps has the others.

Values with four axes have their channels in front of height and width in the graph.
"""

import math
from collections.abc import Callable, Sequence
from functools import singledispatch
from typing import Any

import keras
import numpy as np
from keras import activations, layers

from ferflow.base.errors import ModelError
from ferflow.export.onnx_graph import Graph, Value
from ferflow.export.trace import Step

Inputs = Sequence[Value]


@singledispatch
def convert(layer: keras.Layer, graph: Graph, step: Step, inputs: Inputs) -> str:
    """Add a layer's operators to a graph.

    Args:
        layer: Layer of the step; its class selects the function.
        graph: Graph that the operators are added to.
        step: The step.
        inputs: The values that it takes.

    Returns:
        Name of the result.

    Raises:
        ModelError: The layer, or one of its options, cannot be written as ONNX here.
    """
    if type(layer).__name__ == "LayerScale":  # of keras.applications.convnext; Keras does not publish the class
        factor = graph.constant(f"{layer.name}_gamma", step.weights[0].reshape(_per_channel(inputs[0])))
        return graph.add("Mul", layer.name, inputs[0].name, factor)
    if not isinstance(layer, keras.Layer) and type(layer).__name__ in ("Add", "Multiply"):  # written as x + y or x * y
        return pairwise(graph, "Add" if type(layer).__name__ == "Add" else "Mul", layer.name, inputs)
    known = ", ".join(sorted(kind.__name__ for kind in convert.registry if kind is not object))
    raise ModelError(
        f"Layer {layer.name} cannot be written as ONNX: there is no function for its class in "
        f"ferflow.export.onnx_layers and onnx_maps. Received: {type(layer).__name__}. Classes that have one: {known}. "
        "Add one, or build the network without this layer."
    )


def check_channels_last(layer: keras.Layer) -> None:
    """Refuse a layer whose values have their channels in front of height and width.

    Raises:
        ModelError: They do.
    """
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        raise ModelError(
            f"Layer {layer.name} cannot be written as ONNX: its data_format must be channels_last. Received: "
            f"{layer.data_format}. Build the network with channels_last."
        )


def _per_channel(value: Value) -> tuple[int, ...]:
    """Return the shape in which one number per channel meets a value."""
    return (-1, 1, 1) if len(value.shape) == 4 else (-1,)


def axis_of(axis: int, value: Value) -> int:
    """Return an axis in the graph for one in Keras."""
    rank = len(value.shape)
    axis %= rank
    return {0: 0, 1: 2, 2: 3, 3: 1}[axis] if rank == 4 else axis


def pads_of(layer: Any, value: Value, size: Sequence[int], strides: Sequence[int]) -> list[int]:
    """Return the padding of a window: begin of height and width, then their ends.

    `same` pads as TensorFlow does: as little as possible, and one more at the end if the number is odd.
    """
    begins, ends = [], []
    dilations = getattr(layer, "dilation_rate", (1, 1))
    for length, window, stride, dilation in zip(value.shape[1:3], size, strides, dilations, strict=True):
        total = 0
        if layer.padding == "same":
            assert length is not None
            reach = (window - 1) * dilation + 1
            total = max((math.ceil(length / stride) - 1) * stride + reach - length, 0)
        begins.append(total // 2)
        ends.append(total - total // 2)
    return begins + ends


def _conv(graph: Graph, name: str, value: str, kernel: Any, bias: Any, **attributes: Any) -> str:
    weights = [graph.constant(f"{name}_kernel", kernel)]
    if bias is not None:
        weights.append(graph.constant(f"{name}_bias", bias))
    return graph.add("Conv", name, value, *weights, kernel_shape=list(kernel.shape[2:]), **attributes)


def _window(layer: Any, value: Value) -> dict[str, list[int]]:
    return {
        "strides": list(layer.strides),
        "dilations": list(layer.dilation_rate),
        "pads": pads_of(layer, value, layer.kernel_size, layer.strides),
    }


@convert.register
def _(layer: layers.Conv2D, graph: Graph, step: Step, inputs: Inputs) -> str:
    check_channels_last(layer)
    kernel = step.weights[0].transpose(3, 2, 0, 1)
    bias = step.weights[1] if layer.use_bias else None
    window = _window(layer, inputs[0])
    return _conv(graph, layer.name, inputs[0].name, kernel, bias, group=layer.groups, **window)


@convert.register
def _(layer: layers.DepthwiseConv2D, graph: Graph, step: Step, inputs: Inputs) -> str:
    check_channels_last(layer)
    bias = step.weights[1] if layer.use_bias else None
    return _depthwise(graph, layer, layer.name, inputs[0], step.weights[0], bias)


def _depthwise(graph: Graph, layer: Any, name: str, value: Value, kernel: Any, bias: Any) -> str:
    height, width, channels, multiplier = kernel.shape
    filters = kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)
    return _conv(graph, name, value.name, filters, bias, group=channels, **_window(layer, value))


@convert.register
def _(layer: layers.SeparableConv2D, graph: Graph, step: Step, inputs: Inputs) -> str:
    check_channels_last(layer)
    depthwise, pointwise = step.weights[:2]
    bias = step.weights[2] if layer.use_bias else None
    between = _depthwise(graph, layer, f"{layer.name}_depthwise", inputs[0], depthwise, None)
    return _conv(graph, layer.name, between, pointwise.transpose(3, 2, 0, 1), bias)


@convert.register
def _(layer: layers.Dense, graph: Graph, step: Step, inputs: Inputs) -> str:
    value, kernel = inputs[0], step.weights[0]
    bias = step.weights[1] if layer.use_bias else None
    if len(value.shape) == 4:
        return _conv(graph, layer.name, value.name, kernel.T[:, :, None, None], bias)
    if len(value.shape) != 2:
        raise ModelError(
            f"Layer {layer.name} cannot be written as ONNX: a dense layer must take 2 or 4 axes. Received: "
            f"{value.shape}."
        )
    weights = [graph.constant(f"{layer.name}_kernel", kernel)]
    if bias is not None:
        weights.append(graph.constant(f"{layer.name}_bias", bias))
    return graph.add("Gemm", layer.name, value.name, *weights)


@convert.register
def _(layer: layers.BatchNormalization, graph: Graph, step: Step, inputs: Inputs) -> str:
    if axis_of(layer.axis, inputs[0]) != 1:
        raise ModelError(
            f"Layer {layer.name} cannot be written as ONNX: it must normalize channels, axis -1. Received: axis "
            f"{layer.axis}."
        )
    weights = list(step.weights)
    gamma = weights.pop(0) if layer.scale else np.ones_like(weights[-1])
    beta = weights.pop(0) if layer.center else np.zeros_like(weights[-1])
    factor = gamma.astype(np.float64) / np.sqrt(weights[1].astype(np.float64) + layer.epsilon)
    return _affine(graph, layer.name, inputs[0], factor, beta - weights[0] * factor)


@convert.register
def _(layer: layers.Rescaling, graph: Graph, step: Step, inputs: Inputs) -> str:
    return _affine(graph, layer.name, inputs[0], np.asarray(layer.scale), np.asarray(layer.offset))


@convert.register
def _(layer: layers.Normalization, graph: Graph, step: Step, inputs: Inputs) -> str:
    mean, variance = (np.asarray(part, np.float64) for part in (layer.mean, layer.variance))
    deviation = np.maximum(np.sqrt(variance), keras.config.epsilon())
    if layer.invert:
        return _affine(graph, layer.name, inputs[0], deviation.ravel(), mean.ravel())
    return _affine(graph, layer.name, inputs[0], (1 / deviation).ravel(), (-mean / deviation).ravel())


def _affine(graph: Graph, name: str, value: Value, factor: Any, summand: Any) -> str:
    """Add y = factor x + summand, each one number or one per channel."""
    result, shape = value.name, _per_channel(value)
    if np.any(factor != 1.0):
        by = graph.constant(f"{name}_factor", factor.reshape(shape) if factor.ndim else factor)
        result = graph.add("Mul", f"{name}_scaled" if np.any(summand) else name, result, by)
    if np.any(summand):
        by = graph.constant(f"{name}_summand", summand.reshape(shape) if summand.ndim else summand)
        result = graph.add("Add", name, result, by)
    return result


@convert.register
def _(layer: layers.LayerNormalization, graph: Graph, step: Step, inputs: Inputs) -> str:
    value, axis = inputs[0], layer.axis if isinstance(layer.axis, int) else layer.axis[0]
    if axis % len(value.shape) != len(value.shape) - 1 or getattr(layer, "rms_scaling", False):
        raise ModelError(f"Layer {layer.name} cannot be written as ONNX: it must normalize the last axis.")
    weights = list(step.weights)
    channels = value.shape[-1]
    gamma = graph.constant(f"{layer.name}_gamma", weights.pop(0) if layer.scale else np.ones(channels))
    beta = graph.constant(f"{layer.name}_beta", weights.pop(0) if layer.center else np.zeros(channels))
    if len(value.shape) != 4:
        return graph.add("LayerNormalization", layer.name, value.name, gamma, beta, epsilon=layer.epsilon)
    last = graph.add("Transpose", f"{layer.name}_last", value.name, perm=[0, 2, 3, 1])
    normalized = graph.add("LayerNormalization", f"{layer.name}_norm", last, gamma, beta, epsilon=layer.epsilon)
    return graph.add("Transpose", layer.name, normalized, perm=[0, 3, 1, 2])


@convert.register
def _(layer: layers.ReLU, graph: Graph, step: Step, inputs: Inputs) -> str:
    if layer.negative_slope or layer.threshold:
        raise ModelError(f"Layer {layer.name} cannot be written as ONNX: ReLU must have no slope and no threshold.")
    if layer.max_value is None:
        return graph.add("Relu", layer.name, inputs[0].name)
    limits = [graph.constant(f"{layer.name}_{name}", value) for name, value in (("low", 0), ("high", layer.max_value))]
    return graph.add("Clip", layer.name, inputs[0].name, *limits)


@convert.register
def _(layer: layers.LeakyReLU, graph: Graph, step: Step, inputs: Inputs) -> str:
    return graph.add("LeakyRelu", layer.name, inputs[0].name, alpha=float(layer.negative_slope))


@convert.register
def _(layer: layers.Softmax, graph: Graph, step: Step, inputs: Inputs) -> str:
    return graph.add("Softmax", layer.name, inputs[0].name, axis=axis_of(layer.axis, inputs[0]))


@convert.register
def _(layer: layers.Activation, graph: Graph, step: Step, inputs: Inputs) -> str:
    if (function := _ACTIVATIONS.get(layer.activation)) is None:
        known = ", ".join(sorted(known.__name__ for known in _ACTIVATIONS))
        raise ModelError(
            f"Layer {layer.name} cannot be written as ONNX: its activation is unknown. Received: "
            f"{getattr(layer.activation, '__name__', layer.activation)}. Known: {known}."
        )
    return function(graph, layer.name, inputs[0])


def _plain(operator: str) -> Callable[[Graph, str, Value], str]:
    return lambda graph, name, value: graph.add(operator, name, value.name)


def _silu(graph: Graph, name: str, value: Value) -> str:
    return graph.add("Mul", name, value.name, graph.add("Sigmoid", f"{name}_sigmoid", value.name))


def _gelu(graph: Graph, name: str, value: Value) -> str:
    # The exact one, x (1 + erf(x / sqrt 2)) / 2 (Hendrycks & Gimpel 2016), whose own operator needs a later opset.
    scaled = graph.add("Mul", f"{name}_scaled", value.name, graph.constant(f"{name}_root", 1 / math.sqrt(2)))
    share = graph.add("Erf", f"{name}_erf", scaled)
    raised = graph.add("Add", f"{name}_raised", share, graph.constant(f"{name}_one", 1.0))
    product = graph.add("Mul", f"{name}_product", value.name, raised)
    return graph.add("Mul", name, product, graph.constant(f"{name}_half", 0.5))


_ACTIVATIONS: dict[Any, Callable[[Graph, str, Value], str]] = {
    activations.linear: lambda graph, name, value: value.name,
    activations.relu: _plain("Relu"),
    activations.sigmoid: _plain("Sigmoid"),
    activations.tanh: _plain("Tanh"),
    activations.silu: _silu,
    activations.gelu: _gelu,
    activations.softmax: lambda graph, name, value: graph.add("Softmax", name, value.name, axis=axis_of(-1, value)),
}


def pairwise(graph: Graph, operator: str, name: str, inputs: Inputs) -> str:
    """Add an operator that takes two values, for two or more of them."""
    result = inputs[0].name
    for position, value in enumerate(inputs[1:], start=2):
        last = position == len(inputs)
        result = graph.add(operator, name if last else f"{name}_{position}", result, value.name)
    return result
