"""One whole search with real trainings: what it recommends, and what it writes down of each trial."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ferflow.base.arrays import write_split
from ferflow.base.contracts import BestParams, read_contract
from ferflow.base.errors import ConfigError
from ferflow.base.hashing import sha256
from ferflow.train.recipe import SearchSettings
from ferflow.train.recipe.search_space import Choice, FloatRange
from ferflow.tune.crew import Crew
from ferflow.tune.search_run import tune_model
from ferflow.tune.trial_objective import check_context, context_of
from train_helpers import SMALL, resolved, separable


def search(**changes: Any) -> SearchSettings:
    """A search of three trials of three epochs."""
    usual = resolved(SMALL | {"dropout": 0.0}, epochs=3, learning_rate=0.02)
    common = {key: getattr(usual, key) for key in ("model", "architecture", "seed", "backend", "versions", "network")}
    rules: dict[str, Any] = {
        "space": {"train.learning_rate": FloatRange(low=1e-6, high=0.02, log=True)},
        "trials": 3,
        "images": None,
        "sampler": "tpe",
        "pruner": "median",
        "startup_trials": 5,
        "prune_after": 3,
        "ahead": 2,
        "threads": None,
        "retries": 0,
        "max_failures": 3,
        "objectives": ("accuracy",),
        "significance": 0.05,
    }
    return SearchSettings(**common, train=usual.train, **(rules | changes))


def write_data(folder: Path) -> None:
    write_split(folder, "train", separable(120))
    write_split(folder, "validation", separable(60, seed=1))


@pytest.mark.slow
def test_a_search_of_three_trials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = search()
    write_data(tmp_path / "data")
    report, log = tmp_path / "report", tmp_path / "log.json"
    tune_model(settings, data=tmp_path / "data", report=report, log=log, checkpoints=tmp_path / "checkpoints")

    best = read_contract(report / "best.json", BestParams, "tune@cnn")
    trials = pd.read_csv(report / "trials.csv")
    assert trials["train.learning_rate"][0] == 0.02, "the model's own settings come first"
    assert best.best_trial == trials["value"].idxmax()
    assert best.params == {"train.learning_rate": trials["train.learning_rate"][best.trial]}
    assert (best.trial == 0) or best.p_value <= 0.05
    assert "Recommended: " in capsys.readouterr().out
    times = json.loads(log.read_text())
    assert len(times["trial_seconds"]) == 3
    assert times["seconds"] == pytest.approx(sum(times["trial_seconds"]))
    assert times["trials_sha256"] == sha256(report / "trials.csv")
    assert not (tmp_path / "checkpoints").exists()

    # The same search by a worker, which is a process of `ferflow tune-worker`.
    shared = tmp_path / "shared"
    crew = Crew(workers=1, listen="127.0.0.1")
    tune_model(settings, data=tmp_path / "data", report=shared, log=log, checkpoints=tmp_path / "other", crew=crew)
    for file in sorted(report.iterdir()):
        assert (shared / file.name).read_bytes() == file.read_bytes(), file.name
    with pytest.raises(ConfigError, match=r"holds other images than the search's\. Get them: dvc pull data/prepare"):
        check_context(context_of(settings, tmp_path / "data"), context_of(settings, shared), shared)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rules", "states"),
    [
        ({"sampler": "cma_es", "pruner": "hyperband", "trials": 5, "startup_trials": 2, "prune_after": 1}, {"PRUNED"}),
        ({"sampler": "gp", "pruner": "patient", "trials": 4, "startup_trials": 2, "prune_after": 1}, set()),
    ],
)
def test_samplers_and_pruners_in_trainings(tmp_path: Path, rules: dict[str, Any], states: set[str]) -> None:
    package = {"cma_es": "cmaes", "gp": "torch"}[rules["sampler"]]
    pytest.importorskip(package)
    space = {
        "train.learning_rate": FloatRange(low=1e-6, high=0.02, log=True),
        "network.dropout": FloatRange(low=0.0, high=0.5),
    }
    write_data(tmp_path / "data")
    report = tmp_path / "report"
    settings = search(space=space, **rules)
    tune_model(settings, data=tmp_path / "data", report=report, log=tmp_path / "log", checkpoints=tmp_path / "state")
    trials = pd.read_csv(report / "trials.csv")
    assert len(trials) == rules["trials"]
    assert states <= set(trials["state"]) <= {"COMPLETE", "PRUNED"}
    assert (trials.loc[trials["state"] == "COMPLETE", "epochs"] == 3).all()


@pytest.mark.slow
def test_accuracy_against_cost_ends_in_a_front(tmp_path: Path) -> None:
    space = {"network.filters": Choice(choices=([2], [8], [32]))}
    settings = search(space=space, trials=3, sampler="grid", pruner="none", objectives=("accuracy", "macs"))
    write_data(tmp_path / "data")
    report = tmp_path / "report"
    tune_model(settings, data=tmp_path / "data", report=report, log=tmp_path / "log", checkpoints=tmp_path / "state")
    trials = pd.read_csv(report / "trials.csv")
    assert sorted(trials["macs"]) == list(trials.sort_values("network.filters", key=filters_of)["macs"])
    for _, trial in trials.iterrows():
        beaten = ((trials["value"] >= trial["value"]) & (trials["macs"] < trial["macs"])) | (
            (trials["value"] > trial["value"]) & (trials["macs"] <= trial["macs"])
        )
        assert trial["pareto"] != beaten.any()


def filters_of(column: pd.Series) -> pd.Series:
    return column.map(lambda text: json.loads(text)[0])
