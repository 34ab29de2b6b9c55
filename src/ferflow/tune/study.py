"""The study in one process: trial after trial, the same ones even if it is interrupted and resumed."""

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import optuna

from ferflow.base.errors import ModelError
from ferflow.base.hashing import digest_of
from ferflow.tune.journal import Journal
from ferflow.tune.rules import Decision, Finished, Params, Rules
from ferflow.tune.trial_run import NoWatcher, Objective, Report, Tried, Watcher, run_trial
from ferflow.tune.window import decide, study_of, trials_possible

__all__ = ["Objective", "Params", "Plan", "Report", "Rules", "Tried", "run_study"]


class Plan:
    """A study in progress: what has ended, what may start next, and how far it is."""

    def __init__(self, rules: Rules, journal: Path, context: str = "", watch: Watcher | None = None) -> None:
        """Read the journal.

        Args:
            rules: Rules of the study.
            journal: File for the finished trials. The caller removes it once the study's results are written.
            context: Digest of whatever else decides the outcome (data, model, code). A journal of another context or
                of other rules is not used. Defaults to nothing else.
            watch: What follows the study. Defaults to nothing.

        Raises:
            DataError: The journal can be neither read nor written.
        """
        self.rules = rules
        self.total = trials_possible(rules)
        self.key = digest_of([rules.deciding(), optuna.__version__, context])
        self.watch = watch or NoWatcher()
        self._journal = Journal(journal, self.key)
        self._decided: dict[int, Decision] = {}
        self._began = time.monotonic()
        self._before = sum(position < self.total for position in self._journal.trials)
        if self._before:
            _say(f"resuming: {self._before} of {self.total} trials are finished")

    @property
    def done(self) -> bool:
        """Whether every trial has ended."""
        return self._journal.frontier >= self.total

    def has(self, position: int) -> bool:
        """Return whether a trial has ended."""
        return position in self._journal.trials

    def open(self) -> list[Decision]:
        """Return the trials that have not ended and may run now, in order: the window."""
        last = min(self.total, self._journal.frontier + self.rules.ahead)
        return [self.decision(k) for k in range(self._journal.frontier, last) if not self.has(k)]

    def decision(self, position: int) -> Decision:
        """Return a trial of the window, or before it."""
        if position not in self._decided:
            if self.has(position):
                self._decided[position] = self._journal.trials[position].decision
            else:
                self._decided[position] = decide(self.rules, self.history(position), self.running(position))
        return self._decided[position]

    def history(self, position: int) -> list[Finished]:
        """Return the results that a trial may know."""
        return self._journal.first(max(0, position - self.rules.ahead + 1))

    def running(self, position: int) -> list[Decision]:
        """Return the trials that count as running for a trial."""
        return [self.decision(k) for k in range(max(0, position - self.rules.ahead + 1), position)]

    def start(self, decision: Decision) -> None:
        """Say that a trial has been started."""
        _say(f"{self._label(decision.position)}: {_written(decision.params)}")
        self.watch.started(decision.position, decision.params)

    def end(self, trial: Finished) -> None:
        """Keep a trial that has ended, say how far the study is, and end it if too many trials in succession failed.

        Raises:
            DataError: The journal cannot be written.
            ModelError: Too many trials in succession failed.
        """
        if not self._journal.add(trial):
            return
        _say(f"{self._label(trial.decision.position)}: {_outcome(trial)}; {self._progress()}")
        self.watch.ended(trial.decision.position, trial.state, trial.value)
        self.check_failures()

    def check_failures(self) -> None:
        """End the study if `max_failures` trials in succession, without a gap from the first on, failed.

        Raises:
            ModelError: They did.
        """
        failed: list[Finished] = []
        for trial in self._journal.first(min(self._journal.frontier, self.total)):
            failed = [*failed, trial] if trial.state == "FAIL" else []
            if len(failed) >= self.rules.max_failures and len(failed) < self.total:
                reasons = sorted({str(one.reason) for one in failed})
                raise ModelError(
                    f"{len(failed)} trials in succession failed, up to trial {trial.decision.position}: "
                    f"{'; '.join(reasons)}. Move the ranges of tune.space, or raise tune.max_failures."
                )

    def study(self) -> optuna.Study:
        """Return the finished study, with at least one trial of state COMPLETE.

        Raises:
            ModelError: No trial completed.
        """
        finished = self._journal.first(self.total)
        if all(trial.state != "COMPLETE" for trial in finished):
            reasons = {trial.reason or "ended early" for trial in finished}
            raise ModelError(
                f"None of the {self.total} trials completed, so there are no best settings. They ended because: "
                f"{'; '.join(sorted(reasons))}. Move the ranges of tune.space, or raise the budget's tune.trials."
            )
        return study_of(self.rules, finished)

    def _label(self, position: int) -> str:
        return f"trial {position} ({position + 1}/{self.total})"

    def _progress(self) -> str:
        ended = [trial for position, trial in self._journal.trials.items() if position < self.total]
        done = len(ended)
        left = (time.monotonic() - self._began) / max(1, done - self._before) * (self.total - done)
        counts = {name: sum(trial.state == state for trial in ended) for name, state in _STATES.items()}
        told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        return f"{_best(ended)}{left:.0f} s left; {done} of {self.total} done: {told}"


_STATES = {"completed": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}


def run_study(
    objective: Objective, rules: Rules, *, journal: Path, context: str = "", watch: Watcher | None = None
) -> optuna.Study:
    """Run a study in this process, one trial after the other.

    If the study is killed and called again with the same arguments, it reads the finished trials and ends with exactly
    the trials of an uninterrupted study. Any number of workers end with them, too (ferflow.tune.coordinator).

    Args:
        objective: What a trial does.
        rules: Rules of the study.
        journal: See Plan, as for the following.
        context: Defaults to nothing.
        watch: Defaults to nothing.

    Returns:
        The study, with at least one trial of state COMPLETE.

    Raises:
        DataError: The journal cannot be used.
        ModelError: No trial completed, or too many in succession failed.
    """
    return run_plan(Plan(rules, journal, context, watch), objective)


def run_plan(plan: Plan, objective: Objective) -> optuna.Study:
    """Run what is left of a study in this process; see run_study."""
    rules = plan.rules
    plan.check_failures()
    while not plan.done:
        decision = plan.open()[0]
        position = decision.position
        plan.start(decision)

        def on_epoch(epoch: int, value: float, position: int = position) -> None:
            plan.watch.epoch(position, epoch, value)

        plan.end(run_trial(objective, rules, plan.history(position), plan.running(position), decision, on_epoch))
    return plan.study()


def _outcome(trial: Finished) -> str:
    if trial.state == "FAIL":
        return f"failed: {trial.reason}"
    if trial.state == "PRUNED":
        return f"pruned after epoch {max(trial.curve, default=0)}"
    return f"{trial.value:.4f}" + ("" if trial.macs is None else f", {trial.macs / 1e6:.1f} MMAC")


def _best(ended: Sequence[Finished]) -> str:
    complete = [trial for trial in ended if trial.state == "COMPLETE" and trial.value is not None]
    if not complete:
        return ""
    best = max(complete, key=lambda trial: (trial.value or 0.0, -trial.decision.position))
    return f"best {best.value:.4f} in trial {best.decision.position}; "


def _written(params: Mapping[str, object]) -> str:
    return ", ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in params.items()
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
