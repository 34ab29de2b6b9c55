"""The best trial is recommended only if the validation images can tell it from the baseline."""

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from ferflow.tune.choice import choose_trial, describe

SPACE = {"train.learning_rate": FloatDistribution(0.0, 1.0)}
IMAGES = 200


def study_of(*right, first=TrialState.COMPLETE):
    """A study whose trial k has learning rate k / 10 and predicts the first right[k] of the images correctly."""
    study = optuna.create_study(direction="maximize")
    for number, count in enumerate(right):
        state = first if number == 0 else TrialState.COMPLETE
        value = count / IMAGES if state == TrialState.COMPLETE else None
        params = {"train.learning_rate": number / 10}
        study.add_trial(create_trial(state=state, value=value, params=params, distributions=SPACE))

    def correct(trial):
        return np.arange(IMAGES) < right[trial.number]

    return study, correct


def chosen(study, correct, baseline=0.0, significance=0.05):
    return choose_trial(study, {"train.learning_rate": baseline}, correct, significance)


def test_a_lucky_trial_does_not_replace_the_baseline():
    choice = chosen(*study_of(140, 143, 138))
    assert (choice.trial.number, choice.best.number) == (0, 1)
    assert choice.p_value == pytest.approx(0.25), "three images that only one of them gets right"
    assert describe(choice, "val_accuracy") == (
        "Recommended: the baseline, trial 0 (val_accuracy 0.7000). The search cannot tell its trials apart from it: "
        "the best, trial 1 (0.7150), by McNemar's test p = 0.250."
    )


def test_a_better_trial_replaces_the_baseline():
    choice = chosen(*study_of(140, 138, 160))
    assert choice.trial.number == choice.best.number == 2
    assert choice.p_value == pytest.approx(2 * 0.5**20)
    assert "better than the baseline" in describe(choice, "val_accuracy")


def test_significance_decides():
    study, correct = study_of(140, 143)
    assert chosen(study, correct, significance=0.3).trial.number == 1
    assert chosen(study, correct, significance=0.2).trial.number == 0
    assert chosen(study, correct, significance=1.0).trial.number == 1
    ties = study_of(140, 140)
    assert chosen(*ties, significance=1.0).trial.number == 0


def test_without_a_baseline_the_best_trial_is_recommended():
    for study, correct, baseline in (
        (*study_of(140, 143), 0.7),  # the space does not allow the model's own settings
        (*study_of(140, 143, first=TrialState.FAIL), 0.0),
    ):
        choice = chosen(study, correct, baseline)
        assert (choice.trial.number, choice.p_value) == (1, None)
        assert "no completed baseline" in describe(choice, "val_accuracy")
    choice = chosen(*study_of(143, 140))
    assert (choice.trial.number, choice.p_value) == (0, None)
    assert "the baseline itself" in describe(choice, "val_accuracy")
