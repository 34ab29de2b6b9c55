"""Whether one network is better than another on the same images, or only luckier."""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import binomtest

from ferflow.compare.reading import Result

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Labels = npt.NDArray[np.int64]


def _accuracy(counts: Counts) -> Floats:
    right = np.trace(counts, axis1=-2, axis2=-1)
    return np.asarray(right / counts.sum(axis=(-2, -1)))


def _macro_f1(counts: Counts) -> Floats:
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    scores = 2 * right / np.maximum(counts.sum(axis=-2) + counts.sum(axis=-1), 1)
    return np.asarray(scores.mean(axis=-1))


def _balanced_accuracy(counts: Counts) -> Floats:
    right, true = np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(axis=-1)
    return np.asarray((right / np.maximum(true, 1)).sum(axis=-1) / (true > 0).sum(axis=-1))


METRICS: dict[str, Callable[[Counts], Floats]] = {
    "accuracy": _accuracy,
    "macro_f1": _macro_f1,
    "balanced_accuracy": _balanced_accuracy,
}


def mcnemar(one_right: npt.NDArray[np.bool_], other_right: npt.NDArray[np.bool_]) -> tuple[int, int, float]:
    """Exact two-sided McNemar test (McNemar 1947) on paired answers.

    Returns:
        How many images only the first got right, how many only the second, and the p-value.
    """
    only_one, only_other = int((one_right & ~other_right).sum()), int((other_right & ~one_right).sum())
    differing = only_one + only_other
    p_value = float(binomtest(only_one, differing, 0.5).pvalue) if differing else 1.0
    return only_one, only_other, p_value


def paired_bootstrap(
    labels: Labels, one: Labels, other: Labels, classes: int, metric: str, resamples: int, seed: int
) -> tuple[float, Floats, float]:
    """Resample images, and take the difference of a metric between two networks on each resample.

    Drawing images with replacement and counting them by (true, first answer, second answer) is one multinomial draw,
    so the cost does not grow with the number of images.

    Args:
        labels: (N,) positions among `classes`.
        one: answers of the first network, (N,).
        other: answers of the second.
        classes: how many.
        metric: a key of METRICS.
        resamples: how often.
        seed: of the draws.

    Returns:
        The difference, first minus second; the differences of the resamples, (resamples,); and the two-sided p-value:
        how often a resample strays from the difference by as much as the difference itself is from zero (the shift
        method, Efron & Tibshirani 1993, section 16.4), never below 1 / (resamples + 1).
    """
    cells, counts = np.unique((labels * classes + one) * classes + other, return_counts=True)
    draws = np.random.default_rng(seed).multinomial(len(labels), counts / len(labels), size=resamples)
    draws = np.concatenate([counts[None], draws])  # row 0: the images themselves
    true, first, second = cells // classes**2, cells // classes % classes, cells % classes
    values = []
    for answers in (first, second):
        place = np.eye(classes**2, dtype=np.int64)[true * classes + answers]
        values.append(METRICS[metric]((draws @ place).reshape(-1, classes, classes)))
    differences = values[0] - values[1]
    difference, resampled = float(differences[0]), differences[1:]
    # A hair of room, so that rounding does not decide ties.
    as_far = np.abs(resampled - difference) >= abs(difference) - 1e-12
    return difference, resampled, float((1 + as_far.sum()) / (1 + resamples))


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for their number (Holm 1979); the order stays."""
    values = np.asarray(p_values, np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in corrected]


def significance_table(
    results: Sequence[Result], metric: str, resamples: int, confidence: float, seed: int
) -> pd.DataFrame:
    """Compare each pair of results on the validation images.

    Args:
        results: in the order of the leaderboard.
        metric: a key of METRICS.
        resamples: of the bootstrap.
        confidence: of the interval of the difference.
        seed: of the bootstrap.

    Returns:
        A row for each pair, the better ranked first: better, worse, metric, difference, difference_low,
        difference_high, only_better_right, only_worse_right, p_mcnemar, p_bootstrap, test (mcnemar where the metric
        is accuracy, of which it is the exact test, else bootstrap), p_value (of that test), p_holm (corrected for the
        number of pairs).
    """
    rows = []
    tail = 50 * (1 - confidence)
    for better, worse in combinations(results, 2):
        only_better, only_worse, p_mcnemar = mcnemar(better.predicted == better.labels, worse.predicted == worse.labels)
        difference, resampled, p_bootstrap = paired_bootstrap(
            better.labels, better.predicted, worse.predicted, len(better.classes), metric, resamples, seed
        )
        low, high = np.percentile(resampled, [tail, 100 - tail])
        test = "mcnemar" if metric == "accuracy" else "bootstrap"
        rows.append(
            {
                "better": better.name,
                "worse": worse.name,
                "metric": metric,
                "difference": difference,
                "difference_low": low,
                "difference_high": high,
                "only_better_right": only_better,
                "only_worse_right": only_worse,
                "p_mcnemar": p_mcnemar,
                "p_bootstrap": p_bootstrap,
                "test": test,
                "p_value": p_mcnemar if test == "mcnemar" else p_bootstrap,
            }
        )
    columns = [
        "better", "worse", "metric", "difference", "difference_low", "difference_high", "only_better_right",
        "only_worse_right", "p_mcnemar", "p_bootstrap", "test", "p_value",
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    table["p_holm"] = holm(table["p_value"].tolist())
    return table
