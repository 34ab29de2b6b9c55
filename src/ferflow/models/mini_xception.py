"""mini-Xception (Arriaga et al. 2017, "Real-time convolutional neural networks for emotion and gender classification").

It has depthwise separable convolutions in four residual modules and no dense layer: 58,423 parameters with seven
classes. Several popular face libraries ship this network. The paper's L2 penalty on the kernels is left to
`train.weight_decay`.
"""

from typing import TYPE_CHECKING, Annotated

import keras
from keras import layers
from pydantic import Field

from ferflow.base.section import Fraction, PositiveInt, Section
from ferflow.train.blocks import centred, check_side, grey_input

if TYPE_CHECKING:
    from keras import KerasTensor


class Options(Section):
    """Options of mini_xception.

    Attributes:
        stem: Number of filters of each of the first two convolutions.
        filters: Number of filters of each residual module; each module halves the side.
        norm_momentum: Momentum of the running statistics of batch normalization; see ferflow.models.cnn.Options.
    """

    stem: PositiveInt
    filters: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    norm_momentum: Fraction


def build(options: Options, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract.

    Raises:
        ModelError: The side is too small for the number of modules.
    """
    check_side("mini_xception", side, 4 + 2 ** len(options.filters))  # the two convolutions of the stem are not padded
    image = grey_input(side)
    x = centred(image)
    for _ in range(2):
        x = layers.Conv2D(options.stem, 3, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=options.norm_momentum)(x))
    for filters in options.filters:
        x = _module(x, filters, options.norm_momentum)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(classes, 3, padding="same")(x))
    return keras.Model(image, layers.Softmax(dtype="float32", name="emotion")(x), name="mini_xception")


def _module(x: "KerasTensor", filters: int, momentum: float) -> "KerasTensor":
    """Apply a residual module: two separable convolutions and pooling, added to a strided 1x1 convolution."""
    shortcut = layers.Conv2D(filters, 1, strides=2, padding="same", use_bias=False)(x)
    shortcut = layers.BatchNormalization(momentum=momentum)(shortcut)
    x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=momentum)(x))
    x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(layers.BatchNormalization(momentum=momentum)(x))
    return layers.Add()([x, shortcut])
