"""The plain network: convolutions with ReLU, max pooling, dense layers, dropout and softmax, without normalization.

The layout is that of LeNet (LeCun et al. 1998, "Gradient-based learning applied to document recognition", section II),
with the ReLU and dropout of Krizhevsky et al. 2012 and pairs of 3x3 convolutions (Simonyan & Zisserman 2015, section
2.1).
Tang won the FER-2013 challenge with a similar network ("Deep learning using linear support vector machines", 2013).
"""

from typing import Annotated

import keras
from keras import layers
from pydantic import Field

from ferflow.base.section import Fraction, PositiveInt, Section
from ferflow.train.blocks import centred, check_blocks, classifier, grey_input


class Options(Section):
    """Options of emotionnet.

    Attributes:
        filters: Number of filters of each block; each block halves the side.
        convolutions: Number of convolutions in each block.
        dense: Number of units of each hidden dense layer.
        dropout: Dropout rate after each hidden dense layer, 0 to below 1.
    """

    filters: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    convolutions: PositiveInt
    dense: tuple[PositiveInt, ...]
    dropout: Fraction


def build(options: Options, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract.

    Raises:
        ModelError: The side is too small for the number of blocks.
    """
    check_blocks("emotionnet", options.filters, side)
    image = grey_input(side)
    x = centred(image)
    for filters in options.filters:
        for _ in range(options.convolutions):
            x = layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_normal")(x)
            x = layers.ReLU()(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    for units in options.dense:
        x = layers.Dense(units, activation="relu", kernel_initializer="he_normal")(x)
        x = layers.Dropout(options.dropout)(x)
    return classifier(image, x, classes, "emotionnet")
