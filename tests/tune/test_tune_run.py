"""One whole search with real trainings: what it recommends, and what it writes down of each trial."""

import json
from pathlib import Path

import pandas as pd
import pytest

from ferflow.base.arrays import write_split
from ferflow.base.contracts import BestParams, read_contract
from ferflow.base.hashing import sha256
from ferflow.train.recipe import SearchSettings
from ferflow.train.search_space import FloatRange
from ferflow.tune.search_run import tune_model
from train_helpers import SMALL, resolved, separable


@pytest.mark.slow
def test_a_search_of_three_trials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usual = resolved(SMALL | {"dropout": 0.0}, epochs=3, learning_rate=0.02)
    common = {key: getattr(usual, key) for key in ("model", "architecture", "seed", "backend", "versions", "network")}
    settings = SearchSettings(
        **common,
        train=usual.train,
        space={"train.learning_rate": FloatRange(low=1e-6, high=0.02, log=True)},
        trials=3,
        images=None,
        startup_trials=5,
        prune_after=3,
        significance=0.05,
    )
    write_split(tmp_path / "data", "train", separable(120))
    write_split(tmp_path / "data", "validation", separable(60, seed=1))
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
