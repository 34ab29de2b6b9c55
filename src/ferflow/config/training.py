"""`train:`, `models:`, `tune:` and `budgets:` in params.yaml."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, FiniteFloat, Tag, model_validator

from ferflow.config.base import (
    Fraction,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Probability,
    Section,
)

Scalar = bool | int | float | str | None


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


class BudgetOverrides(Section):
    """What one budget changes in one model's block."""

    network: dict[str, Any] = {}
    train: dict[str, Any] = {}


class Model(Section):
    """A block of `models:`. Its name is the module in ferflow.models that builds the network.

    Attributes:
        description: a sentence for people.
        network: arguments of the network; the model's module knows and checks them.
        train: what differs from `train:`.
        budgets: what differs under a budget, by its name.
    """

    description: str = ""
    network: dict[str, Any] = {}
    train: dict[str, Any] = {}
    budgets: dict[str, BudgetOverrides] = {}


class FloatRange(Section):
    """A number to search for between two ends, both included.

    Attributes:
        low: the least.
        high: the greatest.
        log: whether to search its logarithm evenly, as suits rates that span powers of ten.
    """

    low: FiniteFloat
    high: FiniteFloat
    log: bool = False


class IntRange(Section):
    """A whole number to search for between two ends, both included.

    Attributes:
        low: the least.
        high: the greatest; low and a whole number of steps.
        step: between two values.
    """

    low: int
    high: int
    step: PositiveInt = 1


class Choice(Section):
    """One of several values to search for; `choices` names each once."""

    choices: Annotated[tuple[Scalar, ...], Field(min_length=1)]


def _kind_of_space(value: Any) -> str:
    """Tell which of the three a mapping means, so that errors speak of that one alone."""
    if not isinstance(value, dict):
        return "int" if isinstance(value, IntRange) else "choice" if isinstance(value, Choice) else "float"
    if "choices" in value:
        return "choice"
    whole = all(type(value.get(end)) is int for end in ("low", "high"))
    return "int" if whole and "log" not in value else "float"


AnyRange = Annotated[
    Annotated[IntRange, Tag("int")] | Annotated[FloatRange, Tag("float")] | Annotated[Choice, Tag("choice")],
    Discriminator(_kind_of_space),
]
SearchSpace = dict[str, AnyRange]


def _fault(space: IntRange | FloatRange | Choice) -> str:
    """Return what is wrong with a range as a whole; empty when nothing is."""
    if isinstance(space, Choice):
        repeated = len(set(space.choices)) != len(space.choices)
        return f"each value once. Received: {list(space.choices)}." if repeated else ""
    ends = f"Received: low {space.low:g}, high {space.high:g}"
    if space.low >= space.high:
        return f"low must be below high. {ends}."
    if isinstance(space, FloatRange):
        return f"with log, low must be above 0. {ends}." if space.log and space.low <= 0 else ""
    uneven = (space.high - space.low) % space.step
    return f"high must be low and a whole number of steps. {ends}, step {space.step}." if uneven else ""


class Tune(Section):
    """`tune:`: the search for better params.

    Attributes:
        models: names of enabled models to tune; each gives a further model `<name>_tuned`. Empty: no tuning.
        space: what to search, by the dotted key in the model's block, such as `train.learning_rate` or
            `network.dropout`.
        startup_trials: random trials before the sampler (TPE, Bergstra et al. 2011) learns from them, and
            whole trials before the median rule (Golovin et al. 2017) ends others.
        prune_after: epochs of a trial before the median rule may end it.
        train: what differs from the model's own training in a trial.
    """

    models: tuple[str, ...] = ()
    space: SearchSpace = {}
    startup_trials: PositiveInt = 5
    prune_after: PositiveInt = 2
    train: dict[str, Any] = {}

    @model_validator(mode="after")
    def _ranges_make_sense(self) -> "Tune":
        if self.models and not self.space:
            raise ValueError("tune.space: empty, so there is nothing to search. Name a key, or empty tune.models.")
        for key, space in self.space.items():
            if fault := _fault(space):
                raise ValueError(f"tune.space.{key}: {fault}")
        return self


class TuneBudget(Section):
    """How much a study may spend.

    Attributes:
        trials: networks trained.
        epochs: of each trial at most; the median rule ends hopeless ones sooner.
        images: training images a trial sees, stratified; null: all.
    """

    trials: PositiveInt = 20
    epochs: PositiveInt = 10
    images: PositiveInt | None = None


class Budget(Section):
    """A block of `budgets:`: how much work to spend."""

    description: str = ""
    train: dict[str, Any] = {}
    tune: TuneBudget = TuneBudget()
