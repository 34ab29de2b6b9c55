"""ResNet-18 (He et al. 2016, "Deep residual learning for image recognition", table 1) with a stride-1 stem.

A face of 48 pixels leaves nothing to throw away at once: as in the paper's own networks for 32-pixel images (section
4.2) the stem is one 3x3 convolution with stride 1 and no pooling follows it.
"""

from typing import TYPE_CHECKING

import keras
from keras import layers

from ferflow.config.base import Fraction, PositiveInt, Section
from ferflow.models.shared.blocks import centred, check_side, classifier, grey_input

if TYPE_CHECKING:
    from keras import KerasTensor


class Options(Section):
    """Options of resnet18_fer.

    Attributes:
        width: filters of the stem and the first stage; the next stages have 2, 4 and 8 times as many.
        pool_stem: max pooling after the stem, which makes everything behind it four times cheaper.
        dropout: before the classifier.
    """

    width: PositiveInt = 64
    pool_stem: bool = False
    dropout: Fraction = 0.5


def build(options: Options, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract.

    Raises:
        ModelError: the side is below 16 pixels.
    """
    check_side("resnet18_fer", side, 16)
    image = grey_input(side)
    x = _convolution(centred(image), options.width)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    if options.pool_stem:
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    for stage in range(4):
        filters = options.width * 2**stage
        x = _block(x, filters, stride=1 if stage == 0 else 2)
        x = _block(x, filters, stride=1)
    x = layers.Dropout(options.dropout)(layers.GlobalAveragePooling2D()(x))
    return classifier(image, x, classes, "resnet18_fer")


def _block(x: "KerasTensor", filters: int, stride: int) -> "KerasTensor":
    """Apply a basic block: two convolutions beside a shortcut, which is projected where the shape changes."""
    shortcut = x
    if stride != 1:
        shortcut = layers.BatchNormalization()(_convolution(x, filters, size=1, stride=stride))
    x = layers.ReLU()(layers.BatchNormalization()(_convolution(x, filters, stride=stride)))
    x = layers.BatchNormalization()(_convolution(x, filters))
    return layers.ReLU()(layers.Add()([x, shortcut]))


def _convolution(x: "KerasTensor", filters: int, size: int = 3, stride: int = 1) -> "KerasTensor":
    convolution = layers.Conv2D(
        filters, size, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal"
    )
    return convolution(x)
