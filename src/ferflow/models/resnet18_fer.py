"""ResNet-18 (He et al. 2016, "Deep residual learning for image recognition", table 1) with a stride-1 stem.

A face of 48 pixels is too small to be downsampled at once. As in the paper's networks for 32-pixel images (section
4.2), the stem is therefore a 3x3 convolution with stride 1, without pooling.
"""

from typing import TYPE_CHECKING

import keras
from keras import layers

from ferflow.base.section import Fraction, PositiveInt, Section
from ferflow.train.blocks import centred, check_side, classifier, grey_input

if TYPE_CHECKING:
    from keras import KerasTensor


class Options(Section):
    """Options of resnet18_fer.

    Attributes:
        width: Number of filters of the stem and the first stage; the next stages have 2, 4 and 8 times as many.
        pool_stem: Whether max pooling follows the stem, which divides the cost of all later layers by four.
        dropout: Dropout rate before the classifier, 0 to below 1.
        norm_momentum: Momentum of the running statistics of batch normalization; see ferflow.models.cnn.Options.
    """

    width: PositiveInt
    pool_stem: bool
    dropout: Fraction
    norm_momentum: Fraction


def build(options: Options, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract.

    Raises:
        ModelError: The side is below 16 pixels.
    """
    check_side("resnet18_fer", side, 16)
    image = grey_input(side)
    x = layers.ReLU()(_convolution(centred(image), options.width, options.norm_momentum))
    if options.pool_stem:
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    for stage in range(4):
        filters = options.width * 2**stage
        x = _block(x, filters, options.norm_momentum, stride=1 if stage == 0 else 2)
        x = _block(x, filters, options.norm_momentum)
    x = layers.Dropout(options.dropout)(layers.GlobalAveragePooling2D()(x))
    return classifier(image, x, classes, "resnet18_fer")


def _block(x: "KerasTensor", filters: int, momentum: float, stride: int = 1) -> "KerasTensor":
    """Apply a basic block: two convolutions and a shortcut, which is a 1x1 convolution if the shape changes."""
    shortcut = x if stride == 1 else _convolution(x, filters, momentum, size=1, stride=stride)
    x = layers.ReLU()(_convolution(x, filters, momentum, stride=stride))
    return layers.ReLU()(layers.Add()([_convolution(x, filters, momentum), shortcut]))


def _convolution(x: "KerasTensor", filters: int, momentum: float, size: int = 3, stride: int = 1) -> "KerasTensor":
    """Apply a convolution and batch normalization."""
    convolution = layers.Conv2D(
        filters, size, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal"
    )
    return layers.BatchNormalization(momentum=momentum)(convolution(x))
