"""A worker: takes trials from a study's queue, runs them, hands in what became of them."""

import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from ferflow.base.errors import FerflowError
from ferflow.tune import queue
from ferflow.tune.rules import Decision, Finished
from ferflow.tune.storage import Reach, StorageAwayError, open_storage
from ferflow.tune.trial_run import Objective, run_trial
from ferflow.ui.redact import redact


@dataclass(frozen=True)
class Pace:
    """How often coordinator and workers look at the queue, in seconds.

    Attributes:
        poll: Between two looks. Defaults to 0.5.
        beat: Between two signs of life of a worker. Defaults to 10.
        lost: Without a sign of life, after which a trial is given to somebody else. Defaults to 60.
    """

    poll: float = 0.5
    beat: float = 10.0
    lost: float = 60.0


USUAL = Pace()


class _AbandonedError(Exception):
    """The trial that is being run has been given to somebody else."""


def serve(
    url: str,
    name: str,
    prepare: Callable[[queue.Offer], Objective],
    *,
    study: str | None = None,
    give_up: float = float("inf"),
    pace: Pace = USUAL,
) -> int:
    """Join a study, run its trials until there are no more, and return how many they were.

    Args:
        url: Address of the storage; see ferflow.tune.storage.open_storage.
        name: Name of this worker, which no other has.
        prepare: Returns the objective of a study, or raises a FerflowError if this worker cannot join it.
        study: How the study's name begins. Defaults to the first one that is open.
        give_up: Seconds to wait for a storage that does not answer, or has no study. Defaults to without end.
        pace: How often to look. Defaults to the usual pace.

    Raises:
        StorageAwayError: The storage was away for too long.
        FerflowError: This worker cannot join the study, or the study cannot go on.
    """
    reach = Reach(f"The queue {redact(url)}", give_up, lambda line: _say(name, line))
    storage = reach(lambda: open_storage(url, create=False))
    done, waiting_since = 0, time.monotonic()
    offer: queue.Offer | None = None
    objective: Objective | None = None
    while True:
        if offer is None:
            offer = reach(lambda: queue.find_study(storage, study))
            if offer is None:
                if time.monotonic() - waiting_since > give_up:
                    raise StorageAwayError(f"{redact(url)} has had no search to join for {give_up:.0f} s.")
                time.sleep(pace.poll)
                continue
            objective = prepare(offer)
            _say(name, f"joins {offer.name}")
        current = offer
        try:
            taken = reach(partial(queue.claim, storage, current, name))
            if taken is None:
                if reach(partial(queue.is_closed, storage, current)):
                    _say(name, f"{current.name} is finished; this worker ran {done} of its trials")
                    return done
                time.sleep(pace.poll)
                continue
            assert objective is not None
            done += _run(storage, reach, current, taken, objective, name, pace)
        except KeyError:  # another queue than before: the coordinator had to make a new one
            offer, waiting_since = None, time.monotonic()
        except UpdateFinishedTrialError:  # between its claim and this worker's name on it
            continue


def _run(
    storage: BaseStorage,
    reach: Reach,
    offer: queue.Offer,
    taken: tuple[int, FrozenTrial],
    objective: Objective,
    name: str,
    pace: Pace,
) -> bool:
    """Run one trial and hand in its result; return whether it counted."""
    trial_id, trial = taken
    decision = Decision.model_validate(trial.user_attrs[queue.DECISION])
    running = [Decision.model_validate(one) for one in trial.user_attrs[queue.RUNNING]]
    known = decision.position - len(running)
    history: list[Finished] = reach(lambda: queue.read_history(storage, offer, known))
    _say(name, f"trial {decision.position} begins")
    try:
        with _Beat(storage, reach, trial_id, pace) as beat:
            finished = run_trial(objective, offer.rules, history, running, decision, beat.epoch)
        reach(lambda: queue.hand_in(storage, trial_id, offer.rules, finished))
    except (_AbandonedError, UpdateFinishedTrialError):
        _say(name, f"trial {decision.position} was given to another worker, so that this result is dropped")
        return False
    except StorageAwayError:
        raise
    except Exception as error:
        told = str(error) if isinstance(error, FerflowError) else "".join(traceback.format_exception(error))[-4000:]
        _tell_fatal(storage, reach, trial_id, f"worker {name} failed in trial {decision.position}: {told}")
        raise
    _say(name, f"trial {decision.position} ends: {finished.state}")
    return True


def _tell_fatal(storage: BaseStorage, reach: Reach, trial_id: int, reason: str) -> None:
    try:
        reach(lambda: queue.give_up(storage, trial_id, reason))
    except (UpdateFinishedTrialError, KeyError):
        return


class _Beat:
    """Shows, from a thread, that the worker lives and which epochs have ended, while the trial goes on."""

    def __init__(self, storage: BaseStorage, reach: Reach, trial_id: int, pace: Pace) -> None:
        self._storage, self._reach, self._trial, self._pace = storage, reach, trial_id, pace
        self._epochs: list[tuple[int, float]] = []
        self._news, self._stop, self._abandoned = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> "_Beat":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._news.set()
        self._thread.join(timeout=30)

    def epoch(self, epoch: int, value: float) -> None:
        """Show an epoch.

        Raises:
            _AbandonedError: The trial has been given to somebody else.
        """
        if self._abandoned.is_set():
            raise _AbandonedError
        self._epochs.append((epoch, value))
        self._news.set()

    def _work(self) -> None:
        count = 0
        while not self._stop.is_set():
            count += 1
            try:
                self._send(count)
            except (UpdateFinishedTrialError, KeyError):
                self._abandoned.set()
                return
            except StorageAwayError:  # the main thread notices when it hands in
                return
            self._news.wait(self._pace.beat)
            self._news.clear()

    def _send(self, count: int) -> None:
        while self._epochs and not self._stop.is_set():
            epoch, value = self._epochs[0]
            self._reach(
                lambda: self._storage.set_trial_intermediate_value(self._trial, epoch, value),  # noqa: B023
                stop=self._stop,
            )
            del self._epochs[0]
        if not self._stop.is_set():
            self._reach(lambda: self._storage.set_trial_user_attr(self._trial, queue.BEAT, count), stop=self._stop)


def _say(name: str, line: str) -> None:
    print(f"worker {name}: {line}", file=sys.stderr, flush=True)
