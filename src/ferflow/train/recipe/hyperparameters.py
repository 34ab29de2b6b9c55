"""The values of `train:`: how a network is trained. Each is a key of params.yaml."""

from typing import Annotated, Literal

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
    """`augment:`: random transformations of the training images; zero or `none` turns each off.

    Attributes:
        flip: `random` mirrors left and right with probability 0.5; `alternate` mirrors each image in every other epoch,
            half of the images in the odd ones (Jordan 2024, "94 % on CIFAR-10 in 3.29 seconds", section 3.6), so that
            two successive epochs hold both views of every image.
        rotation: Degrees, uniform in [-rotation, rotation].
        shift: Fraction of the side, uniform in [-shift, shift] along each axis.
        zoom: Scale, uniform in [1 - zoom, 1 + zoom].
        shear: Degrees, uniform in [-shear, shear].
        brightness: Grey levels to add as a fraction of 255, uniform in [-brightness, brightness].
        contrast: Factor about the image's mean, uniform in [1 - contrast, 1 + contrast].
        erasing: Probability of erasing a random rectangle of 2 to 20 % of the area (Zhong et al. 2017).
    """

    flip: Literal["none", "random", "alternate"]
    rotation: Annotated[float, Field(ge=0, le=180)]
    shift: Fraction
    zoom: Fraction
    shear: Annotated[float, Field(ge=0, lt=90)]
    brightness: Fraction
    contrast: Fraction
    erasing: Probability

    @property
    def active(self) -> bool:
        """Whether anything is on."""
        return any(value not in (0, "none") for value in self.model_dump().values())


class ByKind(Section):
    """A factor for each kind of trainable variable, by the variable's name in Keras.

    Attributes:
        kernel: Weights of convolutions and dense layers.
        bias: Biases of convolutions and dense layers.
        gamma: Scales of normalization.
        beta: Offsets of normalization.
    """

    kernel: NonNegativeFloat
    bias: NonNegativeFloat
    gamma: NonNegativeFloat
    beta: NonNegativeFloat


class SmallerSide(Section):
    """One entry of `train.sides`: a part of the training that sees smaller images.

    Attributes:
        share: Share of the training's epochs that it lasts, above 0, up to 1.
        side: Height and width of the images in pixels.
        by: `resize` shrinks the image (area average); `crop` cuts a square of that side at a random position.
    """

    share: Annotated[float, Field(gt=0, le=1)]
    side: PositiveInt
    by: Literal["resize", "crop"]


class Train(Section):
    """`train:`: how a network is trained.

    Attributes:
        epochs: Maximum number of epochs; `patience` usually ends a training earlier.
        patience: Epochs without a better validation result before the training stops.
        monitor: What "better" means: `val_accuracy` or `val_macro_f1` (higher), or `val_loss` (lower).
        keep: Which epoch's weights the result has: the `best` by `monitor`, or the `last`.
        max_minutes: Stop after this many minutes of training and validation, mid-epoch if necessary (that epoch is
            then validated); cosine and one_cycle end at that time. A result that ends by the clock is not
            reproducible to the byte; null never stops by the clock.
        batch_size: Images per step.
        learning_rate: The schedule's maximum.
        optimizer: `adam`, `adamw` or `sgd` (with Nesterov momentum).
        momentum: Momentum of sgd; 0 turns it off.
        weight_decay: Decoupled weight decay, for adamw and sgd: each step subtracts rate x weight_decay x variable.
        decays: Factor on weight_decay for each kind of variable.
        rates: Factor on the learning rate for each kind of variable.
        schedule: `constant`, `cosine` or `linear` (to zero, after the warm-up), `one_cycle` (Smith 2018) or `plateau`.
        plateau_factor: Factor on the rate after `plateau_patience` epochs without improvement.
        plateau_patience: Epochs without improvement before `plateau` lowers the rate.
        warmup_epochs: Epochs over which the rate rises linearly; may be a fraction.
        loss: `cross_entropy` or `focal` (Lin et al. 2017).
        focal_gamma: Focusing parameter of the focal loss.
        label_smoothing: Share of the label spread over all classes (Szegedy et al. 2016).
        imbalance: `none`, `class_weights` (inverse frequency), `effective_number` (Cui et al. 2019, beta 0.999),
            `oversample`, or `smote` (Chawla et al. 2002): images between neighbours of their class, as many as its
            class lacks to the largest one.
        soft_targets: Share of each target that is the teacher's prediction, for a result with a teacher (Hinton et al.
            2015, "Distilling the knowledge in a neural network"); the rest is the label. 0 to 1.
        weight_average: Decay of an exponential moving average of the weights, which is then validated and kept; 0
            turns it off.
        norm_batches: Training batches over which the running statistics of batch normalization are estimated again for
            the averaged weights, before each validation (Izmailov et al. 2018, section 3.2); 0 keeps the statistics of
            the trained weights.
        sides: Smaller images for the first part of a training, in this order; the epochs after them see whole images.
            Needs an architecture that takes any side. Progressive resizing saves time, and crops are an augmentation
            (Touvron et al. 2019 on training below the test's resolution).
        clip_norm: Maximum global norm of the gradient; 0 turns clipping off.
        mixup: Alpha of mixup (Zhang et al. 2018); 0 turns it off.
        cutmix: Alpha of CutMix (Yun et al. 2019); 0 turns it off.
        precision: `float32`, `mixed_bfloat16` or `mixed_float16`.
        devices: GPUs of this machine that share each batch (data parallel, by keras.distribution); more than 1 needs
            the JAX backend and a batch_size that is a multiple.
        head_epochs: For transfer models: epochs with the base frozen, before its upper part is unfrozen.
        fine_tune_rate: For transfer models: factor on the learning rate after unfreezing.
        augment: Augmentation of the training images.
    """

    epochs: PositiveInt
    patience: PositiveInt
    monitor: Literal["val_accuracy", "val_macro_f1", "val_loss"]
    keep: Literal["best", "last"]
    max_minutes: PositiveFloat | None
    batch_size: PositiveInt
    learning_rate: PositiveFloat
    optimizer: Literal["adam", "adamw", "sgd"]
    momentum: Fraction
    weight_decay: NonNegativeFloat
    decays: ByKind
    rates: ByKind
    schedule: Literal["constant", "cosine", "linear", "one_cycle", "plateau"]
    plateau_factor: Annotated[float, Field(gt=0, lt=1)]
    plateau_patience: PositiveInt
    warmup_epochs: NonNegativeFloat
    loss: Literal["cross_entropy", "focal"]
    focal_gamma: NonNegativeFloat
    label_smoothing: Fraction
    imbalance: Literal["none", "class_weights", "effective_number", "oversample", "smote"]
    soft_targets: Probability
    weight_average: Fraction
    norm_batches: NonNegativeInt
    sides: tuple[SmallerSide, ...]
    clip_norm: NonNegativeFloat
    mixup: NonNegativeFloat
    cutmix: NonNegativeFloat
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"]
    devices: PositiveInt
    head_epochs: NonNegativeInt
    fine_tune_rate: PositiveFloat
    augment: Augment

    @model_validator(mode="after")
    def _batch_can_be_shared(self) -> "Train":
        if self.batch_size % self.devices:
            raise ValueError(
                "batch_size must be a multiple of devices. "
                f"Received: batch_size {self.batch_size}, devices {self.devices}."
            )
        return self

    @model_validator(mode="after")
    def _sides_fit(self) -> "Train":
        if (total := sum(entry.share for entry in self.sides)) > 1 + 1e-9:
            raise ValueError(f"the shares of sides must add up to 1 or less. Received: {total:g}.")
        return self

    @model_validator(mode="after")
    def _averages_to_estimate_for(self) -> "Train":
        if self.norm_batches and not self.weight_average:
            raise ValueError(
                "norm_batches estimates statistics for averaged weights, so weight_average must be above 0. "
                f"Received: norm_batches {self.norm_batches}, weight_average 0."
            )
        return self

    def side_of(self, done: float) -> SmallerSide | None:
        """Return which smaller side holds at a point of the training; None: whole images.

        Args:
            done: Share of the training that is done, 0 to 1.
        """
        end = 0.0
        for entry in self.sides:
            end += entry.share
            if done < end - 1e-9:
                return entry
        return None
