"""EfficientNetV2-B0 (Tan & Le 2021, "EfficientNetV2: smaller models and faster training"), pretrained on ImageNet."""

from typing import Any

import keras

from ferflow.train.transfer import TransferOptions, freeze, transfer

__all__ = ["Options", "build", "freeze"]

Options = TransferOptions


def build(options: TransferOptions, side: int, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract.

    Raises:
        ModelError: See ferflow.train.transfer.transfer.
    """
    return transfer("efficientnetv2_b0", _application, "raw", options, side, classes)


def _application(name: str, **arguments: Any) -> keras.Model:
    # Keras looks up the block table by the model's name, so the model can only be renamed afterwards.
    base: keras.Model = keras.applications.EfficientNetV2B0(**arguments)
    base.name = name
    return base
