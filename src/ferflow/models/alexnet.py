"""AlexNet (Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural networks") for small faces.

Its five convolutions and overlapping 3x3 pooling, in the proportions of the original for an image a fifth as large: a
5x5 kernel with stride 2 for the stem in place of 11x11 with stride 4, and half its dense units. Batch normalisation
(Ioffe & Szegedy 2015) stands where the original normalises over neighbouring channels; the channels are not grouped,
which served its two GPUs alone.
"""

from typing import Annotated

import keras
from keras import layers
from pydantic import Field

from ferflow.base.section import Fraction, PositiveInt, Section
from ferflow.train.blocks import centred, check_side, classifier, grey_input


class Options(Section):
    """Options of alexnet.

    Attributes:
        filters: of the five convolutions.
        dense: units of each of the two hidden dense layers.
        dropout: before each of them.
        norm_momentum: of the running statistics that normalise outside training; see cnn.
    """

    filters: Annotated[tuple[PositiveInt, ...], Field(min_length=5, max_length=5)] = (96, 256, 384, 384, 256)
    dense: PositiveInt = 2048
    dropout: Fraction = 0.5
    norm_momentum: Fraction = 0.99


def build(options: Options, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract.

    Raises:
        ModelError: the side is below 16 pixels, which four halvings need.
    """
    check_side("alexnet", side, 16)
    image = grey_input(side)
    x = centred(image)
    for position, (filters, size) in enumerate(zip(options.filters, (5, 5, 3, 3, 3), strict=True)):
        x = layers.Conv2D(
            filters,
            size,
            strides=2 if position == 0 else 1,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
        )(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=options.norm_momentum)(x))
        if position in (0, 1, 4):
            x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = layers.Flatten()(x)
    for _ in range(2):
        x = layers.Dropout(options.dropout)(x)
        # Small, as in section 5 of the paper: dropout doubles the variance before each of these layers.
        first = keras.initializers.RandomNormal(stddev=0.01)
        x = layers.Dense(options.dense, activation="relu", kernel_initializer=first)(x)
    return classifier(image, x, classes, "alexnet")
