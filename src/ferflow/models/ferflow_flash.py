"""FERflow Flash: a plain network that trains in minutes and runs fast on any device.

A frozen whitening stem that halves the side at once, then blocks of 3x3 convolutions with max pooling, batch
normalization without scale, and ReLU, a global maximum, and one dense layer: the design of airbench94 (Jordan 2024,
"94 % on CIFAR-10 in 3.29 seconds on a single GPU", section 3), with numbers of filters for faces. Everything can be
folded: as an exported graph it is convolutions with bias, ReLU, and max pooling.
"""

from typing import Annotated, Literal

import keras
import numpy as np
import numpy.typing as npt
from keras import layers
from pydantic import Field

from ferflow.base.section import Fraction, PositiveFloat, PositiveInt, Section
from ferflow.train.blocks import centred, check_side, grey_input, set_partial_identity, set_whitening

ANY_SIDE = True
_PATCH = 4  # side of the whitened patches


class Options(Section):
    """Options of ferflow_flash.

    Attributes:
        stem: Number of filters of the stem, even, 2 to 32: directions of 4x4 patches, each with both signs.
        filters: Number of filters of each block; each block halves the side.
        convolutions: Number of convolutions in each block; the first one is followed by the pooling.
        pool: How features become one vector: `max` or `mean` over all positions.
        head_scale: Factor on the logits, which lets a high learning rate train the dense layer (Jordan 2024, appendix).
        dropout: Dropout rate before the dense layer, 0 to below 1.
        norm_momentum: Momentum of the running statistics of batch normalization; see ferflow.models.cnn.Options.
    """

    stem: Annotated[int, Field(ge=2, le=2 * _PATCH**2, multiple_of=2)]
    filters: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    convolutions: PositiveInt
    pool: Literal["max", "mean"]
    head_scale: PositiveFloat
    dropout: Fraction
    norm_momentum: Fraction


def build(options: Options, side: int | None, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract.

    Raises:
        ModelError: The side is too small for the number of blocks.
    """
    check_side("ferflow_flash", side, 2 * 2 ** len(options.filters))
    image = grey_input(side)
    stem = layers.Conv2D(
        options.stem, _PATCH, strides=2, padding="same", use_bias=False, trainable=False, name="whitening"
    )
    x = stem(centred(image))
    x = layers.ReLU()(layers.BatchNormalization(scale=False, momentum=options.norm_momentum)(x))
    for block, filters in enumerate(options.filters, start=1):
        for number in range(1, options.convolutions + 1):
            name = f"block{block}_conv{number}"
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=name)(x)
            if number == 1:
                x = layers.MaxPooling2D()(x)
            x = layers.ReLU()(layers.BatchNormalization(scale=False, momentum=options.norm_momentum)(x))
    x = (layers.GlobalMaxPooling2D if options.pool == "max" else layers.GlobalAveragePooling2D)()(x)
    x = layers.Dense(classes, use_bias=False, name="logits")(layers.Dropout(options.dropout)(x))
    x = layers.Rescaling(options.head_scale, dtype="float32")(x)
    return keras.Model(image, layers.Softmax(dtype="float32", name="emotion")(x), name="ferflow_flash")


def initialise(model: keras.Model, options: Options, images: npt.NDArray[np.uint8]) -> None:
    """Set the stem to whiten the training images, and the other convolutions to partial identity."""
    set_whitening(model.get_layer("whitening"), images)
    for block in range(1, len(options.filters) + 1):
        for number in range(1, options.convolutions + 1):
            set_partial_identity(model.get_layer(f"block{block}_conv{number}"))
