import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tune_objective import SPACE

from ferflow.settings.training import Tune
from ferflow.train.search_space import Choice, FloatRange, IntRange
from ferflow.tune.journal import study_key
from ferflow.tune.space import corners, within
from ferflow.tune.subset import stratified_rows


def tune(space, models=None):
    settings = {"models": models or {}, "space": space, "startup_trials": 1, "prune_after": 1, "train": {}}
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
    ],
)
def test_kind_of_range(text, kind):
    assert type(tune({"train.x": text}).space["train.x"]) is kind


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ({"low": 0.5, "high": 0.5}, "low must be below high"),
        ({"low": 9, "high": 3}, "low must be below high"),
        ({"low": 0, "high": 1, "log": True}, "above 0"),
        ({"low": 1, "high": 8, "step": 2}, "multiple of step"),
        ({"low": 1, "high": float("inf")}, "finite"),
        ({"low": 0.1, "hihg": 0.5}, "high"),
        ({"choices": []}, "at least 1"),
        ({"choices": (1, 1)}, "distinct"),
        (3, "object|dictionary|instance"),
    ],
)
def test_impossible_range_is_refused(text, told):
    with pytest.raises(ValidationError, match=told):
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


def test_study_key_distinguishes_settings_and_files(tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("1")
    paths = [tmp_path / "code"]
    before = study_key({"a": 1, "b": 2}, paths)
    assert study_key({"b": 2, "a": 1}, paths) == before
    assert study_key({"a": 1, "b": 3}, paths) != before
    (tmp_path / "code" / "a.pyc").write_text("compiled")
    assert study_key({"a": 1, "b": 2}, paths) == before
    (tmp_path / "code" / "a.py").write_text("2")
    assert study_key({"a": 1, "b": 2}, paths) != before
    (tmp_path / "code" / "a.py").rename(tmp_path / "code" / "b.py")
    (tmp_path / "code" / "b.py").write_text("1")
    assert study_key({"a": 1, "b": 2}, paths) != before


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
