"""What a search may vary and how it goes about it, as `tune` in params.yaml has it."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, FiniteFloat, JsonValue, Tag, model_validator

from ferflow.base.section import NonNegativeInt, PositiveInt, Probability, Section

Scalar = bool | int | float | str | None
Sampler = Literal["tpe", "cma_es", "gp", "random", "grid"]
Pruner = Literal["median", "hyperband", "patient", "none"]
Goal = Literal["accuracy", "macs"]


class SearchPart(Section):
    """What ranges and choices have in common.

    Attributes:
        when: Values of other keys of the space under which this key is searched, such as {train.optimizer: [sgd]}; in
            all other trials it keeps the model's own value. Defaults to none: it is searched in every trial.
    """

    when: dict[str, tuple[JsonValue, ...]] = {}

    def applies(self, params: Mapping[str, Scalar]) -> bool:
        """Return whether the key is searched in a trial that has drawn these params so far."""
        return all(
            key in params and any(_same(params[key], as_scalar(value)) for value in values)
            for key, values in self.when.items()
        )


class FloatRange(SearchPart):
    """A range of numbers to search, both ends included.

    Attributes:
        low: Lower end.
        high: Upper end.
        log: Whether to search the logarithm uniformly, for values that span powers of ten. Defaults to false.
    """

    low: FiniteFloat
    high: FiniteFloat
    log: bool = False


class IntRange(SearchPart):
    """A range of integers to search, both ends included.

    Attributes:
        low: Lower end.
        high: Upper end; low plus a multiple of step.
        step: Distance between two values. Defaults to 1.
    """

    low: int
    high: int
    step: PositiveInt = 1


class Choice(SearchPart):
    """Distinct values to search.

    Attributes:
        choices: The values: numbers, texts, true, false, null, or lists, such as [[16, 32, 64], [32, 64, 128]] for
            `network.filters`.
    """

    choices: Annotated[tuple[JsonValue, ...], Field(min_length=1)]

    @property
    def values(self) -> tuple[Scalar, ...]:
        """The choices as a sampler draws them and tables show them: see as_scalar."""
        return tuple(as_scalar(choice) for choice in self.choices)


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


class SearchRules(Section):
    """How a search goes about it: the keys that `tune` in params.yaml and settings/search/<model>.yaml share.

    Attributes:
        sampler: What draws the params: `tpe` (Bergstra et al. 2011), `cma_es` (Hansen 2016, "The CMA evolution
            strategy"; choices are drawn at random), `gp` (Gaussian process with expected improvement; needs PyTorch),
            `random`, or `grid` (every combination of choices and integers once, in random order).
        pruner: What ends unpromising trials early: `median` (Golovin et al. 2017, section 3.2.2), `hyperband` (Li et
            al. 2018), `patient` (the median rule, once a trial has not improved for `prune_after` epochs), or `none`.
        startup_trials: Random trials before the sampler learns from them, and complete trials before the median rule
            ends others.
        prune_after: Epochs of a trial before the median rule or Hyperband may end it.
        ahead: Trial k is drawn from the results of trials 0 to k - ahead; later ones count as running. 1 is a search in
            sequence. It is part of what is asked; the number of workers is not. Twice the number of workers keeps all
            of them busy.
        threads: Threads of the backend in every trial, within an operation and across operations; they decide how sums
            are rounded. null: as many as the backend takes, which depends on the machine.
        retries: How often a trial whose worker was lost is started again before it counts as failed.
        max_failures: Failed trials in succession that end the search with an error.
        objectives: What is searched for: `[accuracy]` (or whatever `train.monitor` names), or `[accuracy, macs]`: high
            accuracy and few multiply-accumulate operations, with the Pareto front. Two objectives need `pruner: none`.
        significance: Largest p-value with which the best trial replaces the model's own settings (McNemar's exact test
            on the validation images), 0 to 1; 1 always takes the best trial.
    """

    sampler: Sampler
    pruner: Pruner
    startup_trials: PositiveInt
    prune_after: PositiveInt
    ahead: PositiveInt
    threads: PositiveInt | None
    retries: NonNegativeInt
    max_failures: PositiveInt
    objectives: Annotated[tuple[Goal, ...], Field(min_length=1, max_length=2)]
    significance: Probability

    @model_validator(mode="after")
    def _objectives_fit(self) -> "SearchRules":
        if self.objectives not in (("accuracy",), ("accuracy", "macs")):
            raise ValueError(
                f"objectives must be [accuracy] or [accuracy, macs]. Received: [{', '.join(self.objectives)}]."
            )
        if len(self.objectives) > 1 and self.pruner != "none":
            raise ValueError(
                f"two objectives need pruner: none, because a trial's epochs say nothing about its cost. Received: "
                f"pruner {self.pruner}."
            )
        return self


def as_scalar(value: Any) -> Scalar:
    """Return a list as its JSON text, and any other value as it is.

    >>> as_scalar([32, 64])
    '[32, 64]'
    """
    if isinstance(value, list | tuple):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    scalar: Scalar = value
    return scalar


def decoded(space: SearchSpace, params: Mapping[str, Scalar]) -> dict[str, JsonValue]:
    """Return the params of a trial as settings have them: lists instead of their JSON text."""
    return {key: _decoded(space.get(key), value) for key, value in params.items()}


def _decoded(part: FloatRange | IntRange | Choice | None, value: Scalar) -> JsonValue:
    if isinstance(part, Choice):
        return next((c for c, drawn in zip(part.choices, part.values, strict=True) if _same(drawn, value)), value)
    return value


def _same(value: Scalar, other: Scalar) -> bool:
    """Return whether two values are equal and of one kind: True is not 1 here."""
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def fault_in(space: SearchSpace) -> str:
    """Return what is wrong with the conditions of a space; empty if nothing is."""
    for key, part in space.items():
        for other, values in part.when.items():
            if other not in space or other == key:
                return f"{key}: when names {other!r}, which is no other key of the space."
            if not values:
                return f"{key}: when.{other} is empty, so the key would never be searched."
    if len(in_order(space)) < len(space):
        circle = sorted(set(space) - set(in_order(space)))
        return f"the conditions of {', '.join(circle)} depend on each other in a circle."
    return ""


def in_order(space: SearchSpace) -> list[str]:
    """Return the keys sorted, each after the keys that its condition names; keys in a circle are left out."""
    ordered: list[str] = []
    while ready := [key for key in sorted(space) if key not in ordered and set(space[key].when) <= set(ordered)]:
        ordered += ready
    return ordered
