"""Metrics, against counts by hand and scikit-learn."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from ferflow.base.metrics import accuracy, log_loss, macro_f1

LABELS = np.array([0, 0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 0, 1, 1, 0, 1])


def test_by_hand() -> None:
    assert accuracy(LABELS, PREDICTED) == 4 / 7
    # F1 = 2 hits / (labels + predictions): 6/8, 2/5, 0; a fourth class never occurs and counts as 0.
    assert macro_f1(LABELS, PREDICTED, 3) == pytest.approx((6 / 8 + 2 / 5 + 0) / 3)
    assert macro_f1(LABELS, PREDICTED, 4) == pytest.approx((6 / 8 + 2 / 5 + 0 + 0) / 4)


def test_log_loss_by_hand() -> None:
    probabilities = np.array([[0.5, 0.5], [0.25, 0.75]], np.float32)
    assert log_loss(np.array([0, 1]), probabilities) == pytest.approx(-(np.log(0.5) + np.log(0.75)) / 2)


def test_log_loss_of_a_confident_mistake_is_finite() -> None:
    assert log_loss(np.array([0]), np.array([[0.0, 1.0]], np.float32)) == pytest.approx(-np.log(1e-7))
    assert log_loss(np.array([1]), np.array([[0.0, 1.0]], np.float32)) == 0


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_as_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    labels, predicted = np.array(pairs).T
    assert accuracy(labels, predicted) == pytest.approx(sklearn.metrics.accuracy_score(labels, predicted))
    scores = sklearn.metrics.precision_recall_fscore_support(labels, predicted, labels=range(4), zero_division=0)
    assert macro_f1(labels, predicted, 4) == float(np.mean(scores[2]))
