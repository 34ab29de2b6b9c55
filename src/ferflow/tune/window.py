"""Which params a trial tries and when it is pruned: functions of the rules and of the results before a window.

Trial k knows the results of trials 0 to k - ahead. The trials between those and k count as running, even if they have
ended long ago, so that it does not matter who trained what first. Optuna's TPE treats running trials as bad ones
("constant liar", Ginsbourger et al. 2010, section 3), so that trials that run at once differ.
"""

import itertools
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from ferflow.base.errors import ConfigError
from ferflow.base.hashing import digest_of
from ferflow.train.recipe.search_space import Choice, FloatRange, Scalar, SearchSpace, in_order
from ferflow.tune.rules import Decision, Finished, Params, Rules
from ferflow.tune.space import distributions, within

_FIXED = "fixed_params"  # Optuna's own note of a trial whose params were given


def decide(rules: Rules, history: Sequence[Finished], running: Sequence[Decision]) -> Decision:
    """Return the trial that comes after `history` and `running`.

    Args:
        rules: Rules of the study.
        history: Results of trials 0 to k - ahead, in order; fewer for the first trials.
        running: The trials between those and trial k, in order.
    """
    position = len(history) + len(running)
    start = within(rules.space, rules.first)
    if rules.sampler == "grid" and (position or not start):
        return Decision(position=position, params=_grid(rules, bool(start))[position - bool(start)])
    study = _study(rules, history, running)
    study.sampler = _sampler(rules, position)
    if position == 0 and start:
        study.enqueue_trial(start)
    drawn = distributions(rules.space)
    conditional = [key for key in in_order(rules.space) if rules.space[key].when]
    trial = study.ask({key: drawn[key] for key in drawn if key not in conditional})
    for key in conditional:
        if rules.space[key].applies(trial.params):
            _suggest(trial, key, drawn[key])
    return Decision(position=position, params=dict(trial.params), system=_system(study))


class Judge:
    """Says after each epoch of one trial whether to end it, from the results that the trial may know."""

    def __init__(
        self, rules: Rules, history: Sequence[Finished], running: Sequence[Decision], decision: Decision
    ) -> None:
        """Prepare for the trial `decision`; the other arguments are those of `decide`."""
        study = _study(rules, history, running)
        study.sampler = optuna.samplers.RandomSampler(seed=0)  # draws nothing: every param is given
        study.enqueue_trial(decision.params)
        drawn = distributions(rules.space)
        self._trial = study.ask({key: drawn[key] for key in decision.params})
        self._study = study
        self._decided = decision.system
        self._prunes = rules.pruner != "none"

    def report(self, epoch: int, value: float) -> None:
        """Take the metric after an epoch.

        Raises:
            optuna.TrialPruned: The trial is to end.
        """
        if not self._prunes:  # with two objectives, Optuna takes no report
            return
        self._trial.report(value, epoch)
        if self._trial.should_prune():
            raise optuna.TrialPruned

    @property
    def system(self) -> dict[str, Any]:
        """What sampler and pruner keep with the trial."""
        return self._decided | _system(self._study)


def trials_possible(rules: Rules) -> int:
    """Return how many trials the study can have: `trials`, or fewer if a grid has fewer combinations."""
    if rules.sampler != "grid":
        return rules.trials
    start = bool(within(rules.space, rules.first))
    return min(rules.trials, len(_grid(rules, start)) + start)


def study_of(rules: Rules, finished: Sequence[Finished]) -> optuna.Study:
    """Return finished trials as a study in memory, in order, with everything that is known of each."""
    return _study(rules, finished, [])


def _study(rules: Rules, history: Sequence[Finished], running: Sequence[Decision]) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study = optuna.create_study(
            study_name="study",  # Hyperband divides trials among its brackets by this name
            directions=["maximize" if goal == "accuracy" else "minimize" for goal in rules.objectives],
            pruner=_pruner(rules),
        )
        drawn = distributions(rules.space)
        study.add_trials([frozen(rules, drawn, trial) for trial in history])
        for decision in running:
            study.add_trial(
                create_trial(
                    state=TrialState.RUNNING,
                    params=decision.params,
                    distributions={key: drawn[key] for key in decision.params},
                    system_attrs=decision.system,
                )
            )
    return study


def frozen(rules: Rules, drawn: Mapping[str, BaseDistribution], trial: Finished) -> FrozenTrial:
    """Return a finished trial in Optuna's terms.

    Args:
        rules: Rules of the study.
        drawn: Distributions of the space.
        trial: The trial.
    """
    params = trial.decision.params
    values = None
    if trial.state == "COMPLETE":
        values = [trial.value if goal == "accuracy" else trial.macs for goal in rules.objectives]
    elif trial.state == "PRUNED" and trial.value is not None:
        values = [trial.value]
    notes: dict[str, Any] = {"seconds": trial.seconds}
    return create_trial(
        state=TrialState[trial.state],
        values=values,
        params=params,
        distributions={key: drawn[key] for key in params},
        user_attrs=notes | ({} if trial.reason is None else {"reason": trial.reason}) | trial.notes,
        system_attrs=trial.system,
        intermediate_values=trial.curve,
    )


def _sampler(rules: Rules, position: int) -> optuna.samplers.BaseSampler:
    """Return the sampler of one trial. It is seeded for that trial alone, so that its only state is the trials."""
    seed, startup = rules.seed_of(position), rules.startup_trials
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            if rules.sampler == "cma_es":
                independent = optuna.samplers.RandomSampler(seed=seed)
                return optuna.samplers.CmaEsSampler(
                    n_startup_trials=startup,
                    seed=seed,
                    independent_sampler=independent,
                    warn_independent_sampling=False,
                )
            if rules.sampler == "gp":
                return optuna.samplers.GPSampler(n_startup_trials=startup, seed=seed, warn_independent_sampling=False)
        except ImportError as error:
            package = {"cma_es": "cmaes", "gp": "torch"}[rules.sampler]
            raise ConfigError(
                f"tune.sampler: {rules.sampler} needs the package {package}, which cannot be imported ({error}). "
                f"Install it (pip install {package}), or set tune.sampler: tpe."
            ) from None
    if rules.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(n_startup_trials=startup, seed=seed)


def _pruner(rules: Rules) -> optuna.pruners.BasePruner:
    if rules.pruner == "none":
        return optuna.pruners.NopPruner()
    if rules.pruner == "hyperband":
        # Told the maximum: by itself it would take it from the first trial that completes, whichever that is.
        return optuna.pruners.HyperbandPruner(
            min_resource=rules.prune_after, max_resource=max(rules.epochs, rules.prune_after)
        )
    after = rules.prune_after if rules.pruner == "median" else 0
    median = optuna.pruners.MedianPruner(n_startup_trials=rules.startup_trials, n_warmup_steps=after)
    return median if rules.pruner == "median" else optuna.pruners.PatientPruner(median, patience=rules.prune_after)


def _suggest(trial: optuna.Trial, key: str, distribution: BaseDistribution) -> None:
    if isinstance(distribution, optuna.distributions.CategoricalDistribution):
        trial.suggest_categorical(key, distribution.choices)
    elif isinstance(distribution, optuna.distributions.IntDistribution):
        trial.suggest_int(key, distribution.low, distribution.high, step=distribution.step)
    elif isinstance(distribution, optuna.distributions.FloatDistribution):
        trial.suggest_float(key, distribution.low, distribution.high, log=distribution.log)


def _system(study: optuna.Study) -> dict[str, Any]:
    last = study.get_trials(deepcopy=False)[-1]
    return {key: value for key, value in last.system_attrs.items() if key != _FIXED}


def _grid(rules: Rules, with_baseline: bool) -> list[Params]:
    """Return every combination once, in random order; the baseline is left out if it is trial 0 already."""
    found: dict[str, Params] = {}
    keys = in_order(rules.space)
    for values in itertools.product(*(_values(rules.space, key) for key in keys)):
        params: Params = {}
        for key, value in zip(keys, values, strict=True):
            if rules.space[key].applies(params):
                params[key] = value
        found.setdefault(digest_of(params), params)
    if with_baseline:
        found.pop(digest_of(within(rules.space, rules.first)), None)
    points = list(found.values())
    return [points[index] for index in np.random.default_rng(rules.seed).permutation(len(points))]


def _values(space: SearchSpace, key: str) -> Sequence[Scalar]:
    part = space[key]
    if isinstance(part, FloatRange):
        raise ConfigError(f"tune.space.{key}: sampler: grid needs choices or integers. Received: a range of floats.")
    return part.values if isinstance(part, Choice) else range(part.low, part.high + 1, part.step)
