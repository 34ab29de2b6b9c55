"""`reports/tune/<model>/`: what a search leaves for the stages after it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import yaml
from optuna.trial import FrozenTrial, TrialState

from ferflow.base.contracts import BestParams
from ferflow.base.dotted import merge, nest
from ferflow.base.files import whole_folder, write_csv, write_json, write_text
from ferflow.train.recipe.search_space import SearchSpace, decoded
from ferflow.tune.choice import Choice


def write_study(folder: Path, study: optuna.Study, choice: Choice, space: SearchSpace, model: str, metric: str) -> None:
    """Write a study atomically; the same trials give the same bytes.

    Args:
        folder: Folder for best.json, best.yaml, trials.csv, curves.csv and importance.csv.
        study: Study as `run_study` returns it.
        choice: The trial that is recommended.
        space: What was searched.
        model: Name of the model searched.
        metric: Name of the metric, such as val_accuracy.
    """
    found = BestParams(
        model=model,
        params=decoded(space, choice.trial.params),
        value=choice.trial.values[0],
        trial=choice.trial.number,
        best_trial=choice.best.number,
        p_value=choice.p_value,
        trials=len(study.trials),
        metric=metric,
    )
    shares = importance(study)
    about = f"Trial {found.trial} of the search of {model} ({metric} {found.value}): paste it into params.yaml."
    with whole_folder(folder) as temporary:
        write_json(temporary / "best.json", found.to_json())
        write_text(temporary / "best.yaml", f"# {about}\n{_pasted(model, found.params)}")
        write_csv(temporary / "trials.csv", trials_table(study))
        write_csv(temporary / "curves.csv", curves_table(study))
        write_csv(temporary / "importance.csv", pd.DataFrame({"param": list(shares), "share": list(shares.values())}))


def trials_table(study: optuna.Study) -> pd.DataFrame:
    """Return a row for each trial: number (from 0), state, value, epochs, then a column for each param.

    `state` is COMPLETE, PRUNED or FAIL; `value` is the metric: of a pruned trial the last one reported, of a failed
    one empty; `epochs` is how many were reported. A study with two objectives also has `macs` and `pareto`: whether no
    other trial is better in both. A param that a trial does not have is empty.
    """
    trials = study.trials
    columns: dict[str, Any] = {
        "number": [trial.number for trial in trials],
        "state": [trial.state.name for trial in trials],
        "value": pd.Series([trial.values[0] if trial.values else None for trial in trials], dtype="float64"),
        "epochs": [len(trial.intermediate_values) for trial in trials],
    }
    if len(study.directions) > 1:
        front = {trial.number for trial in study.best_trials}
        macs = [int(trial.values[1]) if trial.values else None for trial in trials]
        columns["macs"] = pd.Series(macs, dtype=object)
        columns["pareto"] = [trial.number in front for trial in trials]
    for key in sorted({key for trial in trials for key in trial.params}):
        # As objects, because integers next to a None would turn into floats.
        columns[key] = pd.Series([trial.params.get(key) for trial in trials], dtype=object)
    return pd.DataFrame(columns)


def curves_table(study: optuna.Study) -> pd.DataFrame:
    """Return a row for each epoch of each trial: number of the trial (from 0), epoch (from 1), value of the metric."""
    rows = [
        (trial.number, epoch, value)
        for trial in study.trials
        for epoch, value in sorted(trial.intermediate_values.items())
    ]
    table = pd.DataFrame(rows, columns=["number", "epoch", "value"])
    return table.astype({"number": "int64", "epoch": "int64", "value": "float64"})


def importance(study: optuna.Study) -> dict[str, float]:
    """Return the share of the metric's variance that each param explains, in [0, 1], largest first.

    By functional ANOVA (Hutter et al. 2014) over the completed trials (at least one) and the params that all of them
    have, with a fixed seed. All zero if there is only one trial, or all have the same value.
    """
    completed = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    shared = sorted(set.intersection(*(set(trial.params) for trial in completed)))
    if len({trial.values[0] for trial in completed}) == 1 or not shared:
        return dict.fromkeys(shared, 0.0)
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    target = None if len(study.directions) == 1 else _first_value
    shares = optuna.importance.get_param_importances(study, evaluator=evaluator, target=target)
    return {key: float(share) for key, share in sorted(shares.items(), key=lambda item: (-item[1], item[0]))}


def _first_value(trial: FrozenTrial) -> float:
    return float(trial.values[0])


def _pasted(model: str, params: Mapping[str, Any]) -> str:
    block: dict[str, Any] = {}
    for key, value in sorted(params.items()):
        block = merge(block, nest(key, value))
    return yaml.safe_dump({"models": {model: block}}, sort_keys=True, allow_unicode=True)
