import json

import pandas as pd
import pytest
from tune_objective import SPACE, peak

from ferflow.train.recipe.search_space import Choice
from ferflow.tune.choice import Choice as Recommended
from ferflow.tune.rules import Rules
from ferflow.tune.study import run_study
from ferflow.tune.study_outputs import importance, trials_table, write_study


def best_of(study):
    return Recommended(study.best_trial, study.best_trial, None)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    journal = tmp_path_factory.mktemp("study") / "journal.json"
    return run_study(peak, Rules(space=SPACE, trials=25, seed=1, prune_after=1), journal=journal)


def test_files_tell_the_study(tmp_path, study):
    write_study(tmp_path / "cnn", study, best_of(study), SPACE, "cnn", "val_accuracy")
    best = json.loads((tmp_path / "cnn" / "best.json").read_text())
    assert list(best) == ["model", "params", "value", "trial", "best_trial", "p_value", "trials", "metric"]
    assert (best["model"], best["trials"], best["metric"]) == ("cnn", 25, "val_accuracy")
    assert peak(best["params"], lambda epoch, value: None) == best["value"]
    table = pd.read_csv(tmp_path / "cnn" / "trials.csv")
    assert list(table.columns) == ["number", "state", "value", "epochs", *sorted(SPACE)]
    assert list(table["number"]) == list(range(25))
    assert table.loc[table["state"] == "COMPLETE", "value"].max() == best["value"]
    assert (table.loc[table["state"] == "COMPLETE", "epochs"] == 5).all()
    assert table.loc[table["state"] == "FAIL", "value"].isna().all()
    assert set(table["network.width"]) <= {16, 32, 48, 64}
    shares = pd.read_csv(tmp_path / "cnn" / "importance.csv")
    assert set(shares["param"]) == set(SPACE)
    assert shares["share"].sum() == pytest.approx(1.0)
    assert shares["share"].is_monotonic_decreasing


def test_same_trials_same_bytes(tmp_path, study):
    for name in ("a", "b"):
        write_study(tmp_path / name, study, best_of(study), SPACE, "cnn", "val_accuracy")
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_a_study_before_leaves_nothing_behind(tmp_path, study):
    write_study(tmp_path / "cnn", study, best_of(study), SPACE, "cnn", "val_accuracy")
    one = run_study(peak, Rules(space=SPACE, trials=1, seed=1), journal=tmp_path / "journal.json")
    write_study(tmp_path / "cnn", one, best_of(one), SPACE, "cnn", "val_accuracy")
    names = {path.name for path in (tmp_path / "cnn").iterdir()}
    assert names == {"best.json", "best.yaml", "trials.csv", "curves.csv", "importance.csv"}
    assert set(importance(one).values()) == {0.0}  # one trial tells none


def test_importance_finds_the_param_that_matters(tmp_path):
    study = run_study(
        lambda params, report: params["network.dropout"],
        Rules(space=SPACE, trials=20, seed=3),
        journal=tmp_path / "j.json",
    )
    shares = importance(study)
    assert next(iter(shares)) == "network.dropout"
    assert shares["network.dropout"] > 0.8
    assert sum(shares.values()) == pytest.approx(1.0)


def test_trials_that_all_came_out_the_same(tmp_path):
    study = run_study(lambda params, report: 0.5, Rules(space=SPACE, trials=3, seed=3), journal=tmp_path / "j.json")
    write_study(tmp_path / "cnn", study, best_of(study), SPACE, "cnn", "val_accuracy")
    assert json.loads((tmp_path / "cnn" / "best.json").read_text())["trial"] == 0
    assert set(importance(study).values()) == {0.0}
    assert (pd.read_csv(tmp_path / "cnn" / "importance.csv")["share"] == 0).all()


def test_whole_numbers_stay_whole_beside_none(tmp_path):
    space = {"network.width": Choice(choices=(None, 64))}
    study = run_study(lambda params, report: 0.5, Rules(space=space, trials=8, seed=3), journal=tmp_path / "j.json")
    assert set(trials_table(study)["network.width"]) == {None, 64}
    write_study(tmp_path / "cnn", study, best_of(study), SPACE, "cnn", "val_accuracy")
    assert "64.0" not in (tmp_path / "cnn" / "trials.csv").read_text()
