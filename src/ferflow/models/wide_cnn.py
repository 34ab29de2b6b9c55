"""Four wide convolutions with pooling and dropout after each, then two dense layers; 4.2 million parameters.

Many tutorials on FER-2013 use this network; it has no paper of its own. It has ReLU, dropout (Krizhevsky et al. 2012)
and max pooling, but neither normalization nor padding, so 48 pixels shrink to a single position. The initial weights
are Keras' default (Glorot & Bengio 2010): with the larger ones of He et al. 2015 it learned much more slowly on
FER-2013.
"""

from typing import Annotated

import keras
from keras import layers
from pydantic import Field

from ferflow.base.section import Fraction, PositiveInt, Section
from ferflow.train.blocks import centred, check_side, classifier, grey_input


class Options(Section):
    """Options of wide_cnn.

    Attributes:
        filters: Number of filters of each convolution; the pooling after it halves the side.
        dense: Number of units of each hidden dense layer.
        dropout: Dropout rate after each pooling, 0 to below 1.
        dense_dropout: Dropout rate after each hidden dense layer, 0 to below 1.
    """

    filters: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    dense: tuple[PositiveInt, ...]
    dropout: Fraction
    dense_dropout: Fraction


def build(options: Options, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract.

    Raises:
        ModelError: The side is too small for the number of convolutions.
    """
    smallest = 1
    for _ in options.filters:
        smallest = 2 * smallest + 2  # an unpadded 3x3 convolution removes two pixels, pooling halves
    check_side("wide_cnn", side, smallest)
    image = grey_input(side)
    x = centred(image)
    for filters in options.filters:
        x = layers.Conv2D(filters, 3, activation="relu")(x)
        x = layers.Dropout(options.dropout)(layers.MaxPooling2D()(x))
    x = layers.Flatten()(x)
    for units in options.dense:
        x = layers.Dense(units, activation="relu")(x)
        x = layers.Dropout(options.dense_dropout)(x)
    return classifier(image, x, classes, "wide_cnn")
