"""Four wide convolutions with pooling and dropout after each, then two dense layers; 4.2 million parameters.

The network of many tutorials on FER-2013, without normalisation and without padding, so that 48 pixels shrink to one
position. Its parts: ReLU, dropout (Krizhevsky et al. 2012) and max pooling; no paper of its own. The first weights are
keras' usual ones (Glorot & Bengio 2010): with those of He et al. 2015, larger, it learnt much more slowly on FER-2013.
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
        filters: of each convolution; the pooling after it halves the side.
        dense: units of each hidden dense layer.
        dropout: after each pooling.
        dense_dropout: after each dense layer.
    """

    filters: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (128, 256, 512, 512)
    dense: tuple[PositiveInt, ...] = (512, 256)
    dropout: Fraction = 0.4
    dense_dropout: Fraction = 0.3


def build(options: Options, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract.

    Raises:
        ModelError: the side is too small for the number of convolutions.
    """
    least = 1
    for _ in options.filters:
        least = 2 * least + 2  # an unpadded 3x3 convolution takes two, the pooling half
    check_side("wide_cnn", side, least)
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
