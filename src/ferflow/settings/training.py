"""`results:`, `models:`, `tune:` and `budgets:` in params.yaml."""

from typing import Any

from pydantic import model_validator

from ferflow.base.section import Name, NonNegativeInt, PositiveInt, Section
from ferflow.train.recipe.search_space import Choice, FloatRange, IntRange, SearchRules, SearchSpace, fault_in

NO_SEARCH = "none"


class Result(Section):
    """An entry of `results:`: one network to train and evaluate.

    Attributes:
        model: Block of `models:` to train.
        architecture: Module in ferflow.models, the same as in that block. It is repeated here because dvc.yaml names
            the module's file as a dependency of the training.
        search: Model whose search provides the settings, or `none` for the settings of params.yaml.
        teacher: Result whose predictions for the training images are part of the targets (`train.soft_targets`), or
            `none`.
        repeat: Number of the repetition with another seed, which is `seed` plus this number; 0 is the first training.
            The split of the images stays the same.
    """

    model: Name
    architecture: Name
    search: Name
    teacher: Name
    repeat: NonNegativeInt


class Teacher(Section):
    """An entry of `teachers:`, whose key is a result that predicts the training images.

    Attributes:
        architecture: Module in ferflow.models, the same as that of the result.
        folds: Number of folds. With 2 or more, a network per fold predicts what it was not trained on; with 1, the
            result's own network predicts all.
    """

    architecture: Name
    folds: PositiveInt


class BudgetOverrides(Section):
    """What one budget changes in one model's block. An absent key changes nothing."""

    network: dict[str, Any] = {}
    train: dict[str, Any] = {}


class Tutor(Section):
    """Whom a model learns from when `ferflow run --models` names it.

    Attributes:
        model: Block of `models:`, which has no teacher itself. It is trained as well.
        folds: See Teacher.
    """

    model: Name
    folds: PositiveInt


class Model(Section):
    """A block of `models:`.

    Attributes:
        description: A sentence for people.
        architecture: Module in ferflow.models that builds the network.
        network: Options of the network, complete; the architecture's module checks them.
        train: What differs from `train:`.
        budgets: What differs under a budget, by its name.
        teacher: Whom it learns from. Defaults to nobody.
    """

    description: str
    architecture: Name
    network: dict[str, Any]
    train: dict[str, Any] = {}
    budgets: dict[str, BudgetOverrides] = {}
    teacher: Tutor | None = None


class Tune(SearchRules):
    """`tune:`: the search for better settings; ferflow.train.recipe.search_space.SearchRules has the other keys.

    Attributes:
        models: Models to search, each with its architecture; a result uses a search by `search: <model>`. Empty: no
            search.
        space: What to search, by the dotted key in the model's block, such as `train.learning_rate` or
            `network.dropout`.
        train: What differs from the model's own training in a trial.
    """

    models: dict[Name, Name]
    space: SearchSpace
    train: dict[str, Any]

    @model_validator(mode="after")
    def _ranges_make_sense(self) -> "Tune":
        if self.models and not self.space:
            raise ValueError("tune.space: empty, so there is nothing to search. Name a key, or empty tune.models.")
        for key, space in self.space.items():
            if fault := _fault(space):
                raise ValueError(f"tune.space.{key}: {fault}")
            if self.sampler == "grid" and isinstance(space, FloatRange):
                raise ValueError(
                    f"tune.space.{key}: sampler: grid needs choices or integers. Received: a range of floats."
                )
        if fault := fault_in(self.space):
            raise ValueError(f"tune.space.{fault}")
        return self


class TuneBudget(Section):
    """How much a search may spend.

    Attributes:
        trials: Number of networks trained.
        epochs: Maximum epochs of a trial; the median rule ends unpromising ones earlier.
        images: Training images that a trial sees, stratified by class; null: all.
    """

    trials: PositiveInt
    epochs: PositiveInt
    images: PositiveInt | None


class Budget(Section):
    """A block of `budgets:`: how much work to spend.

    Attributes:
        description: A sentence for people.
        train: What differs from `train:` for every model.
        tune: How much a search may spend.
    """

    description: str
    train: dict[str, Any]
    tune: TuneBudget


def _fault(space: IntRange | FloatRange | Choice) -> str:
    """Return what is wrong with a range as a whole; empty if nothing is."""
    if isinstance(space, Choice):
        received = f"Received: {list(space.choices)}."
        if any(isinstance(choice, dict) for choice in space.choices):
            return f"choices must be values or lists. Search the keys of a mapping by their own names. {received}"
        repeated = len(set(space.values)) != len(space.values)
        return f"choices must be distinct. {received}" if repeated else ""
    ends = f"Received: low {space.low:g}, high {space.high:g}"
    if space.low >= space.high:
        return f"low must be below high. {ends}."
    if isinstance(space, FloatRange):
        return f"with log, low must be above 0. {ends}." if space.log and space.low <= 0 else ""
    uneven = (space.high - space.low) % space.step
    return f"high must be low plus a multiple of step. {ends}, step {space.step}." if uneven else ""
