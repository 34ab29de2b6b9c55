"""Layers that several architectures share."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras
from keras import layers

from ferflow.base.errors import ModelError

if TYPE_CHECKING:
    from keras import KerasTensor


def grey_input(side: int) -> "KerasTensor":
    """Return the input layer for grey levels, (side, side, 1), 0 to 255."""
    return keras.Input((side, side, 1), name="image")


def centred(x: "KerasTensor") -> "KerasTensor":
    """Scale grey levels from 0 to 255 to the range -1 to 1."""
    return layers.Rescaling(1 / 127.5, offset=-1.0, name="centre")(x)


def conv_unit(x: "KerasTensor", filters: int, *, pool: bool, momentum: float) -> "KerasTensor":
    """Apply a 3x3 convolution, optional 2x2 max pooling, batch normalization (Ioffe & Szegedy 2015) and ReLU.

    Pooling comes before normalization, because normalization and ReLU then process a quarter of the values;
    docs/training.md has the measured gain.

    Args:
        x: Feature maps, (N, height, width, channels).
        filters: Number of filters.
        pool: Whether to halve height and width by max pooling.
        momentum: Momentum of the running statistics of batch normalization.
    """
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
    if pool:
        x = layers.MaxPooling2D()(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=momentum)(x))


def dense_unit(x: "KerasTensor", units: int, dropout: float, momentum: float) -> "KerasTensor":
    """Apply a dense layer, batch normalization, ReLU and dropout.

    Args:
        x: Features, (N, features).
        units: Number of units.
        dropout: Dropout rate.
        momentum: Momentum of the running statistics of batch normalization.
    """
    x = layers.Dense(units, use_bias=False, kernel_initializer="he_normal")(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=momentum)(x))
    return layers.Dropout(dropout)(x)


def classifier(image: "KerasTensor", features: "KerasTensor", classes: int, name: str) -> keras.Model:
    """Return the network from `image` through `features` to a softmax, which is float32 at any precision."""
    output = layers.Dense(classes, activation="softmax", dtype="float32", name="emotion")(features)
    return keras.Model(image, output, name=name)


def check_side(architecture: str, side: int, smallest: int) -> None:
    """Refuse images that are too small for a network.

    Args:
        architecture: Name of the architecture, for the message.
        side: Height and width of the images in pixels.
        smallest: Minimum for this network.

    Raises:
        ModelError: `side` is below `smallest`.
    """
    if side < smallest:
        raise ModelError(
            f"{architecture} needs images of at least {smallest}x{smallest} pixels. Received: {side}x{side}. Raise "
            "image_size in params.yaml, or remove the result from `results`."
        )


def check_blocks(architecture: str, filters: Sequence[int], side: int) -> None:
    """Refuse images that are too small to be halved once per block.

    Raises:
        ModelError: `side` is below 2 to the power of the number of blocks.
    """
    check_side(architecture, side, 2 ** len(filters))
