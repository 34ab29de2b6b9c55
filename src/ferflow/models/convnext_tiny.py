"""ConvNeXt-Tiny (Liu et al. 2022, "A ConvNet for the 2020s"), pretrained on ImageNet, with a head of our own."""

import keras

from ferflow.models.shared.transfer import TransferOptions, freeze, transfer

__all__ = ["Options", "build", "freeze"]


class Options(TransferOptions):
    """Options of convnext_tiny; see TransferOptions."""

    unfreeze_from: str = "base_stage_2_block_0_depthwise_conv"


def build(options: Options, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract."""
    return transfer("convnext_tiny", keras.applications.ConvNeXtTiny, "raw", options, side, classes)
