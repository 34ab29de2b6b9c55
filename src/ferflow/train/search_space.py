"""What a search may vary: ranges and choices, as `tune.space` in params.yaml has them."""

from typing import Annotated, Any

from pydantic import Discriminator, Field, FiniteFloat, Tag

from ferflow.base.section import PositiveInt, Section

Scalar = bool | int | float | str | None


class FloatRange(Section):
    """A range of numbers to search, both ends included.

    Attributes:
        low: Lower end.
        high: Upper end.
        log: Whether to search the logarithm uniformly, for values that span powers of ten. Defaults to false.
    """

    low: FiniteFloat
    high: FiniteFloat
    log: bool = False


class IntRange(Section):
    """A range of integers to search, both ends included.

    Attributes:
        low: Lower end.
        high: Upper end; low plus a multiple of step.
        step: Distance between two values. Defaults to 1.
    """

    low: int
    high: int
    step: PositiveInt = 1


class Choice(Section):
    """A list of distinct values to search."""

    choices: Annotated[tuple[Scalar, ...], Field(min_length=1)]


def _kind_of_space(value: Any) -> str:
    """Return which of the three a mapping means, so that errors mention only that one."""
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
