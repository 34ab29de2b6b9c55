"""`train:`, `models:`, `tune:` and `budgets:` in params.yaml."""

from typing import Annotated, Any

from pydantic import Discriminator, Field, FiniteFloat, Tag, model_validator

from ferflow.base.section import (
    PositiveInt,
    Section,
)

Scalar = bool | int | float | str | None


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
