"""ConvNeXt-Tiny (Liu et al. 2022, "A ConvNet for the 2020s"), pretrained on ImageNet, with a new head."""

from typing import Any

import keras
from keras import layers

from ferflow.train.transfer import TransferOptions, freeze, transfer

__all__ = ["Options", "build", "freeze"]

Options = TransferOptions


def build(options: TransferOptions, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract.

    Raises:
        ModelError: See ferflow.train.transfer.transfer.
    """
    model = transfer("convnext_tiny", _application, "raw", options, side, classes)
    depthwise = keras.models.clone_model(model, clone_function=_depthwise, recursive=True)
    _copy_weights(model, depthwise)
    return depthwise


def _application(name: str, **arguments: Any) -> keras.Model:
    # Keras downloads ImageNet weights only for the model's own name, so the model can only be renamed afterwards.
    base: keras.Model = keras.applications.ConvNeXtTiny(**arguments)
    base.name = name
    return base


def _depthwise(layer: keras.Layer) -> keras.Layer:
    """Clone a layer; a convolution with one group per channel becomes a DepthwiseConv2D, which computes the same.

    keras.applications writes depthwise convolutions as grouped ones. On TensorFlow and a CPU, Keras has to compile
    those with XLA, and a training step of the whole network takes about six times as long (docs/training.md).
    """
    if isinstance(layer, layers.Conv2D) and layer.groups > 1:
        return layers.DepthwiseConv2D(layer.kernel_size, padding=layer.padding, name=layer.name)
    clone: keras.Layer = type(layer).from_config(layer.get_config())
    return clone


def _copy_weights(source: keras.Model, target: keras.Model) -> None:
    for layer in (layer for layer in source.layers if layer.weights):
        twin = target.get_layer(layer.name)
        if isinstance(layer, keras.Model):
            _copy_weights(layer, twin)
        elif isinstance(twin, layers.DepthwiseConv2D):
            kernel, bias = layer.get_weights()
            twin.set_weights([kernel.swapaxes(2, 3), bias])  # (h, w, 1, channels) to (h, w, channels, 1)
        else:
            twin.set_weights(layer.get_weights())
