"""FERflow Net: dense 3x3 convolutions throughout, residual where the maps are small.

Convolutions are few and wide, since a CPU does dense 3x3 convolutions several times faster than depthwise ones
(docs/training.md). Max pooling comes before normalization, and normalization that pooling precedes has no scale, so
that all of it can be folded into the convolutions for export. The residual blocks are those of He et al. 2016 ("Deep
residual learning for image recognition", section 3.3); convolutions elsewhere begin as partial identity.
"""

from typing import TYPE_CHECKING, Annotated

import keras
import numpy as np
import numpy.typing as npt
from keras import layers
from pydantic import Field, model_validator

from ferflow.base.section import Fraction, PositiveInt, Section
from ferflow.train.blocks import centred, check_side, grey_input, set_partial_identity

if TYPE_CHECKING:
    from keras import KerasTensor

ANY_SIDE = True


class Options(Section):
    """Options of ferflow_net.

    Attributes:
        stem: Number of filters of the first convolution, at full resolution.
        filters: Number of filters of each stage; all stages but the last end with a pooling that halves the side.
        residual: For each stage, whether a residual block of two convolutions follows its first one; a stage without
            has one more convolution, the first stage none.
        dropout: Dropout rate before the dense layer, 0 to below 1.
        norm_momentum: Momentum of the running statistics of batch normalization; see ferflow.models.cnn.Options.
    """

    stem: PositiveInt
    filters: Annotated[tuple[PositiveInt, ...], Field(min_length=2)]
    residual: tuple[bool, ...]
    dropout: Fraction
    norm_momentum: Fraction

    @model_validator(mode="after")
    def _one_entry_per_stage(self) -> "Options":
        if len(self.filters) != len(self.residual):
            raise ValueError(
                "filters and residual must have one entry per stage. "
                f"Received: filters {list(self.filters)}, residual {list(self.residual)}."
            )
        return self


def build(options: Options, side: int | None, classes: int) -> keras.Model:
    """Build the network; see ferflow.models for the contract.

    Raises:
        ModelError: The side is too small for the number of stages.
    """
    check_side("ferflow_net", side, 2 ** len(options.filters))
    image = grey_input(side)
    x = _unit(centred(image), options.stem, "stem", options)
    last = len(options.filters)
    for stage, (filters, residual) in enumerate(zip(options.filters, options.residual, strict=True), start=1):
        name, pool = f"stage{stage}", stage < last
        if residual:
            x = _unit(x, filters, f"{name}_conv1", options)
            x = _residual(x, filters, name, options, pool=pool)
        elif stage == 1:
            x = _unit(x, filters, f"{name}_conv1", options, pool=pool)
        else:
            x = _unit(x, filters, f"{name}_conv1", options)
            x = _unit(x, filters, f"{name}_conv2", options, pool=pool)
    x = layers.Dropout(options.dropout)(layers.GlobalAveragePooling2D()(x))
    x = layers.Dense(classes, activation="softmax", dtype="float32", name="emotion")(x)
    return keras.Model(image, x, name="ferflow_net")


def initialise(model: keras.Model, options: Options, images: npt.NDArray[np.uint8]) -> None:
    """Set the convolutions outside residual blocks to partial identity."""
    for layer in model.layers:
        if "_conv" in layer.name:
            set_partial_identity(layer)


def _unit(x: "KerasTensor", filters: int, name: str, options: Options, *, pool: bool = False) -> "KerasTensor":
    """Apply a convolution, pooling if asked for, batch normalization without scale, and ReLU."""
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=name)(x)
    if pool:
        x = layers.MaxPooling2D()(x)
    return layers.ReLU()(layers.BatchNormalization(scale=False, momentum=options.norm_momentum)(x))


def _residual(x: "KerasTensor", filters: int, name: str, options: Options, *, pool: bool) -> "KerasTensor":
    """Add two convolutions to the input, then apply ReLU and, if asked for, pooling."""
    y = _unit(x, filters, f"{name}_residual1", options)
    y = layers.Conv2D(
        filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=f"{name}_residual2"
    )(y)
    y = layers.BatchNormalization(momentum=options.norm_momentum)(y)
    x = layers.ReLU()(layers.Add()([x, y]))
    return layers.MaxPooling2D()(x) if pool else x
