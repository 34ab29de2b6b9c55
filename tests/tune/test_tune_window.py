"""Samplers, pruners, conditions and objectives: each a function of the results that a trial may know."""

from pathlib import Path

import pandas as pd
import pytest
import yaml
from pydantic import ValidationError
from tune_objective import SPACE, peak

from ferflow.base.errors import ModelError
from ferflow.settings.training import Tune
from ferflow.train.recipe.search_space import Choice, FloatRange, IntRange
from ferflow.tune.choice import Choice as Recommended
from ferflow.tune.journal import Journal
from ferflow.tune.rules import Decision, Finished, Rules
from ferflow.tune.study import Plan, run_plan, run_study
from ferflow.tune.study_outputs import trials_table, write_study
from ferflow.tune.trial_run import Tried
from ferflow.tune.window import decide

RULES = Rules(space=SPACE, trials=12, seed=3, startup_trials=3, prune_after=1, ahead=3, epochs=5)
PACKAGES = {"cma_es": "cmaes", "gp": "torch"}
SEARCH = {
    "models": {"cnn": "cnn"}, "train": {}, "sampler": "tpe", "pruner": "median", "startup_trials": 1, "prune_after": 1,
    "ahead": 1, "threads": None, "retries": 1, "max_failures": 1, "objectives": ["accuracy"], "significance": 0.05,
}  # fmt: skip


def table(folder: Path, rules: Rules, objective=peak) -> pd.DataFrame:
    return trials_table(run_study(objective, rules, journal=folder / "journal.jsonl"))


@pytest.mark.parametrize(
    ("sampler", "pruner"),
    [
        ("cma_es", "median"),
        ("gp", "median"),
        ("random", "hyperband"),
        ("tpe", "patient"),
        ("tpe", "hyperband"),
        ("tpe", "none"),
    ],
)
def test_a_resumed_study_is_the_same(tmp_path: Path, sampler: str, pruner: str) -> None:
    if sampler in PACKAGES:
        pytest.importorskip(PACKAGES[sampler])
    rules = RULES.model_copy(update={"sampler": sampler, "pruner": pruner})
    whole = table(tmp_path / "whole", rules)
    ran = []

    def stopping(params, report):
        ran.append(params)
        if len(ran) == 8:
            raise KeyboardInterrupt
        return peak(params, report)

    with pytest.raises(KeyboardInterrupt):
        table(tmp_path / "killed", rules, stopping)
    pd.testing.assert_frame_equal(table(tmp_path / "killed", rules), whole)
    assert (pruner == "none") == (not (whole["state"] == "PRUNED").any()) or pruner == "patient"


def test_results_within_the_window_change_no_decision(tmp_path: Path) -> None:
    plan = Plan(RULES, tmp_path / "journal.jsonl")
    run_plan(plan, peak)
    history, running = plan.history(9), plan.running(9)
    assert (len(history), len(running)) == (7, 2)
    assert decide(RULES, history, running) == plan.decision(9)
    worse = history[-1].model_copy(update={"state": "FAIL", "value": None})
    assert decide(RULES, [*history[:-1], worse], running) != plan.decision(9)


def test_a_grid_tries_every_combination_once(tmp_path: Path) -> None:
    space = {
        "train.optimizer": Choice(choices=("adamw", "sgd")),
        "train.momentum": Choice(choices=(0.8, 0.9), when={"train.optimizer": ("sgd",)}),
        "network.width": IntRange(low=16, high=32, step=16),
    }
    rules = Rules(
        space=space, trials=50, seed=1, sampler="grid", first={"train.optimizer": "adamw", "network.width": 16}
    )
    rows = table(tmp_path, rules, lambda params, report: 0.5)
    assert len(rows) == 6
    assert len(rows.astype(str).drop_duplicates(list(space))) == 6
    assert rows["train.momentum"].isna().equals(rows["train.optimizer"] == "adamw")
    assert rows.loc[0, "network.width"] == 16


def test_a_condition_is_searched_only_where_it_holds(tmp_path: Path) -> None:
    space = {
        "train.optimizer": Choice(choices=("adamw", "sgd")),
        "train.momentum": FloatRange(low=0.5, high=0.9, when={"train.optimizer": ("sgd",)}),
    }
    rules = Rules(space=space, trials=10, seed=1, startup_trials=2)
    rows = table(tmp_path, rules, lambda params, report: params.get("train.momentum", 0.6))
    assert set(rows["train.optimizer"]) == {"adamw", "sgd"}
    assert rows["train.momentum"].isna().equals(rows["train.optimizer"] == "adamw")


def test_two_objectives_give_a_front_and_the_best_by_accuracy(tmp_path: Path) -> None:
    rules = RULES.model_copy(update={"objectives": ("accuracy", "macs"), "pruner": "none"})

    def costly(params, report):
        return Tried(peak(params, report), macs=1000 * params["network.width"])

    study = run_study(costly, rules, journal=tmp_path / "journal.jsonl")
    rows = trials_table(study)
    done = rows[rows["state"] == "COMPLETE"]
    for _, row in done.iterrows():
        better = done[(done["value"] >= row["value"]) & (done["macs"] <= row["macs"])]
        better = better[(better["value"] > row["value"]) | (better["macs"] < row["macs"])]
        assert row["pareto"] == better.empty
    best = max(study.best_trials, key=lambda trial: trial.values[0])
    write_study(tmp_path / "out", study, Recommended(best, best, None), rules.space, "cnn", "val_accuracy")
    pasted = yaml.safe_load((tmp_path / "out/best.yaml").read_text())["models"]["cnn"]
    assert pasted["network"]["width"] == best.params["network.width"]


def test_failures_in_succession_end_the_study(tmp_path: Path) -> None:
    tried = []

    def failing(params, report):
        tried.append(params)
        raise ModelError("the kernel is larger than the image")

    with pytest.raises(ModelError, match=r"4 trials in succession failed, up to trial 3: the kernel is larger"):
        run_study(failing, RULES.model_copy(update={"max_failures": 4}), journal=tmp_path / "journal.jsonl")
    assert len(tried) == 4


def finished(position: int) -> Finished:
    return Finished(decision=Decision(position=position, params={"a": 1}), state="COMPLETE", value=0.1, curve={1: 0.1})


@pytest.mark.parametrize(
    ("damage", "kept", "said"),
    [
        (lambda data: data[:-9], [0, 1], "line 4"),  # a power cut
        (lambda data: data[:-1], [0, 1, 2], ""),
        (lambda data: data.replace(b'"position":1', b'"position":7'), [0, 2], "line 3"),
        (lambda data: b"", [], "damaged"),
        (lambda data: b"\x00" * len(data), [], "damaged"),
        (lambda data: data[5:], [], "damaged"),
        (lambda data: b'{"key": "ab', [], "damaged"),
        (lambda data: b"ffffffff []\n", [], "damaged"),
    ],
)
def test_a_damaged_journal_keeps_what_is_whole(
    tmp_path: Path, damage, kept: list[int], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, "key")
    for position in range(3):
        assert journal.add(finished(position))
    path.write_bytes(damage(path.read_bytes()))
    again = Journal(path, "key")
    assert sorted(again.trials) == kept
    assert said in capsys.readouterr().err
    for position in range(4):
        again.add(finished(position))
    assert sorted(Journal(path, "key").trials) == [0, 1, 2, 3]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"space": {"a": {"choices": [1], "when": {"b": [1]}}}}, "no other key"),
        ({"space": {"a": {"choices": [1], "when": {"b": []}}, "b": {"choices": [1]}}}, "never be searched"),
        (
            {"space": {"a": {"choices": [1], "when": {"b": [1]}}, "b": {"choices": [1], "when": {"a": [1]}}}},
            "in a circle",
        ),
        ({"sampler": "grid", "space": {"a": {"low": 0.1, "high": 1.0}}}, "grid needs choices or integers"),
        ({"objectives": ["accuracy", "macs"]}, "need pruner: none"),
        ({"objectives": ["macs"], "pruner": "none"}, r"must be \[accuracy\] or"),
    ],
)
def test_impossible_rules_are_refused(change: dict, fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        Tune.model_validate({"space": {"a": {"choices": [1]}}, **SEARCH, **change}, strict=False)
