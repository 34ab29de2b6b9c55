"""One trial: the objective, the judge that may end it early, and what becomes of it."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import optuna

from ferflow.base.errors import ModelError
from ferflow.tune.rules import Decision, Finished, Params, Rules
from ferflow.tune.window import Judge

Report = Callable[[int, float], None]
"""Takes an epoch (from 1) and the metric after it; raises optuna.TrialPruned, which must propagate."""


@dataclass(frozen=True)
class Tried:
    """What an objective returns if it has more to say than the metric.

    Attributes:
        value: The validation metric; higher is better.
        macs: Multiply-accumulate operations of the network. Defaults to None.
        notes: What to keep with the trial, of JSON's types. Defaults to nothing.
    """

    value: float
    macs: int | None = None
    notes: dict[str, Any] = field(default_factory=dict)


Objective = Callable[[Params, Report], "float | Tried"]
"""Tries params and returns a validation metric; higher is better. A ModelError fails this trial alone."""


class Watcher(Protocol):
    """Something that follows a study, to show it. It must not raise."""

    def started(self, position: int, params: Mapping[str, Any]) -> None:
        """A trial has been started, perhaps for another time."""

    def epoch(self, position: int, epoch: int, value: float) -> None:
        """A trial has reported the metric after an epoch."""

    def ended(self, position: int, state: str, value: float | None) -> None:
        """A trial has ended, and the journal has it: COMPLETE, PRUNED or FAIL, and its metric."""


class NoWatcher:
    """Follows nothing."""

    def started(self, position: int, params: Mapping[str, Any]) -> None:
        """Do nothing."""

    def epoch(self, position: int, epoch: int, value: float) -> None:
        """Do nothing."""

    def ended(self, position: int, state: str, value: float | None) -> None:
        """Do nothing."""


def run_trial(
    objective: Objective,
    rules: Rules,
    history: Sequence[Finished],
    running: Sequence[Decision],
    decision: Decision,
    on_epoch: Callable[[int, float], None],
) -> Finished:
    """Run one trial to its end.

    Args:
        objective: What a trial does.
        rules: Rules of the study.
        history: Results that the trial may know; see ferflow.tune.window.decide, as for `running`.
        running: Trials that count as running.
        decision: The trial.
        on_epoch: Called with each epoch and the metric after it, before it may be pruned.
    """
    judge = Judge(rules, history, running, decision)
    curve: dict[int, float] = {}

    def report(epoch: int, value: float) -> None:
        curve[epoch] = float(value)
        on_epoch(epoch, float(value))
        judge.report(epoch, float(value))

    began = time.monotonic()
    tried: Tried | None = None
    reason = None
    try:
        outcome = objective(dict(decision.params), report)
        tried = outcome if isinstance(outcome, Tried) else Tried(float(outcome))
        if not math.isfinite(tried.value):
            raise ModelError(f"the metric is {tried.value}")
        if "macs" in rules.objectives and tried.macs is None:
            raise ModelError("the objective says nothing of multiply-accumulate operations")
    except optuna.TrialPruned:
        tried = None
    except ModelError as error:
        tried, reason = None, str(error)
    last = curve[max(curve)] if curve else None
    pruned_value = last if last is not None and math.isfinite(last) else None
    return Finished(
        decision=decision,
        state="FAIL" if reason is not None else "PRUNED" if tried is None else "COMPLETE",
        value=float(tried.value) if tried else None if reason is not None else pruned_value,
        macs=tried.macs if tried else None,
        curve=curve,
        reason=reason,
        seconds=round(time.monotonic() - began, 1),
        system=judge.system,
        notes=tried.notes if tried else {},
    )
