import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from optuna.trial import TrialState
from tune_objective import SPACE, peak

from ferflow.base.errors import ModelError
from ferflow.train.recipe.search_space import Choice, FloatRange
from ferflow.tune.choice import Choice as Recommended
from ferflow.tune.rules import Rules
from ferflow.tune.study import run_study
from ferflow.tune.study_outputs import write_study

TRIALS = 14


class BugError(Exception):
    """Something that no one expects."""


def study_of(folder, space, objective=peak, **changes):
    settings = {"trials": TRIALS, "seed": 7, "startup_trials": 4, "prune_after": 1, **changes}
    context = settings.pop("context", "")
    return run_study(objective, Rules(space=space, **settings), journal=folder / "journal.jsonl", context=context)


def files_of(folder, study, space):
    write_study(
        folder / "out", study, Recommended(study.best_trial, study.best_trial, None), space, "cnn", "val_accuracy"
    )
    return {path.name: path.read_bytes() for path in (folder / "out").iterdir()}


def stopping_at(trial, epoch):
    """The objective, which breaks off in one epoch of one trial."""
    seen = []

    def objective(params, report):
        seen.append(params)

        def watched(now, value):
            if len(seen) == trial + 1 and now == epoch:
                raise BugError
            report(now, value)

        return peak(params, watched)

    return objective


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The files of a study that was never stopped."""
    folder = tmp_path_factory.mktemp("whole")
    study = study_of(folder, SPACE)
    states = {trial.state for trial in study.trials}
    assert states == {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}, "the tests below need all three"
    return files_of(folder, study, SPACE)


def test_finds_a_better_setting_than_its_random_trials(tmp_path):
    study = study_of(tmp_path, SPACE, trials=40)
    random = max(trial.value for trial in study.trials[:4] if trial.state == TrialState.COMPLETE)
    assert study.best_value > random + 0.05
    assert study.best_value > 0.75


@pytest.mark.parametrize("trial", [0, 1, 4, 9, 13])
def test_a_bug_is_not_swallowed_and_the_study_then_goes_on_as_if_never_stopped(tmp_path, whole, trial):
    with pytest.raises(BugError):
        study_of(tmp_path, SPACE, stopping_at(trial, epoch=1))
    tried = []

    def counted(params, report):
        tried.append(params)
        return peak(params, report)

    study = study_of(tmp_path, SPACE, counted)
    assert len(tried) == TRIALS - trial
    assert files_of(tmp_path, study, SPACE) == whole


def test_killed_study_ends_with_the_bytes_of_one_never_stopped(tmp_path, whole):
    for kill_at in (3, 4, 0):  # trials of each process's own; the last one is never reached
        done = subprocess.run([sys.executable, __file__, str(tmp_path), str(kill_at)], capture_output=True, text=True)
        assert done.returncode == (-signal.SIGKILL if kill_at else 0), done.stderr
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == whole


def test_journal_of_another_study_is_not_used(tmp_path):
    study_of(tmp_path, SPACE, trials=2)
    for change in ({"seed": 8}, {"context": "other images"}, {"startup_trials": 5}, {"prune_after": 2}):
        tried = []
        with pytest.raises(BugError):
            study_of(
                tmp_path,
                SPACE,
                lambda params, report, tried=tried: tried.append(params) or _raise(),
                **change,
            )
        assert len(tried) == 1
    narrower = {**SPACE, "network.dropout": FloatRange(low=0.0, high=0.5)}
    with pytest.raises(BugError):
        study_of(tmp_path, narrower, lambda params, report: _raise(), trials=2)
    assert len(study_of(tmp_path, SPACE, lambda params, report: _raise(), trials=2).trials) == 2


def test_damaged_journal_means_a_new_start(tmp_path, whole):
    (tmp_path / "journal.json").write_text('{"key": "ab')
    assert files_of(tmp_path, study_of(tmp_path, SPACE), SPACE) == whole


def test_first_setting_is_tried_first_as_far_as_the_space_allows_it(tmp_path):
    first = {"train.learning_rate": 0.01, "network.width": 40, "train.augment.flip": None, "other": 3}
    study = study_of(tmp_path, SPACE, trials=2, first=first)
    params = study.trials[0].params
    assert params["train.learning_rate"] == 0.01
    assert params["train.augment.flip"] is None
    assert params["network.width"] in (16, 32, 48, 64)  # 40 is between two steps
    assert set(params) == set(SPACE)
    assert study.trials[1].params["train.learning_rate"] != 0.01


def test_order_of_the_space_in_the_file_changes_nothing(tmp_path, whole):
    turned = dict(reversed(SPACE.items()))
    assert files_of(tmp_path, study_of(tmp_path, turned), turned) == whole


def test_hopeless_trials_end_early_but_not_before_prune_after(tmp_path):
    study = study_of(tmp_path, SPACE, trials=30, prune_after=3)
    pruned = [trial for trial in study.trials if trial.state == TrialState.PRUNED]
    assert pruned
    assert all(trial.last_step >= 3 for trial in pruned)
    assert any(trial.last_step < 5 for trial in pruned)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_metric_that_is_no_number_fails_the_trial(tmp_path, wrong):
    values = iter([0.5, wrong, 0.6])
    study = study_of(tmp_path, SPACE, lambda params, report: next(values), trials=3)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "FAIL", "COMPLETE"]
    assert study.best_trial.number == 2


def test_no_completed_trial_is_an_error_that_says_why(tmp_path):
    def failing(params, report):
        raise ModelError("the kernel is larger than the image")

    with pytest.raises(ModelError, match=r"None of the 3 trials .* the kernel is larger than the image"):
        study_of(tmp_path, SPACE, failing, trials=3)


def test_says_how_far_it_is(tmp_path, capsys):
    study_of(tmp_path, {"train.label_smoothing": Choice(choices=(0.1,))}, lambda params, report: 0.5, trials=2)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "trial 0 (1/2): train.label_smoothing 0.1"
    assert lines[1].startswith("trial 0 (1/2): 0.5000; best 0.5000 in trial 0; ")


def _raise():
    raise BugError


if __name__ == "__main__":  # a process of the test of a killed study

    def kill_me_in(own_trial):
        seen = []

        def objective(params, report):
            seen.append(params)
            if len(seen) == own_trial:
                os.kill(os.getpid(), signal.SIGKILL)
            return peak(params, report)

        return objective

    here = Path(sys.argv[1])
    files_of(here, study_of(here, SPACE, kill_me_in(int(sys.argv[2]))), SPACE)
