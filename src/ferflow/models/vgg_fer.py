"""VGG for 48x48 (Khaireddin & Chen 2021, "Facial emotion recognition: state of the art performance on FER2013").

Four blocks of two convolutions with batch normalization and pooling are followed by three dense layers. The paper
reports 73.3 % on PrivateTest, with SGD and Nesterov momentum, a learning rate that falls on plateaus, strong
augmentation and ten-crop evaluation, after 300 epochs. Here `width` scales all numbers of filters.
"""

import keras
from keras import layers

from ferflow.base.section import Fraction, PositiveInt, Section
from ferflow.train.blocks import centred, check_side, classifier, conv_unit, grey_input


class Options(Section):
    """Options of vgg_fer.

    Attributes:
        width: Number of filters of the first block, 64 in the paper; the next ones have 2, 4 and 8 times as many.
        dense: Number of units of each of the two hidden dense layers, 4096 in the paper.
        dropout: Dropout rate after each hidden dense layer, 0 to below 1.
        norm_momentum: Momentum of the running statistics of batch normalization; see ferflow.models.cnn.Options.
    """

    width: PositiveInt
    dense: PositiveInt
    dropout: Fraction
    norm_momentum: Fraction


def build(options: Options, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract.

    Raises:
        ModelError: The side is below 16 pixels; the network halves it four times.
    """
    check_side("vgg_fer", side, 16)
    image = grey_input(side)
    x = centred(image)
    for factor in (1, 2, 4, 8):
        for pool in (False, True):
            x = conv_unit(x, factor * options.width, pool=pool, momentum=options.norm_momentum)
    x = layers.Flatten()(x)
    for _ in range(2):
        # Small, as in Krizhevsky et al. 2012 (section 5): with thousands of inputs, larger weights give large outputs.
        first = keras.initializers.RandomNormal(stddev=0.01)
        x = layers.Dense(options.dense, activation="relu", kernel_initializer=first)(x)
        x = layers.Dropout(options.dropout)(x)
    return classifier(image, x, classes, "vgg_fer")
