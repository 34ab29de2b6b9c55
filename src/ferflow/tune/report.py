"""`reports/tune/<model>/`: what a study leaves for people and for the training of the tuned model."""

from pathlib import Path

import optuna
import pandas as pd
from optuna.trial import TrialState

from ferflow.base.files import whole_file, whole_folder, write_json
from ferflow.reporting import param_importance, save_figure, study_history
from ferflow.settings.training import SearchSpace
from ferflow.tune.figures import study_slices


def write_study(folder: Path, study: optuna.Study, space: SearchSpace, model: str, metric: str) -> None:
    """Write a study whole or not at all, the same bytes from the same trials.

    Args:
        folder: gets best.json, trials.csv, history.png, slices.png and importance.png.
        study: as `run_study` returns it.
        space: what it searched.
        model: name of the model tuned.
        metric: name of the metric, such as val_accuracy.
    """
    best = study.best_trial
    table = trials_table(study)
    with whole_folder(folder) as temporary:
        write_json(
            temporary / "best.json",
            {
                "model": model,
                "params": best.params,
                "value": best.value,
                "trial": best.number,
                "trials": len(study.trials),
                "metric": metric,
            },
        )
        with whole_file(temporary / "trials.csv") as path:
            table.to_csv(path, index=False, lineterminator="\n")
        label = {"val_accuracy": "validation accuracy", "val_macro_f1": "validation macro F1"}.get(metric, metric)
        save_figure(study_history(table, label), temporary / "history.png")
        save_figure(study_slices(table, space, label), temporary / "slices.png")
        shares = importance(study)
        alone = (table["state"] == "COMPLETE").sum() < 2
        unknown = "One trial completed, which tells no importance" if alone else "Every trial came out the same"
        title = "" if any(shares.values()) else unknown
        save_figure(param_importance(shares, title), temporary / "importance.png")


def trials_table(study: optuna.Study) -> pd.DataFrame:
    """Return a row for each trial: number (from 0), state, value, epochs, then a column for each param.

    `state` is COMPLETE, PRUNED or FAIL; `value` the metric, of a pruned trial the last one reported, of a
    failed one empty; `epochs` how many were reported.
    """
    trials = study.trials
    table = pd.DataFrame(
        {
            "number": [trial.number for trial in trials],
            "state": [trial.state.name for trial in trials],
            "value": [trial.value for trial in trials],
            "epochs": [len(trial.intermediate_values) for trial in trials],
        }
    )
    for key in sorted(trials[0].params):
        # As objects, or whole numbers beside a None would turn into fractions.
        table[key] = pd.Series([trial.params[key] for trial in trials], dtype=object)
    return table.astype({"value": "float64"})


def importance(study: optuna.Study) -> dict[str, float]:
    """Return the share of the metric's variance that each param explains, in [0, 1], the largest first.

    By functional ANOVA (Hutter et al. 2014) over the completed trials (one at least), with a fixed seed. All zero
    where there is one, or all came out the same.
    """
    completed = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len({trial.value for trial in completed}) == 1:
        return dict.fromkeys(sorted(completed[0].params), 0.0)
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {key: float(share) for key, share in sorted(shares.items(), key=lambda item: (-item[1], item[0]))}
