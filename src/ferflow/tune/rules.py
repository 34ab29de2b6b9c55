"""What decides a study: the same rules and the same results of trials give the same next trial."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from ferflow.train.recipe import SearchSettings
from ferflow.train.recipe.search_space import Goal, Pruner, Sampler, Scalar, SearchSpace

Params = dict[str, Scalar]
"""Values by dotted key, such as {"train.learning_rate": 0.001}."""


class Record(BaseModel):
    """Something that the journal and the queue hold as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Rules(Record):
    """The rules of a study.

    Attributes:
        space: What to search.
        trials: Number of trials.
        seed: Seed of the sampler.
        first: Params of trial 0 as far as the space allows them: the baseline. Defaults to a drawn trial.
        sampler: See ferflow.train.recipe.search_space.SearchRules, as for the following. Defaults to tpe.
        pruner: Defaults to median.
        startup_trials: Defaults to 5.
        prune_after: Defaults to 2.
        ahead: Defaults to 1.
        max_failures: Defaults to 10.
        objectives: Defaults to accuracy alone.
        epochs: Maximum number of epochs of a trial, which Hyperband needs. Defaults to 100.
    """

    space: SearchSpace
    trials: int
    seed: int
    first: dict[str, Scalar] = {}
    sampler: Sampler = "tpe"
    pruner: Pruner = "median"
    startup_trials: int = 5
    prune_after: int = 2
    ahead: int = 1
    max_failures: int = 10
    objectives: tuple[Goal, ...] = ("accuracy",)
    epochs: int = 100

    def deciding(self) -> dict[str, Any]:
        """Return what decides each trial, of JSON's types; how many there are and when to give up does not."""
        return self.model_dump(mode="json", exclude={"trials", "max_failures"})

    def seed_of(self, position: int) -> int:
        """Return the seed of one trial's sampler; neighbouring seeds and positions give unrelated ones."""
        return int(np.random.SeedSequence([self.seed, position]).generate_state(1)[0])


def rules_of(settings: SearchSettings, first: Mapping[str, Scalar]) -> Rules:
    """Return the rules of a search.

    Args:
        settings: The search.
        first: The model's own settings as far as the space allows them.
    """
    same = ("space", "trials", "seed", "sampler", "pruner", "startup_trials", "prune_after", "ahead", "max_failures")
    return Rules(
        **{name: getattr(settings, name) for name in same},
        objectives=settings.objectives,
        first=dict(first),
        epochs=settings.train.epochs,
    )


class Decision(Record):
    """A trial that has been decided.

    Attributes:
        position: Number of the trial, from 0.
        params: What it tries.
        system: What the sampler keeps with the trial, of JSON's types.
    """

    position: int
    params: dict[str, Scalar]
    system: dict[str, Any] = {}


class Finished(Record):
    """A trial that has ended.

    Attributes:
        decision: What was tried.
        state: COMPLETE, PRUNED or FAIL.
        value: The metric: of a pruned trial the last one reported, of a failed one None.
        macs: Multiply-accumulate operations of the network, or None if they are not an objective.
        curve: The metric after each epoch, by the epoch's number from 1.
        reason: Why it failed, or None.
        seconds: How long it took. It differs from run to run and enters no output.
        system: What sampler and pruner keep with the trial, of JSON's types.
        notes: What the objective keeps with the trial, of JSON's types.
    """

    decision: Decision
    state: Literal["COMPLETE", "PRUNED", "FAIL"]
    value: float | None = None
    macs: int | None = None
    curve: dict[int, float] = {}
    reason: str | None = None
    seconds: float = 0.0
    system: dict[str, Any] = {}
    notes: dict[str, Any] = {}
