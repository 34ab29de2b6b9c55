"""ConvNeXt-Tiny (Liu et al. 2022, "A ConvNet for the 2020s"), pretrained on ImageNet, with a head of our own."""

from typing import Any

import keras

from ferflow.models.shared.transfer import TransferOptions, freeze, transfer

__all__ = ["Options", "build", "freeze"]


class Options(TransferOptions):
    """Options of convnext_tiny; see TransferOptions."""

    unfreeze_from: str = "convnext_tiny_stage_2_block_0_depthwise_conv"


def build(options: Options, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract."""
    return transfer("convnext_tiny", _application, "raw", options, side, classes)


def _application(name: str, **arguments: Any) -> keras.Model:
    # keras fetches ImageNet weights only for the model's own name, so that another can be given only afterwards.
    base: keras.Model = keras.applications.ConvNeXtTiny(**arguments)
    base.name = name
    return base
