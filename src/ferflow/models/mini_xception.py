"""mini-Xception (Arriaga et al. 2017, "Real-time convolutional neural networks for emotion and gender classification").

Depth-wise separable convolutions in four residual modules and no dense layer: 58,423 parameters at seven classes, the
network that the popular face libraries ship. The paper's L2 penalty on the kernels is left to `train.weight_decay`.
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
        stem: filters of each of the two first convolutions.
        filters: of each residual module; each module halves the side.
        norm_momentum: of the running statistics that normalise outside training; see cnn.
    """

    stem: PositiveInt = 8
    filters: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (16, 32, 64, 128)
    norm_momentum: Fraction = 0.99


def build(options: Options, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract.

    Raises:
        ModelError: the side is too small for the number of modules.
    """
    check_side("mini_xception", side, 4 + 2 ** len(options.filters))  # the stem is not padded
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
    shortcut = layers.Conv2D(filters, 1, strides=2, padding="same", use_bias=False)(x)
    shortcut = layers.BatchNormalization(momentum=momentum)(shortcut)
    x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=momentum)(x))
    x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(layers.BatchNormalization(momentum=momentum)(x))
    return layers.Add()([x, shortcut])
