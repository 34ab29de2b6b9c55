"""What coordinator and workers write into the storage: the study, its trials, results, and signs of life.

The storage is a queue and a mailbox. Lose it, and the trials under way are trained again; nothing else is lost.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.exceptions import DuplicatedStudyError
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from ferflow.tune.rules import Decision, Finished, Rules
from ferflow.tune.space import distributions

PROTOCOL = 1
"""Number of the way in which the storage is used."""

# Attributes of the study.
_OFFER, _CLOSED, _RESULT = "ferflow.offer", "ferflow.closed", "ferflow.result:"
# Attributes of a trial.
DECISION, RUNNING, WORKER, BEAT, RESULT, FATAL = "decision", "running", "worker", "beat", "result", "fatal"


@dataclass(frozen=True)
class Offer:
    """A study that workers can join.

    Attributes:
        study: Id of the study in the storage.
        name: Its name.
        rules: Rules of the study.
        settings: What the objective is made from, of JSON's types.
        context: What a worker must have as well, such as a digest of the data, by name.
    """

    study: int
    name: str
    rules: Rules
    settings: Mapping[str, Any]
    context: Mapping[str, str]


def open_study(
    storage: BaseStorage, name: str, rules: Rules, settings: Mapping[str, Any], context: Mapping[str, str]
) -> Offer:
    """Create a study for workers, or adopt the one that a killed coordinator left; a finished one is replaced."""
    directions = [
        StudyDirection.MAXIMIZE if goal == "accuracy" else StudyDirection.MINIMIZE for goal in rules.objectives
    ]
    try:
        study = storage.create_new_study(directions, name)
    except DuplicatedStudyError:
        study = storage.get_study_id_from_name(name)
        if storage.get_study_user_attrs(study).get(_CLOSED, True):
            storage.delete_study(study)
            study = storage.create_new_study(directions, name)
    offer = {
        "protocol": PROTOCOL,
        "rules": rules.model_dump(mode="json"),
        "settings": dict(settings),
        "context": dict(context),
    }
    storage.set_study_user_attr(study, _OFFER, offer)
    storage.set_study_user_attr(study, _CLOSED, False)
    return Offer(study, name, rules, settings, context)


def close_study(storage: BaseStorage, offer: Offer) -> None:
    """Tell workers that there is nothing more to do."""
    storage.set_study_user_attr(offer.study, _CLOSED, True)


def find_study(storage: BaseStorage, name: str | None) -> Offer | None:
    """Return a study that is open, the first by name, or None.

    Args:
        storage: The storage.
        name: How its name begins; None: any.
    """
    for study in sorted(storage.get_all_studies(), key=lambda study: str(study.study_name)):
        attrs = study.user_attrs
        if _CLOSED not in attrs or attrs[_CLOSED] or (name and not study.study_name.startswith(name)):
            continue
        if attrs[_OFFER]["protocol"] == PROTOCOL:
            offer = attrs[_OFFER]
            rules = Rules.model_validate_json(json.dumps(offer["rules"]))  # as JSON, because its lists are tuples
            return Offer(study._study_id, study.study_name, rules, offer["settings"], offer["context"])
    return None


def is_closed(storage: BaseStorage, offer: Offer) -> bool:
    """Return whether there is nothing more to do."""
    return bool(storage.get_study_user_attrs(offer.study).get(_CLOSED, True))


def published(storage: BaseStorage, offer: Offer) -> set[int]:
    """Return the positions whose results workers can read."""
    attrs = storage.get_study_user_attrs(offer.study)
    return {int(key.removeprefix(_RESULT)) for key in attrs if key.startswith(_RESULT)}


def publish(storage: BaseStorage, offer: Offer, trial: Finished) -> None:
    """Let workers read a result, by which they prune."""
    lean = trial.model_copy(update={"notes": {}, "reason": None})
    storage.set_study_user_attr(offer.study, f"{_RESULT}{trial.decision.position}", lean.model_dump(mode="json"))


def read_history(storage: BaseStorage, offer: Offer, count: int) -> list[Finished]:
    """Return the results of the first `count` trials.

    Raises:
        KeyError: One is not there: the storage is not the one that the trial was taken from.
    """
    attrs = storage.get_study_user_attrs(offer.study)
    return [Finished.model_validate(attrs[f"{_RESULT}{position}"]) for position in range(count)]


def put(storage: BaseStorage, offer: Offer, decision: Decision, running: Sequence[Decision]) -> None:
    """Offer a trial to whoever takes it first."""
    drawn = distributions(offer.rules.space)
    storage.create_new_trial(
        offer.study,
        create_trial(
            state=TrialState.WAITING,
            params=decision.params,
            distributions={key: drawn[key] for key in decision.params},
            user_attrs={
                DECISION: decision.model_dump(mode="json"),
                RUNNING: [trial.model_dump(mode="json") for trial in running],
            },
        ),
    )


def fatal(storage: BaseStorage, offer: Offer) -> set[int]:
    """Return the numbers of the trials that a worker ended with an error that every other would meet, too."""
    trials = storage.get_all_trials(offer.study, deepcopy=False)
    return {trial.number for trial in trials if trial.state.is_finished() and FATAL in trial.user_attrs}


def claim(storage: BaseStorage, offer: Offer, worker: str) -> tuple[int, FrozenTrial] | None:
    """Take the first trial that waits, and return its id with it; None if there is none, or somebody was faster."""
    for trial in storage.get_all_trials(offer.study, deepcopy=False, states=(TrialState.WAITING,)):
        if storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING):
            storage.set_trial_user_attr(trial._trial_id, WORKER, worker)
            return trial._trial_id, trial
    return None


def hand_in(storage: BaseStorage, trial_id: int, rules: Rules, trial: Finished) -> None:
    """Hand in a result.

    Raises:
        optuna.exceptions.UpdateFinishedTrialError: It comes too late: the trial was given to somebody else.
    """
    storage.set_trial_user_attr(trial_id, RESULT, trial.model_dump(mode="json"))
    values: list[float] | None = None
    if trial.state == "COMPLETE":
        values = [float((trial.value if goal == "accuracy" else trial.macs) or 0) for goal in rules.objectives]
    storage.set_trial_state_values(trial_id, TrialState[trial.state], values)


def give_up(storage: BaseStorage, trial_id: int, fatal: str | None = None) -> None:
    """End a trial without a result.

    Args:
        storage: The storage.
        trial_id: Id of the trial.
        fatal: Why the whole study cannot go on. Defaults to None: the trial is to be run again.

    Raises:
        optuna.exceptions.UpdateFinishedTrialError: It has ended meanwhile.
    """
    if fatal is not None:
        storage.set_trial_user_attr(trial_id, FATAL, fatal)
    storage.set_trial_state_values(trial_id, TrialState.FAIL)
