"""Whether the difference between two networks on the same images is statistically significant."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.base.metrics import mcnemar
from ferflow.compare.result_reader import Result
from ferflow.reporting.confusion import COUNT_METRICS, interval

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


def paired_bootstrap(
    labels: Labels, first: Labels, second: Labels, classes: int, metric: str, resamples: int, seed: int
) -> tuple[float, Floats, float]:
    """Resample the images and take the difference of a metric between two networks on each resample.

    Args:
        labels: True classes, int64 (N,), each in [0, classes).
        first: Predictions of the first network, int64 (N,).
        second: Predictions of the second network, int64 (N,).
        classes: Number of classes.
        metric: Key of COUNT_METRICS.
        resamples: Number of resamples.
        seed: Seed of the draws.

    Returns:
        The difference on all images, first minus second; the differences on the resamples, float64 (resamples,); and
        the two-sided p-value: the share of resamples whose difference deviates from the observed one by at least as
        much as that deviates from zero (shift method, Efron & Tibshirani 1993, section 16.4), never below
        1 / (resamples + 1).
    """
    # Each image falls into one cell (true class, first prediction, second prediction). Drawing images with replacement
    # is one multinomial draw over the cells, so the cost does not grow with the number of images.
    cells, counts = np.unique((labels * classes + first) * classes + second, return_counts=True)
    draws = np.random.default_rng(seed).multinomial(len(labels), counts / len(labels), size=resamples)
    draws = np.concatenate([counts[None], draws])  # row 0: the images themselves
    true, of_first, of_second = cells // classes**2, cells // classes % classes, cells % classes
    values = []
    for predicted in (of_first, of_second):
        # One-hot rows that add each cell to its entry of this network's confusion matrix.
        entry = np.eye(classes**2, dtype=np.int64)[true * classes + predicted]
        values.append(COUNT_METRICS[metric]((draws @ entry).reshape(-1, classes, classes)))
    differences = values[0] - values[1]
    difference, resampled = float(differences[0]), differences[1:]
    # The tolerance keeps rounding errors from deciding ties.
    extreme = np.abs(resampled - difference) >= abs(difference) - 1e-12
    return difference, resampled, float((1 + extreme.sum()) / (1 + resamples))


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for multiple comparisons (Holm 1979), in the order given.

    >>> holm([0.25, 0.125])
    [0.25, 0.25]
    """
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
        results: Results in the order of the leaderboard.
        metric: Key of COUNT_METRICS.
        resamples: Number of bootstrap resamples.
        confidence: Confidence level of the interval of the difference, in (0, 1).
        seed: Seed of the bootstrap.

    Returns:
        A row for each pair, the better ranked first: better, worse, metric, difference, difference_low,
        difference_high, only_better_right, only_worse_right, p_mcnemar, p_bootstrap, test (mcnemar if the metric is
        accuracy, for which it is the exact test, otherwise bootstrap), p_value (of that test), p_holm (corrected for
        multiple comparisons).
    """
    rows = []
    for better, worse in combinations(results, 2):
        only_better, only_worse, p_mcnemar = mcnemar(better.predicted == better.labels, worse.predicted == worse.labels)
        difference, resampled, p_bootstrap = paired_bootstrap(
            better.labels, better.predicted, worse.predicted, len(better.classes), metric, resamples, seed
        )
        low, high = interval(resampled, confidence)
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
