"""What a network costs: parameters and multiply-accumulate operations."""

import math
from typing import Any

import keras
from keras import layers


def count_macs(model: keras.Model) -> int:
    """Return the multiply-accumulate operations of one image's forward pass.

    Counted are convolutions and dense layers (bias, normalisation, activation and pooling are left out, as the
    literature does); a layer counts once, at the shape of its first use.
    """
    return sum(_layer_macs(operation) for operation in _operations(model))


def _operations(model: keras.Model) -> list[Any]:
    found: list[Any] = []
    for layer in model.layers:
        found += _operations(layer) if isinstance(layer, keras.Model) else [layer]
    return found


def _layer_macs(layer: Any) -> int:
    if isinstance(layer, layers.Dense):
        positions = math.prod(layer.output.shape[1:-1])
        return int(positions * math.prod(layer.kernel.shape))
    if isinstance(layer, layers.SeparableConv2D):
        positions = math.prod(layer.output.shape[1:3])
        return int(positions * (math.prod(layer.depthwise_kernel.shape) + math.prod(layer.pointwise_kernel.shape)))
    if isinstance(layer, layers.Conv1D | layers.Conv2D | layers.Conv3D | layers.DepthwiseConv2D):
        # A kernel's shape is (height, width, channels in / groups, filters): each weight is used once a position.
        positions = math.prod(layer.output.shape[1:-1])
        return int(positions * math.prod(layer.kernel.shape))
    return 0
