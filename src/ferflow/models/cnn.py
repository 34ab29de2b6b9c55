"""A plain convolutional network trained from scratch.

Blocks of Conv2D, BatchNormalization, MaxPooling and Dropout, then Flatten and Dense: the classic design of Simonyan &
Zisserman 2015 (section 2.1: stacked 3x3 convolutions, twice the filters after each pooling), small, with batch
normalisation (Ioffe & Szegedy 2015) and dropout (Srivastava et al. 2014).
"""

from typing import Annotated

import keras
from keras import layers
from pydantic import Field, model_validator

from ferflow.base.section import Fraction, PositiveInt, Section
from ferflow.train.blocks import centred, check_blocks, classifier, conv_unit, dense_unit, grey_input


class Options(Section):
    """Options of cnn.

    Attributes:
        filters: of each block; each block halves the side.
        convolutions: in each block.
        dense: units of the hidden dense layer.
        dropout: after each block.
        dense_dropout: after the dense layer.
        norm_momentum: of the running statistics that normalise outside training. They need some 1 / (1 - momentum)
            steps to follow the weights: lower it where epochs are short.
    """

    filters: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (32, 64, 128, 256)
    convolutions: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (1, 2, 2, 2)
    dense: PositiveInt = 256
    dropout: Fraction = 0.25
    dense_dropout: Fraction = 0.5
    norm_momentum: Fraction = 0.99

    @model_validator(mode="after")
    def _one_count_a_block(self) -> "Options":
        if len(self.filters) != len(self.convolutions):
            raise ValueError(
                "filters and convolutions need one number for each block. "
                f"Received: filters {list(self.filters)}, convolutions {list(self.convolutions)}."
            )
        return self


def build(options: Options, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract.

    Raises:
        ModelError: the side is too small for the number of blocks.
    """
    check_blocks("cnn", options.filters, side)
    image = grey_input(side)
    x = centred(image)
    for filters, convolutions in zip(options.filters, options.convolutions, strict=True):
        for position in range(convolutions):
            x = conv_unit(x, filters, pool=position == convolutions - 1, momentum=options.norm_momentum)
        x = layers.Dropout(options.dropout)(x)
    x = dense_unit(layers.Flatten()(x), options.dense, options.dense_dropout, options.norm_momentum)
    return classifier(image, x, classes, "cnn")
