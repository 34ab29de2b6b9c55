"""`reports/tune/<model>/`: what a search leaves for the stages after it."""

from pathlib import Path

import optuna
import pandas as pd
from optuna.trial import TrialState

from ferflow.base.contracts import BestParams
from ferflow.base.files import whole_folder, write_csv, write_json
from ferflow.tune.choice import Choice


def write_study(folder: Path, study: optuna.Study, choice: Choice, model: str, metric: str) -> None:
    """Write a study atomically; the same trials give the same bytes.

    Args:
        folder: Folder for best.json, trials.csv and importance.csv.
        study: Study as `run_study` returns it.
        choice: The trial that is recommended.
        model: Name of the model searched.
        metric: Name of the metric, such as val_accuracy.
    """
    found = BestParams(
        model=model,
        params=choice.trial.params,
        value=choice.trial.value,
        trial=choice.trial.number,
        best_trial=choice.best.number,
        p_value=choice.p_value,
        trials=len(study.trials),
        metric=metric,
    )
    shares = importance(study)
    with whole_folder(folder) as temporary:
        write_json(temporary / "best.json", found.to_json())
        write_csv(temporary / "trials.csv", trials_table(study))
        write_csv(temporary / "importance.csv", pd.DataFrame({"param": list(shares), "share": list(shares.values())}))


def trials_table(study: optuna.Study) -> pd.DataFrame:
    """Return a row for each trial: number (from 0), state, value, epochs, then a column for each param.

    `state` is COMPLETE, PRUNED or FAIL; `value` is the metric: of a pruned trial the last one reported, of a failed
    one empty; `epochs` is how many were reported.
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
        # As objects, because integers next to a None would turn into floats.
        table[key] = pd.Series([trial.params[key] for trial in trials], dtype=object)
    return table.astype({"value": "float64"})


def importance(study: optuna.Study) -> dict[str, float]:
    """Return the share of the metric's variance that each param explains, in [0, 1], largest first.

    By functional ANOVA (Hutter et al. 2014) over the completed trials (at least one), with a fixed seed. All zero if
    there is only one, or all have the same value.
    """
    completed = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len({trial.value for trial in completed}) == 1:
        return dict.fromkeys(sorted(completed[0].params), 0.0)
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {key: float(share) for key, share in sorted(shares.items(), key=lambda item: (-item[1], item[0]))}
