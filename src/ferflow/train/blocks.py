"""Layers that several architectures have in common."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras
from keras import layers

from ferflow.base.errors import ModelError

if TYPE_CHECKING:
    from keras import KerasTensor


def grey_input(side: int) -> "KerasTensor":
    """Return the input of raw grey levels, (side, side, 1), 0 to 255."""
    return keras.Input((side, side, 1), name="image")


def centred(x: "KerasTensor") -> "KerasTensor":
    """Scale grey levels 0 to 255 to -1 to 1."""
    return layers.Rescaling(1 / 127.5, offset=-1.0, name="centre")(x)


def conv_unit(
    x: "KerasTensor", filters: int, size: int = 3, pool: bool = False, momentum: float = 0.99
) -> "KerasTensor":
    """Apply convolution, max pooling where asked, batch normalisation (Ioffe & Szegedy 2015) and ReLU.

    Pooling comes before normalisation: on a CPU those two read four times less memory then; docs/training.md tells
    what it brings.
    """
    x = layers.Conv2D(filters, size, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
    if pool:
        x = layers.MaxPooling2D()(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=momentum)(x))


def dense_unit(x: "KerasTensor", units: int, dropout: float, momentum: float = 0.99) -> "KerasTensor":
    """Apply a dense layer, batch normalisation, ReLU and dropout."""
    x = layers.Dense(units, use_bias=False, kernel_initializer="he_normal")(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=momentum)(x))
    return layers.Dropout(dropout)(x)


def classifier(image: "KerasTensor", features: "KerasTensor", classes: int, name: str) -> keras.Model:
    """Close a network with a softmax over the classes, computed in float32 whatever the precision."""
    output = layers.Dense(classes, activation="softmax", dtype="float32", name="emotion")(features)
    return keras.Model(image, output, name=name)


def check_side(name: str, side: int, least: int) -> None:
    """Refuse images too small for a network.

    Raises:
        ModelError: `side` is below `least`.
    """
    if side < least:
        raise ModelError(
            f"{name} needs images of {least}x{least} pixels or more. Received: clean.image_size {side}. "
            "Raise clean.image_size in params.yaml, or take this model out of `enabled`."
        )


def check_blocks(name: str, filters: Sequence[int], side: int) -> None:
    """Refuse more halvings than the image has: `check_side` with two to the number of blocks."""
    check_side(name, side, 2 ** len(filters))
