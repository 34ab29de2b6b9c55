import json

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tune_objective import SPACE

from ferflow.base.files import write_text
from ferflow.settings.training import Tune
from ferflow.train.checkpoint import training_code
from ferflow.train.recipe.search_space import Choice, FloatRange, IntRange, decoded
from ferflow.tune.choice import Choice as Recommended
from ferflow.tune.journal import study_key
from ferflow.tune.rules import Rules
from ferflow.tune.space import corners, within
from ferflow.tune.study import run_study
from ferflow.tune.study_outputs import write_study
from ferflow.tune.subset import stratified_rows


def tune(space, models=None):
    rules = {"startup_trials": 1, "prune_after": 1, "significance": 0.05}
    rules |= {"sampler": "tpe", "pruner": "median", "ahead": 1, "threads": None, "retries": 1, "max_failures": 1}
    settings = {"models": models or {}, "space": space, "train": {}, "objectives": ["accuracy"]} | rules
    return Tune.model_validate(settings, strict=False)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ({"low": 0.1, "high": 0.5}, FloatRange),
        ({"low": 1, "high": 8}, IntRange),
        ({"low": 1, "high": 8, "step": 7}, IntRange),
        ({"low": 1, "high": 100, "log": True}, FloatRange),
        ({"low": 0, "high": 0.5}, FloatRange),
        ({"choices": ["adam", "sgd"]}, Choice),
        ({"choices": [1]}, Choice),
        ({"choices": [[16, 32], [32, 64]]}, Choice),
    ],
)
def test_kind_of_range(text, kind):
    assert type(tune({"train.x": text}).space["train.x"]) is kind


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ({"low": 0.5, "high": 0.5}, "low must be below high"),
        ({"low": 9, "high": 3}, "low must be below high"),
        ({"low": 0, "high": 1, "log": True}, "above 0"),
        ({"low": 1, "high": 8, "step": 2}, "multiple of step"),
        ({"low": 1, "high": float("inf")}, "finite"),
        ({"low": 0.1, "hihg": 0.5}, "high"),
        ({"choices": []}, "at least 1"),
        ({"choices": (1, 1)}, "distinct"),
        ({"choices": ([1, 2], [1, 2])}, "distinct"),
        ({"choices": ([1, 2], "[1, 2]")}, "distinct"),
        ({"choices": ({"a": 1}, {"a": 2})}, "by their own names"),
        (3, "object|dictionary|instance"),
    ],
)
def test_impossible_range_is_refused(text, fault):
    with pytest.raises(ValidationError, match=fault):
        tune({"train.x": text})


def test_tuning_without_a_space_is_refused():
    with pytest.raises(ValidationError, match="nothing to search"):
        tune({}, models={"cnn": "cnn"})


def test_corners_hold_every_end_and_choice():
    settings = corners(SPACE)
    assert {setting["train.learning_rate"] for setting in settings} == {1e-4, 1e-1}
    assert {setting["network.width"] for setting in settings} == {16, 64}
    assert {setting["train.augment.flip"] for setting in settings} == {True, False, None}
    assert all(set(setting) == set(SPACE) for setting in settings)
    assert corners({}) == []


def test_lists_are_drawn_as_text_and_arrive_as_lists(tmp_path):
    space = {
        "network.filters": Choice(choices=([16, 32], [32, 64], None)),
        "network.dropout": FloatRange(low=0.0, high=0.6, when={"network.filters": ([16, 32],)}),
    }
    assert within(space, {"network.filters": [32, 64]}) == {"network.filters": "[32, 64]"}
    assert within(space, {"network.filters": (16, 32), "network.dropout": 0.1}) == {
        "network.filters": "[16, 32]",
        "network.dropout": 0.1,
    }
    assert {str(corner["network.filters"]) for corner in corners(space)} == {"[16, 32]", "[32, 64]", "None"}

    def best_when_wide(params, report):
        assert ("network.dropout" in params) == (params["network.filters"] == "[16, 32]")
        return 0.9 if decoded(space, params)["network.filters"] == [32, 64] else 0.5

    rules = Rules(space=space, trials=12, seed=1, first=within(space, {"network.filters": [16, 32]}))
    study = run_study(best_when_wide, rules, journal=tmp_path / "journal.jsonl")
    best = max(study.trials, key=lambda trial: (trial.values[0], -trial.number))
    write_study(tmp_path / "out", study, Recommended(best, best, None), space, "cnn", "val_accuracy")
    assert json.loads((tmp_path / "out/best.json").read_text())["params"] == {"network.filters": [32, 64]}
    assert yaml.safe_load((tmp_path / "out/best.yaml").read_text())["models"]["cnn"]["network"]["filters"] == [32, 64]


def write_project(root):
    """Arrays and training code, as a study depends on them."""
    files = {"data/prepare/images.npy": "1", "src/ferflow/base/files.py": "2", "src/ferflow/train/loop.py": "3"}
    for name, text in files.items():
        write_text(root / name, text)
    return root / "data/prepare", sorted(root.glob("src/ferflow/*/*.py"))


def test_study_key_distinguishes_settings_and_files(tmp_path):
    data, code = write_project(tmp_path)
    before = study_key({"a": 1, "b": 2}, data, code)
    assert study_key({"b": 2, "a": 1}, data, code[::-1]) == before
    assert study_key({"a": 1, "b": 3}, data, code) != before
    assert study_key({"a": 1, "b": 2}, data, code[:1]) != before
    for file in (data / "images.npy", *code):
        text = file.read_text()
        file.write_text("changed")
        assert study_key({"a": 1, "b": 2}, data, code) != before
        file.write_text(text)
    assert study_key({"a": 1, "b": 2}, data, code) == before
    renamed = code[0].rename(code[0].with_name("renamed.py"))
    assert study_key({"a": 1, "b": 2}, data, [renamed, *code[1:]]) != before


def test_a_moved_project_keeps_its_study(tmp_path):
    here, there = (study_key({"a": 1}, *write_project(tmp_path / name)) for name in ("here", "elsewhere/deeper"))
    assert here == there


def test_every_source_of_a_training_is_in_the_key(tmp_path):
    data, _ = write_project(tmp_path)
    code = training_code("cnn")
    keys = {study_key({}, data, [source for source in code if source != left_out]) for left_out in code}
    assert len(keys) == len(code)


def test_within_keeps_what_the_space_allows():
    params = {
        "train.learning_rate": 1e-4,
        "network.width": True,
        "network.dropout": 0.61,
        "train.augment.flip": None,
        "train.epochs": 3,
    }
    assert within(SPACE, params) == {"train.augment.flip": None, "train.learning_rate": 1e-4}
    assert within(SPACE, {"network.width": 48}) == {"network.width": 48}
    assert within(SPACE, {"network.width": 48.5}) == {}


@settings(deadline=None)
@given(
    counts=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    images=st.integers(1, 300),
    seed=st.integers(0, 5),
)
def test_subset_is_stratified(counts, images, seed):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    rows = stratified_rows(labels, images, seed)
    assert len(rows) == min(max(images, len(counts)), len(labels))
    assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(rows, stratified_rows(labels, images, seed))
    chosen = np.bincount(labels[rows], minlength=len(counts))
    assert (chosen >= 1).all()
    share = np.array(counts) * min(images / len(labels), 1.0)
    # Within one row of the exact share, unless a class is so small that its one row is taken from the others.
    assert (chosen <= np.ceil(share).clip(1)).all()
    if (share >= 1).all():
        assert (chosen >= np.floor(share)).all()


def test_subset_differs_by_seed_and_none_is_all():
    labels = np.repeat(np.arange(3), 50)
    assert not np.array_equal(stratified_rows(labels, 30, 1), stratified_rows(labels, 30, 2))
    np.testing.assert_array_equal(stratified_rows(labels, None, 1), np.arange(150))
