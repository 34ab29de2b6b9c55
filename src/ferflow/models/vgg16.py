"""VGG16 (Simonyan & Zisserman 2015, table 1, column D), pretrained on ImageNet, with a head of our own."""

import keras

from ferflow.train.transfer import TransferOptions, freeze, transfer

__all__ = ["Options", "build", "freeze"]


class Options(TransferOptions):
    """Options of vgg16; see TransferOptions."""

    unfreeze_from: str = "block4_conv1"


def build(options: Options, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract."""
    return transfer("vgg16", keras.applications.VGG16, "caffe", options, side, classes)
