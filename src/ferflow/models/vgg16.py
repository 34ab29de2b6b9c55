"""VGG16 (Simonyan & Zisserman 2015, table 1, column D), pretrained on ImageNet, with a new head."""

import keras

from ferflow.train.transfer import TransferOptions, freeze, transfer

__all__ = ["Options", "build", "freeze"]

Options = TransferOptions


def build(options: TransferOptions, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract.

    Raises:
        ModelError: See ferflow.train.transfer.transfer.
    """
    return transfer("vgg16", keras.applications.VGG16, "caffe", options, side, classes)
