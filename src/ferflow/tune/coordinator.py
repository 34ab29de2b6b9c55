"""The coordinator of a study with workers: the only one who decides and the only one who writes.

It puts the trials of the window into the queue, takes what workers hand in into its journal, and gives trials whose
worker was lost to another one. Which worker ran what, and when, changes nothing of the study.
"""

import time
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState
from pydantic import ValidationError

from ferflow.base.errors import FerflowError
from ferflow.tune import queue
from ferflow.tune.launchers import Launcher
from ferflow.tune.rules import Decision, Finished
from ferflow.tune.storage import Reach, open_storage
from ferflow.tune.study import Plan
from ferflow.tune.worker import USUAL, Pace
from ferflow.ui.redact import redact

_GOODBYE = 10.0  # seconds for workers to notice that the study is finished


def coordinate(
    plan: Plan,
    url: str,
    launcher: Launcher,
    *,
    name: str,
    settings: Mapping[str, Any],
    context: Mapping[str, str],
    retries: int = 2,
    pace: Pace = USUAL,
) -> optuna.Study:
    """Run a study with workers to its end.

    Args:
        plan: The study.
        url: Address of the storage; see ferflow.tune.storage.open_storage.
        launcher: Starts workers. Others may join and leave at any time.
        name: How the study's name in the storage begins.
        settings: What workers make the objective from, of JSON's types.
        context: What a worker must have as well, such as a digest of the data, by name.
        retries: How often a trial whose worker was lost is run again. Defaults to 2.
        pace: How often to look. Defaults to the usual pace.

    Returns:
        The study, with at least one trial of state COMPLETE.

    Raises:
        DataError: The journal cannot be written.
        ModelError: No trial completed, or too many in succession failed.
        FerflowError: A worker met an error that every other would meet, too.
    """
    reach = Reach(f"The queue {redact(url)}")
    storage = reach(lambda: open_storage(url, create=True))
    offer = reach(lambda: queue.open_study(storage, f"{name}-{plan.key[:16]}", plan.rules, settings, context))
    work = _Coordinator(plan, storage, reach, offer, retries, pace)
    plan.check_failures()
    try:
        launcher.start(url)
        while not plan.done:
            dead = launcher.tend()
            if work.step(dead):
                launcher.progressed()
            if not plan.done:
                time.sleep(pace.poll)
        reach(lambda: queue.close_study(storage, offer))
    except BaseException:
        launcher.stop(0.0)
        raise
    launcher.stop(_GOODBYE)
    if work.guests:
        time.sleep(min(_GOODBYE, 4 * pace.poll))  # for the workers that others started
    return plan.study()


class _Coordinator:
    def __init__(
        self, plan: Plan, storage: BaseStorage, reach: Reach, offer: queue.Offer, retries: int, pace: Pace
    ) -> None:
        self._plan, self._storage, self._reach, self._offer = plan, storage, reach, offer
        self._retries, self._pace = retries, pace
        # Numbers in the storage of trials that are done with: at first, those whose error ended an earlier coordinator.
        self._settled = reach(lambda: queue.fatal(storage, offer))
        self._lost: dict[int, int] = {}  # how often a position's worker was lost
        self._signs: dict[int, tuple[object, float]] = {}  # last sign of life of a trial, and when it was seen
        self._shown: dict[int, set[int]] = {}  # epochs of a trial that the watcher has
        self._published = reach(lambda: queue.published(storage, offer))
        self._outages = reach.outages
        self._looked = time.monotonic()
        self.guests = False
        """Whether anybody has run a trial."""

    def step(self, dead: set[str]) -> bool:
        """Look at every trial once and put new ones; return whether one has ended.

        Args:
            dead: Names of workers that are known to be dead.
        """
        trials = self._reach(lambda: self._storage.get_all_trials(self._offer.study, deepcopy=False))
        now = time.monotonic()
        if self._outages != self._reach.outages or now - self._looked > self._pace.lost / 2:
            self._signs.clear()  # no sign of life could arrive, or this process was stopped
            self._outages = self._reach.outages
        self._looked = now
        ended = False
        alive: set[int] = set()
        for trial in trials:
            if trial.number in self._settled:
                continue
            decision = Decision.model_validate(trial.user_attrs[queue.DECISION])
            position = decision.position
            if trial.state.is_finished():
                self._settled.add(trial.number)
                ended |= self._take(trial, decision)
            elif not self._is_open(decision) or (position in alive and trial.state == TrialState.WAITING):
                self._end(trial)  # it has been run, or is there twice because the storage did not say that it had it
            elif trial.state == TrialState.RUNNING and self._is_lost(trial, now, dead):
                if self._end(trial):
                    ended |= self._lose(decision)
            else:
                alive.add(position)
                if trial.state == TrialState.RUNNING:
                    self._follow(trial, decision)
        if not self._plan.done:
            self._put(alive)
        return ended

    def _take(self, trial: FrozenTrial, decision: Decision) -> bool:
        """Take the result of a trial that has ended; return whether one has ended for good."""
        if not self._is_open(decision):
            return False
        if queue.FATAL in trial.user_attrs:
            raise FerflowError(str(trial.user_attrs[queue.FATAL]))
        try:
            finished = Finished.model_validate(trial.user_attrs[queue.RESULT])
        except (KeyError, ValidationError):
            return self._lose(decision)
        if finished.decision != decision:
            return self._lose(decision)
        self._follow(trial, decision)
        self.guests = True
        self._plan.end(finished)
        return True

    def _lose(self, decision: Decision) -> bool:
        """Count that a trial's worker was lost; return whether the trial has failed by that."""
        position = decision.position
        self._lost[position] = self._lost.get(position, 0) + 1
        if self._lost[position] <= self._retries:
            return False
        reason = f"its worker was lost {self._lost[position]} times"
        self._plan.end(Finished(decision=decision, state="FAIL", reason=reason))
        return True

    def _is_open(self, decision: Decision) -> bool:
        """Return whether the plan waits for this trial, with just these params."""
        return decision in self._plan.open()

    def _is_lost(self, trial: FrozenTrial, now: float, dead: set[str]) -> bool:
        attrs = trial.user_attrs
        if attrs.get(queue.WORKER) in dead:
            return True
        sign = (attrs.get(queue.WORKER), attrs.get(queue.BEAT), len(trial.intermediate_values))
        before, seen = self._signs.get(trial.number, (None, now))
        if before != sign:
            seen = now
        self._signs[trial.number] = (sign, seen)
        return now - seen > self._pace.lost

    def _end(self, trial: FrozenTrial) -> bool:
        """End a trial without a result; return False if it has ended meanwhile, which the next look will show."""
        try:
            self._reach(lambda: queue.give_up(self._storage, trial._trial_id))
        except UpdateFinishedTrialError:
            return False
        self._settled.add(trial.number)
        return True

    def _follow(self, trial: FrozenTrial, decision: Decision) -> None:
        """Show the trial and its epochs to whoever watches."""
        if trial.number not in self._shown:
            self._shown[trial.number] = set()
            self._plan.start(decision)
        for epoch, value in sorted(trial.intermediate_values.items()):
            if epoch not in self._shown[trial.number]:
                self._shown[trial.number].add(epoch)
                self._plan.watch.epoch(decision.position, epoch, value)

    def _put(self, alive: set[int]) -> None:
        """Put the trials of the window that nobody has, with the results that they may know."""
        for decision in self._plan.open():
            if decision.position in alive:
                continue
            for trial in self._plan.history(decision.position):
                if trial.decision.position not in self._published:
                    self._reach(lambda trial=trial: queue.publish(self._storage, self._offer, trial))  # type: ignore[misc]
                    self._published.add(trial.decision.position)
            running = self._plan.running(decision.position)
            self._reach(lambda d=decision, r=running: queue.put(self._storage, self._offer, d, r))  # type: ignore[misc]
