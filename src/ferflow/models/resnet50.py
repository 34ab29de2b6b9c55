"""ResNet50 (He et al. 2016, table 1), pretrained on ImageNet, with a head of our own."""

import keras

from ferflow.train.transfer import TransferOptions, freeze, transfer

__all__ = ["Options", "build", "freeze"]


class Options(TransferOptions):
    """Options of resnet50; see TransferOptions."""

    unfreeze_from: str = "conv4_block1_1_conv"


def build(options: Options, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract."""
    return transfer("resnet50", keras.applications.ResNet50, "caffe", options, side, classes)
