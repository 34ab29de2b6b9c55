"""The figures of merit against scikit-learn's own, over many random sets."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from ferflow.base import metrics as foundation
from ferflow.evaluate.agreement import score_agreement
from ferflow.evaluate.calibration import calibration, probability_scores
from ferflow.evaluate.resampling import bootstrap
from ferflow.evaluate.scores import score
from ferflow.evaluate.selective import accuracy_at, risk_coverage
from ferflow.reporting.confusion import class_scores, interval
from ferflow.reporting.set_metrics import SetMetrics
from ferflow.scoring.predictions import Predictions

NAMES = ("angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise")


@st.composite
def answered(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Labels, probabilities and names: any number of classes, some of which may not occur."""
    classes = draw(st.integers(2, 8))
    images = draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = rng.integers(0, draw(st.integers(1, classes)), images)
    sharpness = draw(st.sampled_from([0.1, 1.0, 6.0]))
    logits = sharpness * (rng.normal(size=(images, classes)) + 2 * np.eye(classes)[labels])
    if draw(st.booleans()):
        logits = np.round(logits)  # ties
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return labels, (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32), NAMES[:classes]


def part(labels: np.ndarray, probabilities: np.ndarray, classes: tuple[str, ...] | None = None) -> Predictions:
    """Predictions on images that have no copies."""
    index = pd.DataFrame({"id": range(len(labels)), "subset": "test", "group": range(len(labels))})
    return Predictions(index, labels, probabilities, classes or NAMES[: probabilities.shape[1]])


def scored(case: tuple[np.ndarray, np.ndarray, tuple[str, ...]], temperature: float = 1.0) -> SetMetrics:
    return score(part(*case), temperature, resamples=100, confidence=0.95, seed=0)


@given(answered())
@settings(max_examples=100, deadline=None)
def test_every_score_is_scikit_learns(case: tuple[np.ndarray, np.ndarray, tuple[str, ...]]) -> None:
    labels, probabilities, classes = case
    block = scored(case).to_json()
    predicted, every = probabilities.argmax(axis=1), range(len(classes))
    expected = {
        "images": len(labels),
        "accuracy": sk.accuracy_score(labels, predicted),
        "macro_f1": sk.f1_score(labels, predicted, labels=every, average="macro", zero_division=0),
        "macro_precision": sk.precision_score(labels, predicted, labels=every, average="macro", zero_division=0),
        "macro_recall": sk.recall_score(labels, predicted, labels=every, average="macro", zero_division=0),
        "balanced_accuracy": sk.recall_score(labels, predicted, labels=np.unique(labels), average="macro"),
        "log_loss": foundation.log_loss(labels, probabilities),
    }
    for name, value in expected.items():
        assert block[name] == pytest.approx(value, abs=2e-6), name
    assert block["macro_f1"] == pytest.approx(foundation.macro_f1(labels, predicted, len(classes)), abs=1e-6)
    each = sk.precision_recall_fscore_support(labels, predicted, labels=every, zero_division=0)
    for place, name in enumerate(classes):
        values = block["per_class"][name]
        for kind, numbers in zip(("precision", "recall", "f1", "support"), each, strict=True):
            assert values[kind] == pytest.approx(numbers[place], abs=1e-6)
    assert block["accuracy"] <= block["top2_accuracy"] <= 1
    assert 0 <= block["ece"] <= 1
    for name in ("accuracy", "macro_f1"):
        assert 0 <= block[f"{name}_low"] <= block[f"{name}_high"] <= 1


@given(answered())
@settings(max_examples=60, deadline=None)
def test_log_loss_and_top_two_are_scikit_learns_where_it_defines_them(
    case: tuple[np.ndarray, np.ndarray, tuple[str, ...]],
) -> None:
    labels, probabilities, classes = case
    block = scored(case)
    every = np.arange(len(classes))
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    if exact[np.arange(len(labels)), labels].min() > 1e-6:  # ours is clipped below 1e-7
        assert block.log_loss == pytest.approx(sk.log_loss(labels, exact, labels=every), abs=1e-5)
    sorted_rows = np.sort(probabilities, axis=1)
    no_ties = (np.diff(sorted_rows, axis=1) > 0).all(axis=1)
    if len(classes) > 2 and no_ties.all():
        assert block.top2_accuracy == pytest.approx(
            sk.top_k_accuracy_score(labels, probabilities, k=2, labels=every), abs=1e-6
        )


@given(answered())
@settings(max_examples=60, deadline=None)
def test_calibration_counts_every_image_once_and_within_its_bin(
    case: tuple[np.ndarray, np.ndarray, tuple[str, ...]],
) -> None:
    labels, probabilities, _ = case
    bins = calibration(labels, probabilities)
    assert len(bins) == 15
    assert bins["images"].sum() == len(labels)
    used = bins[bins["images"] > 0]
    assert (used["confidence"] > used["low"] - 1e-6).all()
    assert (used["confidence"] <= used["high"] + 1e-6).all()
    assert (used["accuracy"] * used["images"]).sum() == pytest.approx((probabilities.argmax(axis=1) == labels).sum())


def test_calibration_error_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]], np.float32)
    labels = np.array([0, 1, 0, 0])  # at 0.9: half right; at 0.6: all right
    scores = probability_scores(labels, probabilities)
    assert scores.ece == pytest.approx((2 * 0.4 + 2 * 0.4) / 4, abs=1e-6)
    assert scores.classwise_ece == pytest.approx(0.4, abs=1e-6), "of two classes, one error is the other's"
    assert scores.brier == pytest.approx((2 * 0.01 + 2 * 0.81 + 4 * 0.16) / 4, abs=1e-6)


def test_bootstrap_is_that_of_resampled_images() -> None:
    """Where no image has a copy, groups are images."""
    rng = np.random.default_rng(0)
    labels = rng.choice(4, 300, p=[0.55, 0.3, 0.1, 0.05])
    predicted = np.where(rng.random(300) < 0.7, labels, rng.integers(0, 4, 300))
    fast = np.stack(bootstrap(part(labels, np.eye(4)[predicted]), 4000, seed=1))
    drawn = rng.integers(0, 300, (4000, 300))
    cells = (4 * labels + predicted)[drawn]
    slow_counts = np.stack([np.bincount(row, minlength=16).reshape(4, 4) for row in cells])
    slow = np.stack([np.trace(slow_counts, axis1=1, axis2=2) / 300, class_scores(slow_counts)[2].mean(axis=1)])
    assert np.allclose(fast.mean(axis=1), slow.mean(axis=1), atol=0.004)
    assert np.allclose(fast.std(axis=1), slow.std(axis=1), rtol=0.06)
    for one, other in zip(fast, slow, strict=True):
        assert np.allclose(interval(one, 0.95), interval(other, 0.95), atol=0.01)


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for trial in range(300):
        right = rng.random(200) < 0.7
        answers = part(np.zeros(200, np.int64), np.eye(2)[np.where(right, 0, 1)])
        low, high = interval(bootstrap(answers, 500, seed=trial)[0], 0.9)
        covered += low <= 0.7 <= high
    assert 0.85 <= covered / 300 <= 0.95


def test_intervals_narrow_with_confidence_and_depend_on_the_seed_alone() -> None:
    labels = np.repeat([0, 1], [40, 60])
    answers = part(labels, np.eye(2)[np.repeat([0, 1, 0, 1], [30, 10, 5, 55])])
    accuracy, _ = bootstrap(answers, 1000, seed=1)
    assert np.array_equal(accuracy, bootstrap(answers, 1000, seed=1)[0])
    assert not np.array_equal(accuracy, bootstrap(answers, 1000, seed=2)[0])
    wide, narrow = interval(accuracy, 0.99), interval(accuracy, 0.8)
    assert wide[0] < narrow[0] < 0.85 < narrow[1] < wide[1]


@given(answered(), st.floats(0.2, 5.0))
@settings(max_examples=25, deadline=None)
def test_the_temperature_changes_probabilities_and_no_answer(
    case: tuple[np.ndarray, np.ndarray, tuple[str, ...]], temperature: float
) -> None:
    plain, divided = scored(case), scored(case, temperature)
    same = ("accuracy", "macro_f1", "kappa", "top2_accuracy", "accuracy_low", "per_class")
    for name in same:
        if name != "per_class":
            assert getattr(plain, name) == getattr(divided, name), name
    assert plain.uncalibrated == divided.uncalibrated
    assert plain.log_loss == pytest.approx(plain.uncalibrated.log_loss, abs=1e-4), "1 changes nothing"


@given(answered())
@settings(max_examples=40, deadline=None)
def test_what_is_not_defined_is_none_and_never_nan(case: tuple[np.ndarray, np.ndarray, tuple[str, ...]]) -> None:
    labels, _, classes = case
    block = scored(case)
    json.dumps(block.to_json(), allow_nan=False)
    present = {classes[k] for k in np.unique(labels)}
    assert set(block.absent_classes) == set(classes) - present
    for name, own in block.per_class.items():
        assert (own.average_precision is None) == (name not in present)
        assert (own.roc_auc is None) == (name not in present or len(present) == 1)
    assert (block.roc_auc is None) == (len(present) == 1)


def test_kappa_is_none_where_chance_explains_everything() -> None:
    assert scored((np.zeros(5, np.int64), np.tile([0.9, 0.1], (5, 1)), ("a", "b"))).kappa is None


def test_risk_and_coverage_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4], [0.5, 0.5]])
    coverage, risk = risk_coverage(np.array([0, 1, 1, 0, 1]), probabilities)
    assert coverage.tolist() == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert risk.tolist() == pytest.approx([0, 1 / 2, 1 / 3, 1 / 4, 2 / 5])
    assert accuracy_at(risk, 0.8) == 0.75
    assert accuracy_at(risk, 1.0) == pytest.approx(0.6)
    assert accuracy_at(risk, 0.01) == 1, "at least one image"


def test_agreement_by_hand() -> None:
    votes = np.array([[1.0, 0.0], [0.5, 0.5]])
    guesses = np.array([[0.5, 0.5], [0.5, 0.5]])
    found = score_agreement(np.array([0, 1]), guesses, votes)
    assert found.log_loss == pytest.approx(np.log(2), abs=1e-6)
    middle = 0.5 * np.log(1 / 0.75) + 0.5 * (0.5 * np.log(0.5 / 0.75) + 0.5 * np.log(0.5 / 0.25))
    assert found.jensen_shannon == pytest.approx(middle / 2, abs=1e-6)
    assert found.annotator_probability == 0.5
    assert [(own.images, own.accuracy) for own in found.bins] == [(0, None), (1, 0.0), (0, None), (0, None), (1, 1.0)]


@pytest.mark.parametrize(("share", "place"), [(0.4, 1), (0.6, 2), (0.8, 3), (0.9, 3), (1.0, 4), (0.3, 0)])
def test_shares_of_ten_votes_fall_into_their_bin(share: float, place: int) -> None:
    votes = np.array([[share, *[(1 - share) / 7] * 7]], np.float32)
    bins = score_agreement(np.array([0]), np.full((1, 8), 1 / 8), votes).bins
    assert [own.images for own in bins] == [int(number == place) for number in range(5)]
