"""The paired tests against brute force and against what they promise."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import recall_score

from ferflow.base import metrics as foundation
from ferflow.base.metrics import mcnemar
from ferflow.reporting.confusion import COUNT_METRICS
from ferflow.scoring.paired_tests import holm, paired_bootstrap


@given(st.integers(2, 8), st.integers(1, 80), st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_metrics_from_counts_are_those_from_labels(classes: int, images: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels, one, other = rng.integers(0, classes, (3, images))
    groups = rng.integers(0, images, images)
    values = {
        "accuracy": lambda predicted: foundation.accuracy(labels, predicted),
        "macro_f1": lambda predicted: foundation.macro_f1(labels, predicted, classes),
        "balanced_accuracy": lambda predicted: recall_score(
            labels, predicted, labels=np.unique(labels), average="macro"
        ),
    }
    assert values.keys() == COUNT_METRICS.keys()
    for name, value in values.items():
        difference, resampled, p_value = paired_bootstrap(labels, one, other, groups, classes, name, 100, seed=0)
        assert difference == pytest.approx(value(one) - value(other), abs=1e-12)
        assert resampled.shape == (100,)
        assert 1 / 101 <= p_value <= 1


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 20))
@settings(max_examples=100, deadline=None)
def test_mcnemar_is_the_exact_sign_test(only_one: int, only_other: int, both: int) -> None:
    one = np.repeat([True, False, True, False], [only_one, only_other, both, 3])
    other = np.repeat([False, True, True, False], [only_one, only_other, both, 3])
    differing, least = only_one + only_other, min(only_one, only_other)
    tail = sum(math.comb(differing, k) for k in range(least + 1)) / 2**differing
    expected = min(1.0, 2 * tail)
    assert mcnemar(one, other) == (only_one, only_other, pytest.approx(expected, rel=1e-9))


def test_bootstrap_is_that_of_resampled_images() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, 200)
    one = np.where(rng.random(200) < 0.75, labels, rng.integers(0, 3, 200))
    other = np.where(rng.random(200) < 0.6, labels, rng.integers(0, 3, 200))
    _, fast, _ = paired_bootstrap(labels, one, other, np.arange(200), 3, "accuracy", 4000, seed=2)
    rows = rng.integers(0, 200, (4000, 200))
    slow = (labels[rows] == one[rows]).mean(axis=1) - (labels[rows] == other[rows]).mean(axis=1)
    assert fast.mean() == pytest.approx(slow.mean(), abs=0.004)
    assert fast.std() == pytest.approx(slow.std(), rel=0.06)
    assert np.percentile(fast, [2.5, 97.5]) == pytest.approx(np.percentile(slow, [2.5, 97.5]), abs=0.01)


@pytest.mark.parametrize("metric", COUNT_METRICS)
def test_equal_networks_are_called_different_as_rarely_as_promised(metric: str) -> None:
    rng = np.random.default_rng(3)
    called = 0
    for trial in range(200):
        labels = rng.integers(0, 3, 150)
        one, other = (np.where(rng.random(150) < 0.6, labels, rng.integers(0, 3, 150)) for _ in range(2))
        called += paired_bootstrap(labels, one, other, np.arange(150), 3, metric, 300, seed=trial)[2] < 0.05
    assert called <= 20  # 10 expected


def test_a_clear_difference_is_clear_and_none_is_none() -> None:
    labels, groups = np.arange(300) % 3, np.arange(300)
    wrong = np.where(np.arange(300) % 2, labels, (labels + 1) % 3)
    assert paired_bootstrap(labels, labels, wrong, groups, 3, "accuracy", 500, seed=0)[2] == pytest.approx(1 / 501)
    assert mcnemar(np.ones(300, bool), wrong == labels)[2] < 1e-30
    difference, resampled, p_value = paired_bootstrap(labels, wrong, wrong, groups, 3, "macro_f1", 500, seed=0)
    assert (difference, p_value) == (0.0, 1.0)
    assert not resampled.any()


def test_copies_do_not_make_a_difference_surer() -> None:
    """Each image three times over: the interval stays as wide as without the copies, and so does the p-value."""
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 3, 120)
    one = np.where(rng.random(120) < 0.8, labels, rng.integers(0, 3, 120))
    other = np.where(rng.random(120) < 0.7, labels, rng.integers(0, 3, 120))
    once = paired_bootstrap(labels, one, other, np.arange(120), 3, "accuracy", 3000, seed=0)
    tripled = [np.repeat(values, 3) for values in (labels, one, other, np.arange(120))]
    copied = paired_bootstrap(*tripled, 3, "accuracy", 3000, seed=0)
    assert copied[0] == pytest.approx(once[0])
    assert copied[1].std() == pytest.approx(once[1].std(), rel=0.1)
    assert copied[2] == pytest.approx(once[2], abs=0.03)
    alone = paired_bootstrap(*tripled[:3], np.arange(360), 3, "accuracy", 3000, seed=0)
    assert alone[1].std() < 0.7 * copied[1].std(), "image by image it would look surer"


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.3]) == [0.3]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_keeps_the_order_and_lies_between_none_and_bonferroni(values: list[float]) -> None:
    corrected = holm(values)
    for value, mended in zip(values, corrected, strict=True):
        assert value <= mended <= min(1.0, value * len(values)) or mended == pytest.approx(value)
    order = np.argsort(values, kind="stable")
    assert (np.diff(np.asarray(corrected)[order]) >= 0).all()
