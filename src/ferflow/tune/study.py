"""The study: trial after trial, the same ones even if it is interrupted and resumed."""

import math
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from ferflow.base.errors import ModelError
from ferflow.base.hashing import digest_of
from ferflow.train.search_space import Scalar, SearchSpace
from ferflow.tune.journal import read_journal, write_journal
from ferflow.tune.space import distributions, within

Params = dict[str, Scalar]
"""Values by dotted key, such as {"train.learning_rate": 0.001}."""
Report = Callable[[int, float], None]
"""Takes an epoch (from 1) and the metric after it; raises optuna.TrialPruned, which must propagate."""
Objective = Callable[[Params, Report], float]
"""Tries params and returns a validation metric; higher is better. A ModelError fails this trial alone."""


def run_study(
    objective: Objective,
    space: SearchSpace,
    *,
    trials: int,
    seed: int,
    journal: Path,
    context: str = "",
    startup_trials: int = 5,
    prune_after: int = 2,
    first: Mapping[str, Scalar] | None = None,
) -> optuna.Study:
    """Try `trials` settings, chosen by TPE (Bergstra et al. 2011); the median rule ends unpromising ones early.

    Every finished trial is written to `journal`. If the study is killed and called again with the same arguments, it
    reads the finished ones and ends with exactly the trials of an uninterrupted study: the sampler is reseeded for
    each trial from `seed` and the trial's number, so that its only state is the trials.

    Args:
        objective: What a trial does.
        space: What to search.
        trials: Number of trials to finish, including those in the journal.
        seed: Seed of the sampler.
        journal: File for the finished trials. The caller removes it once the study's results are written.
        context: Digest of whatever else decides the outcome (data, model, code). A journal of another context, space,
            seed or rule is not used. Defaults to nothing else.
        startup_trials: Random trials before TPE learns; complete trials before the median rule ends others. Defaults
            to 5.
        prune_after: Epochs of a trial before the median rule may end it. Defaults to 2.
        first: Settings of trial 0, as far as the space allows them: the baseline. Defaults to a drawn trial.

    Returns:
        The study, with at least one trial of state COMPLETE.

    Raises:
        ModelError: No trial completed.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    drawn = distributions(space)
    start = within(space, first or {})
    rules = [str(drawn), seed, startup_trials, prune_after, start, optuna.__version__, context]
    key = digest_of(rules)

    study = optuna.create_study(
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=startup_trials, n_warmup_steps=prune_after),
    )
    study.add_trials(read_journal(journal, key, drawn)[:trials])
    resumed = len(study.trials)
    if resumed:
        _say(f"resuming: {resumed} of {trials} trials are finished")
    began = time.monotonic()
    for number in range(resumed, trials):
        study.sampler = optuna.samplers.TPESampler(n_startup_trials=startup_trials, seed=_seed(seed, number))
        if number == 0 and start:
            study.enqueue_trial(start)
        trial = study.ask(drawn)
        label = f"trial {number} ({number + 1}/{trials})"
        _say(f"{label}: {_written(trial.params)}")
        _run(study, trial, objective)
        write_journal(journal, key, study.trials)
        left = (time.monotonic() - began) / (number + 1 - resumed) * (trials - number - 1)
        _say(f"{label}: {_outcome(study)}; {left:.0f} s left")
    if not study.get_trials(states=(TrialState.COMPLETE,)):
        reasons = {trial.user_attrs.get("reason", "ended early") for trial in study.trials}
        raise ModelError(
            f"None of the {trials} trials completed, so there are no best settings. They ended because: "
            f"{'; '.join(sorted(reasons))}. Move the ranges of tune.space, or raise the budget's tune.trials."
        )
    return study


def _run(study: optuna.Study, trial: optuna.Trial, objective: Objective) -> None:
    def report(epoch: int, value: float) -> None:
        trial.report(float(value), epoch)
        if trial.should_prune():
            raise optuna.TrialPruned

    began = time.monotonic()
    try:
        value = float(objective(dict(trial.params), report))
        if not math.isfinite(value):
            raise ModelError(f"the metric is {value}")
    except optuna.TrialPruned:
        outcome: dict[str, Any] = {"state": TrialState.PRUNED}
    except ModelError as error:
        trial.set_user_attr("reason", str(error))
        outcome = {"state": TrialState.FAIL}
    else:
        outcome = {"values": value}
    trial.set_user_attr("seconds", round(time.monotonic() - began, 1))
    study.tell(trial, **outcome)


def _seed(seed: int, number: int) -> int:
    """Return the seed of one trial's sampler; neighbouring seeds and numbers give unrelated ones."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def _outcome(study: optuna.Study) -> str:
    last: FrozenTrial = study.trials[-1]
    if last.state == TrialState.FAIL:
        text = f"failed: {last.user_attrs['reason']}"
    elif last.state == TrialState.PRUNED:
        text = f"pruned after epoch {last.last_step}, below the median"
    else:
        text = f"{last.value:.4f}"
    if study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        text += f"; best {study.best_value:.4f} in trial {study.best_trial.number}"
    return text


def _written(params: Mapping[str, Scalar]) -> str:
    return ", ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in params.items()
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
