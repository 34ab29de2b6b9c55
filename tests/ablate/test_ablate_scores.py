"""The numbers of a comparison, against scikit-learn, SciPy and a bootstrap written out."""

import numpy as np
import pytest
from scipy.stats import binomtest, norm
from sklearn.metrics import accuracy_score, f1_score, log_loss, recall_score

from ferflow.ablate.paired_scores import compare_arms, resampled_means

N = 900


def probabilities(labels: np.ndarray, skill: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, (len(labels), 3)) + skill * np.eye(3)[labels]
    shares = np.exp(logits)
    return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def drawn() -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    groups = np.sort(rng.integers(0, 400, N))
    labels = groups % 3
    folds = groups % 5 + 1
    arms = {
        name: probabilities(labels, skill, seed)
        for seed, (name, skill) in enumerate({"base": 1.0, "worse": 0.7, "better": 1.4}.items())
    }
    return arms, labels, groups, folds


def compare(drawn, **changes):
    arms, labels, groups, folds = drawn
    options = {"resamples": 2000, "confidence": 0.95, "seed": 1} | changes
    return compare_arms(arms, labels, groups, folds, **options)


def test_accuracy_and_log_loss_are_those_of_scikit_learn(drawn) -> None:
    arms, labels, _, folds = drawn
    for name, scores in compare(drawn).items():
        assert scores.accuracy == pytest.approx(accuracy_score(labels, arms[name].argmax(axis=1)), abs=1e-6)
        predicted, rarest = arms[name].argmax(axis=1), np.bincount(labels).argmin()
        assert scores.macro_f1 == pytest.approx(f1_score(labels, predicted, average="macro"), abs=1e-6)
        recalls = recall_score(labels, predicted, average=None)
        assert scores.rarest_recall == pytest.approx(recalls[rarest], abs=1e-6)
        exact = arms[name].astype(np.float64)
        assert scores.log_loss == pytest.approx(log_loss(labels, exact / exact.sum(axis=1, keepdims=True)), abs=1e-5)
        for fold, value in zip(range(1, 6), scores.accuracy_by_fold, strict=True):
            part = folds == fold
            assert value == pytest.approx(accuracy_score(labels[part], arms[name][part].argmax(axis=1)), abs=1e-6)


def test_differences_p_values_and_folds_are_those_of_the_pairs(drawn) -> None:
    arms, labels, _, folds = drawn
    found = compare(drawn)
    first = found["base"]
    assert (first.accuracy_difference, first.log_loss_difference, first.p_mcnemar, first.folds_ahead) == (None,) * 4
    base = arms["base"].argmax(axis=1) == labels
    p_values = {}
    for name in ("worse", "better"):
        scores = found[name]
        assert scores.accuracy_difference.value == pytest.approx(scores.accuracy - first.accuracy, abs=2e-6)
        assert scores.log_loss_difference.value == pytest.approx(scores.log_loss - first.log_loss, abs=2e-6)
        right = arms[name].argmax(axis=1) == labels
        only, other = int((right & ~base).sum()), int((~right & base).sum())
        p_values[name] = binomtest(only, only + other, 0.5).pvalue
        assert scores.p_mcnemar == pytest.approx(p_values[name])
        ahead = [right[folds == fold].sum() > base[folds == fold].sum() for fold in range(1, 6)]
        assert scores.folds_ahead == sum(ahead)
    small, large = sorted(p_values, key=p_values.get)
    assert found[small].p_holm == pytest.approx(min(1, 2 * p_values[small]))
    assert found[large].p_holm == pytest.approx(min(1, max(2 * p_values[small], p_values[large])))


def test_intervals_are_those_of_a_bootstrap_over_groups_written_out(drawn) -> None:
    arms, labels, groups, _ = drawn
    found = compare(drawn)["better"]
    difference = (arms["better"].argmax(axis=1) == labels) - (arms["base"].argmax(axis=1) == labels).astype(float)
    rng = np.random.default_rng(99)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    means = []
    for _ in range(2000):
        rows = np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
        means.append(difference[rows].mean())
    low, high = np.percentile(means, [2.5, 97.5])
    assert found.accuracy_difference.low == pytest.approx(low, abs=0.006)
    assert found.accuracy_difference.high == pytest.approx(high, abs=0.006)


def test_single_images_give_the_interval_of_the_normal_approximation() -> None:
    values = np.random.default_rng(0).normal(0.3, 1, (2000, 1))
    means = resampled_means(values, np.arange(2000), 4000, 5)[:, 0]
    error = values.std() / np.sqrt(2000)
    low, high = np.percentile(means, [2.5, 97.5])
    assert low == pytest.approx(values.mean() + norm.ppf(0.025) * error, abs=0.15 * error)
    assert high == pytest.approx(values.mean() + norm.ppf(0.975) * error, abs=0.15 * error)


def test_copies_widen_the_interval() -> None:
    """Ten copies of each picture are as much evidence as one."""
    values = np.random.default_rng(0).normal(0, 1, 200)
    once = resampled_means(values[:, None], np.arange(200), 3000, 1).std()
    copies = resampled_means(np.repeat(values, 10)[:, None], np.repeat(np.arange(200), 10), 3000, 1).std()
    apart = resampled_means(np.repeat(values, 10)[:, None], np.arange(2000), 3000, 1).std()
    assert copies == pytest.approx(once, rel=0.01)
    assert apart < 0.5 * once


def test_an_arm_that_is_the_baseline_differs_by_nothing(drawn) -> None:
    arms, labels, groups, folds = drawn
    found = compare(({"base": arms["base"], "same": arms["base"]}, labels, groups, folds))["same"]
    assert found.accuracy_difference.model_dump() == {"value": 0, "low": 0, "high": 0}
    assert found.log_loss_difference.model_dump() == {"value": 0, "low": 0, "high": 0}
    assert (found.p_mcnemar, found.folds_ahead) == (1.0, 0)
    assert set(compare(({"base": arms["base"]}, labels, groups, folds))) == {"base"}


def test_the_same_seed_gives_the_same_intervals(drawn) -> None:
    assert compare(drawn, resamples=100) == compare(drawn, resamples=100)
    assert compare(drawn, resamples=100) != compare(drawn, resamples=100, seed=2)
