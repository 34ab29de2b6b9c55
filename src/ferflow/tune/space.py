"""The search space of params.yaml in optuna's terms."""

from collections.abc import Mapping
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from ferflow.settings.training import Choice, FloatRange, IntRange, Scalar, SearchSpace


def distributions(space: SearchSpace) -> dict[str, BaseDistribution]:
    """Return the space for optuna, sorted by key, so that the order of the lines changes no study."""
    return {key: _distribution(space[key]) for key in sorted(space)}


def corners(space: SearchSpace) -> list[dict[str, Scalar]]:
    """Return settings that together hold both ends of every range and each choice, to be checked first."""
    ends = {key: _ends(part) for key, part in space.items()}
    longest = max((len(values) for values in ends.values()), default=0)
    return [{key: values[i % len(values)] for key, values in ends.items()} for i in range(longest)]


def dotted(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested values by dotted key: {"train": {"epochs": 3}} -> {"train.epochs": 3}."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= dotted(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def within(space: SearchSpace, params: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Return those of `params` that the space names and allows, sorted by key."""
    return {key: params[key] for key in sorted(space) if key in params and _allows(space[key], params[key])}


def _allows(part: FloatRange | IntRange | Choice, value: Scalar) -> bool:
    if isinstance(part, Choice):
        return value in part.choices
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if isinstance(part, IntRange):
        return isinstance(value, int) and value in range(part.low, part.high + 1, part.step)
    return part.low <= value <= part.high


def _distribution(part: FloatRange | IntRange | Choice) -> BaseDistribution:
    if isinstance(part, Choice):
        return CategoricalDistribution(part.choices)
    if isinstance(part, IntRange):
        return IntDistribution(part.low, part.high, step=part.step)
    return FloatDistribution(part.low, part.high, log=part.log)


def _ends(part: FloatRange | IntRange | Choice) -> tuple[Scalar, ...]:
    return part.choices if isinstance(part, Choice) else (part.low, part.high)
