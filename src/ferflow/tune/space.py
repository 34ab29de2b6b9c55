"""The search space of params.yaml in Optuna's terms."""

from collections.abc import Mapping
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from ferflow.base.dotted import flatten
from ferflow.train.recipe import SearchSettings
from ferflow.train.recipe.search_space import Choice, FloatRange, IntRange, Scalar, SearchSpace, as_scalar, in_order


def distributions(space: SearchSpace) -> dict[str, BaseDistribution]:
    """Return the space for Optuna, sorted by key, so that the order of lines in params.yaml changes no study."""
    return {key: _distribution(space[key]) for key in sorted(space)}


def corners(space: SearchSpace) -> list[dict[str, Scalar]]:
    """Return settings that together contain both ends of every range and every choice, to be checked first."""
    ends = {key: _ends(part) for key, part in space.items()}
    longest = max((len(values) for values in ends.values()), default=0)
    return [{key: values[i % len(values)] for key, values in ends.items()} for i in range(longest)]


def starting_point(settings: SearchSettings) -> dict[str, Scalar]:
    """Return the model's own settings as far as the space allows them: the trial that the others are to beat."""
    return within(settings.space, flatten({"train": settings.train.model_dump(), "network": settings.network}))


def within(space: SearchSpace, params: Mapping[str, Any]) -> dict[str, Scalar]:
    """Return the values that the space names and allows, sorted by key."""
    allowed: dict[str, Scalar] = {}
    for key in in_order(space):
        value = as_scalar(params.get(key))
        if key in params and _allows(space[key], value) and space[key].applies(allowed):
            allowed[key] = value
    return dict(sorted(allowed.items()))


def _allows(part: FloatRange | IntRange | Choice, value: Scalar) -> bool:
    if isinstance(part, Choice):
        return value in part.values
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if isinstance(part, IntRange):
        return isinstance(value, int) and value in range(part.low, part.high + 1, part.step)
    return part.low <= value <= part.high


def _distribution(part: FloatRange | IntRange | Choice) -> BaseDistribution:
    if isinstance(part, Choice):
        return CategoricalDistribution(part.values)
    if isinstance(part, IntRange):
        return IntDistribution(part.low, part.high, step=part.step)
    return FloatDistribution(part.low, part.high, log=part.log)


def _ends(part: FloatRange | IntRange | Choice) -> tuple[Scalar, ...]:
    return part.values if isinstance(part, Choice) else (part.low, part.high)
