"""ResNet50 (He et al. 2016, table 1), pretrained on ImageNet, with a new head."""

import keras

from ferflow.train.transfer import TransferOptions, freeze, transfer

__all__ = ["Options", "build", "freeze"]

Options = TransferOptions


def build(options: TransferOptions, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract.

    Raises:
        ModelError: See ferflow.train.transfer.transfer.
    """
    return transfer("resnet50", keras.applications.ResNet50, "caffe", options, side, classes)
