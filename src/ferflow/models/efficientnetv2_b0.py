"""EfficientNetV2-B0 (Tan & Le 2021, "EfficientNetV2: smaller models and faster training"), pretrained on ImageNet."""

from typing import Any

import keras

from ferflow.base.section import Fraction
from ferflow.train.transfer import TransferOptions, freeze, transfer

__all__ = ["Options", "build", "freeze"]


class Options(TransferOptions):
    """Options of efficientnetv2_b0; see TransferOptions."""

    norm_momentum: Fraction = 0.9  # as keras.applications has it
    unfreeze_from: str = "block5a_expand_conv"


def build(options: Options, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract."""
    return transfer("efficientnetv2_b0", _application, "raw", options, side, classes)


def _application(name: str, **arguments: Any) -> keras.Model:
    # keras looks its table of blocks up by the model's name, so that another can be given only afterwards.
    base: keras.Model = keras.applications.EfficientNetV2B0(**arguments)
    base.name = name
    return base
