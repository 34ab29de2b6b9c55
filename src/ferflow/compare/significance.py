"""Whether the difference between two networks on the same images is statistically significant."""

from collections.abc import Sequence
from itertools import combinations

import pandas as pd

from ferflow.base.metrics import mcnemar
from ferflow.compare.result_reader import Result
from ferflow.reporting.confusion import interval
from ferflow.scoring.paired_tests import holm, paired_bootstrap


def significance_table(
    results: Sequence[Result], metric: str, resamples: int, confidence: float, seed: int
) -> pd.DataFrame:
    """Compare each pair of results on the validation images.

    Args:
        results: Results in the order of the leaderboard.
        metric: Key of COUNT_METRICS.
        resamples: Number of bootstrap resamples of the groups of images.
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
            better.labels,
            better.predicted,
            worse.predicted,
            better.groups,
            len(better.classes),
            metric,
            resamples,
            seed,
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
