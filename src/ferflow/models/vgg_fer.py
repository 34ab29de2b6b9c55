"""VGG for 48x48 (Khaireddin & Chen 2021, "Facial emotion recognition: state of the art performance on FER2013").

Four blocks of two convolutions with batch normalisation and a pooling, then three dense layers: the network that the
paper brings to 73.3 % on PrivateTest with SGD and Nesterov momentum, a rate halved on plateaus, strong augmentation and
ten crops, over 300 epochs. Here `width` scales all filters.
"""

import keras
from keras import layers

from ferflow.base.section import Fraction, PositiveInt, Section
from ferflow.train.blocks import centred, check_side, classifier, conv_unit, grey_input


class Options(Section):
    """Options of vgg_fer.

    Attributes:
        width: filters of the first block; the next ones have 2, 4 and 8 times as many. The paper's is 64.
        dense: units of each of the two hidden dense layers. The paper's is 4096.
        dropout: before each dense layer but the first.
        norm_momentum: of the running statistics that normalise outside training; see cnn.
    """

    width: PositiveInt = 64
    dense: PositiveInt = 4096
    dropout: Fraction = 0.2
    norm_momentum: Fraction = 0.99


def build(options: Options, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract.

    Raises:
        ModelError: the side is below 16 pixels, which four halvings need.
    """
    check_side("vgg_fer", side, 16)
    image = grey_input(side)
    x = centred(image)
    for factor in (1, 2, 4, 8):
        for pool in (False, True):
            x = conv_unit(x, factor * options.width, pool=pool, momentum=options.norm_momentum)
    x = layers.Flatten()(x)
    for _ in range(2):
        # Small, as Krizhevsky et al. 2012 (section 5) begin: thousands of summands make large outputs of larger ones.
        first = keras.initializers.RandomNormal(stddev=0.01)
        x = layers.Dense(options.dense, activation="relu", kernel_initializer=first)(x)
        x = layers.Dropout(options.dropout)(x)
    return classifier(image, x, classes, "vgg_fer")
