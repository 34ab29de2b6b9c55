"""What a network costs in multiply-accumulate operations (MACs)."""

import math
from typing import Any

import keras
from keras import layers


def count_macs(model: keras.Model) -> int:
    """Return the multiply-accumulate operations of one image's forward pass.

    Convolutions and dense layers count; biases, normalization, activation and pooling do not, as usual in the
    literature. A layer that is used more than once counts once, with the shape of its first use.

    >>> count_macs(keras.Sequential([keras.Input((10,)), layers.Dense(3)]))
    30
    """
    return sum(_layer_macs(layer) for layer in _flat_layers(model))


def _flat_layers(model: keras.Model) -> list[Any]:
    found: list[Any] = []
    for layer in model.layers:
        found += _flat_layers(layer) if isinstance(layer, keras.Model) else [layer]
    return found


def _layer_macs(layer: Any) -> int:
    if isinstance(layer, layers.Dense):
        positions = math.prod(layer.output.shape[1:-1])
        return int(positions * math.prod(layer.kernel.shape))
    if isinstance(layer, layers.SeparableConv2D):
        positions = math.prod(layer.output.shape[1:3])
        return int(positions * (math.prod(layer.depthwise_kernel.shape) + math.prod(layer.pointwise_kernel.shape)))
    if isinstance(layer, layers.Conv1D | layers.Conv2D | layers.Conv3D | layers.DepthwiseConv2D):
        # A kernel's shape is (height, width, input channels / groups, filters): each weight is used once per position.
        positions = math.prod(layer.output.shape[1:-1])
        return int(positions * math.prod(layer.kernel.shape))
    return 0
