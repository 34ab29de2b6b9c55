"""The figures of merit against scikit-learn's own, over many random sets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from ferflow.base import metrics as foundation
from ferflow.evaluate.scores import bootstrap, calibration, interval, score
from ferflow.reporting.confusion import class_scores, confusion

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


@given(answered())
@settings(max_examples=100, deadline=None)
def test_every_score_is_scikit_learns(case: tuple[np.ndarray, np.ndarray, tuple[str, ...]]) -> None:
    labels, probabilities, classes = case
    block = score(labels, probabilities, classes, resamples=100, confidence=0.95, seed=0).to_json()
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
    block = score(labels, probabilities, classes, resamples=100, confidence=0.95, seed=0)
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
    block = score(labels, probabilities, ("a", "b"), resamples=100, confidence=0.9, seed=0).to_json()
    assert block["ece"] == pytest.approx((2 * 0.4 + 2 * 0.4) / 4, abs=1e-6)


def test_bootstrap_is_that_of_resampled_images() -> None:
    """The multinomial short cut has the same distribution as drawing images one by one."""
    rng = np.random.default_rng(0)
    labels = rng.choice(4, 300, p=[0.55, 0.3, 0.1, 0.05])
    predicted = np.where(rng.random(300) < 0.7, labels, rng.integers(0, 4, 300))
    counts = confusion(labels, predicted, 4)
    fast = np.stack(bootstrap(counts, 4000, seed=1))
    drawn = rng.integers(0, 300, (4000, 300))
    slow_counts = np.stack([confusion(labels[rows], predicted[rows], 4) for rows in drawn])
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
        counts = confusion(np.zeros(200, np.int64), np.where(right, 0, 1), 2)
        low, high = interval(bootstrap(counts, 500, seed=trial)[0], 0.9)
        covered += low <= 0.7 <= high
    assert 0.85 <= covered / 300 <= 0.95


def test_intervals_narrow_with_confidence_and_depend_on_the_seed_alone() -> None:
    counts = np.array([[30, 10], [5, 55]])
    accuracy, _ = bootstrap(counts, 1000, seed=1)
    assert np.array_equal(accuracy, bootstrap(counts, 1000, seed=1)[0])
    assert not np.array_equal(accuracy, bootstrap(counts, 1000, seed=2)[0])
    wide, narrow = interval(accuracy, 0.99), interval(accuracy, 0.8)
    assert wide[0] < narrow[0] < 0.85 < narrow[1] < wide[1]
