"""How a network is trained: the settings that `settings/<result>.yaml` holds."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ferflow.base.section import (
    Fraction,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Probability,
    Section,
)


class Augment(Section):
    """`augment:`: random changes of the training images; zero or false turns each off.

    Attributes:
        flip: mirror left and right with probability one half.
        rotation: degrees, uniformly in +- this.
        shift: fraction of the side, uniformly in +- this, each axis.
        zoom: scale uniformly in [1 - zoom, 1 + zoom].
        shear: degrees, uniformly in +- this.
        brightness: added grey levels as a fraction of 255, uniformly in +- this.
        contrast: factor about the image's mean, uniformly in [1 - contrast, 1 + contrast].
        erasing: probability of greying out a random rectangle of 2 to 20 % of the area (Zhong et al. 2017).
    """

    flip: bool = False
    rotation: Annotated[float, Field(ge=0, le=180)] = 0.0
    shift: Fraction = 0.0
    zoom: Fraction = 0.0
    shear: Annotated[float, Field(ge=0, lt=90)] = 0.0
    brightness: Fraction = 0.0
    contrast: Fraction = 0.0
    erasing: Probability = 0.0

    @property
    def active(self) -> bool:
        """Whether anything is on."""
        return any(bool(value) for value in self.model_dump().values())


class Train(Section):
    """`train:`: how a network is trained.

    Attributes:
        epochs: at most; `patience` usually ends it sooner.
        patience: epochs without a better validation result before it stops.
        monitor: what "better" means: `val_accuracy`, `val_macro_f1` (more) or `val_loss` (less).
        max_minutes: stop after this many minutes of training and validation, if need be in the middle of an epoch
            (which is validated then); cosine and one_cycle end with them. A result that ends by the clock is not
            reproducible to the byte; null never does.
        batch_size: images a step.
        learning_rate: the highest that the schedule reaches.
        optimizer: `adam`, `adamw` or `sgd` (Nesterov momentum 0.9).
        weight_decay: decoupled, for adamw and sgd.
        schedule: `constant`, `cosine` (to zero, after the warm-up), `one_cycle` (Smith 2018) or `plateau`.
        plateau_factor: `plateau` multiplies the rate by this after `plateau_patience` epochs without gain.
        plateau_patience: see above.
        warmup_epochs: the rate rises linearly over these.
        loss: `cross_entropy` or `focal` (Lin et al. 2017).
        focal_gamma: of the focal loss.
        label_smoothing: share of the label spread over all classes (Szegedy et al. 2016).
        imbalance: `none`, `class_weights` (inverse frequency), `effective_number` (Cui et al. 2019, beta 0.999) or
            `oversample`.
        weight_average: decay of an exponential moving average of the weights, which is then what is validated and
            kept; 0 turns it off.
        clip_norm: largest global norm of the gradient; 0 turns it off.
        mixup: alpha of mixup (Zhang et al. 2018); 0 turns it off.
        cutmix: alpha of CutMix (Yun et al. 2019); 0 turns it off.
        precision: `float32`, `mixed_bfloat16` or `mixed_float16`.
        devices: GPUs of this machine that share each batch (data parallel, by keras.distribution); more than 1 needs
            the JAX backend and a batch_size that they divide.
        head_epochs: transfer models: epochs with the base frozen, before the upper part is unfrozen.
        fine_tune_rate: transfer models: factor on the rate after unfreezing.
        augment: see Augment.
    """

    epochs: PositiveInt = 50
    patience: PositiveInt = 10
    monitor: Literal["val_accuracy", "val_macro_f1", "val_loss"] = "val_accuracy"
    max_minutes: PositiveFloat | None = None
    batch_size: PositiveInt = 64
    learning_rate: PositiveFloat = 1e-3
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    weight_decay: NonNegativeFloat = 0.0
    schedule: Literal["constant", "cosine", "one_cycle", "plateau"] = "cosine"
    plateau_factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    plateau_patience: PositiveInt = 4
    warmup_epochs: NonNegativeInt = 0
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    focal_gamma: NonNegativeFloat = 2.0
    label_smoothing: Fraction = 0.0
    imbalance: Literal["none", "class_weights", "effective_number", "oversample"] = "none"
    weight_average: Fraction = 0.0
    clip_norm: NonNegativeFloat = 0.0
    mixup: NonNegativeFloat = 0.0
    cutmix: NonNegativeFloat = 0.0
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    devices: PositiveInt = 1
    head_epochs: NonNegativeInt = 3
    fine_tune_rate: PositiveFloat = 0.1
    augment: Augment = Augment()

    @model_validator(mode="after")
    def _batch_can_be_shared(self) -> "Train":
        if self.batch_size % self.devices:
            raise ValueError(
                "batch_size must be a multiple of devices. "
                f"Received: batch_size {self.batch_size}, devices {self.devices}."
            )
        return self


class ResolvedModel(Section):
    """One model's block with the defaults and the budget applied.

    Attributes:
        name: of the result: `cnn`, or `cnn_tuned` for tuned params.
        architecture: the module in ferflow.models that builds the network.
        network: arguments of the network.
        train: how it is trained.
    """

    name: str
    architecture: str
    network: dict[str, Any]
    train: Train
