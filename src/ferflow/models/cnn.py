"""A plain convolutional network trained from scratch.

Blocks of convolutions, pooling, batch normalization and dropout are followed by two dense layers. This is the design of
Simonyan & Zisserman 2015 (section 2.1: stacked 3x3 convolutions, twice as many filters after each pooling) at a small
size, with batch normalization (Ioffe & Szegedy 2015) and dropout (Srivastava et al. 2014).
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
        filters: Number of filters of each block; each block halves the side.
        convolutions: Number of convolutions in each block, as many entries as `filters`.
        dense: Number of units of the hidden dense layer.
        dropout: Dropout rate after each block, 0 to below 1.
        dense_dropout: Dropout rate after the hidden dense layer, 0 to below 1.
        norm_momentum: Momentum of the running statistics that batch normalization uses outside training, 0 to below 1.
            They follow the weights with a delay of about 1 / (1 - norm_momentum) steps, so lower it if epochs have
            few steps.
    """

    filters: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    convolutions: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    dense: PositiveInt
    dropout: Fraction
    dense_dropout: Fraction
    norm_momentum: Fraction

    @model_validator(mode="after")
    def _one_entry_per_block(self) -> "Options":
        if len(self.filters) != len(self.convolutions):
            raise ValueError(
                "filters and convolutions must have one entry per block. "
                f"Received: filters {list(self.filters)}, convolutions {list(self.convolutions)}."
            )
        return self


def build(options: Options, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract.

    Raises:
        ModelError: The side is too small for the number of blocks.
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
