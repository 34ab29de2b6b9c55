"""AlexNet (Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural networks") for small faces.

It keeps the five convolutions and the overlapping 3x3 pooling, in the proportions of the original for an image a fifth
as large: the stem has a 5x5 kernel with stride 2 instead of 11x11 with stride 4, and the dense layers have half as many
units. Batch normalization (Ioffe & Szegedy 2015) replaces the original's local response normalization. Channels are not
grouped: the original grouped them only to use two GPUs.
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
        filters: Number of filters of each of the five convolutions.
        dense: Number of units of each of the two hidden dense layers.
        dropout: Dropout rate before each hidden dense layer, 0 to below 1.
        norm_momentum: Momentum of the running statistics of batch normalization; see ferflow.models.cnn.Options.
    """

    filters: Annotated[tuple[PositiveInt, ...], Field(min_length=5, max_length=5)]
    dense: PositiveInt
    dropout: Fraction
    norm_momentum: Fraction


def build(options: Options, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract.

    Raises:
        ModelError: The side is below 16 pixels; the network halves it four times.
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
        # Small, as in section 5 of the paper, because dropout doubles the variance of each layer's input.
        first = keras.initializers.RandomNormal(stddev=0.01)
        x = layers.Dense(options.dense, activation="relu", kernel_initializer=first)(x)
    return classifier(image, x, classes, "alexnet")
