"""The average of the best networks: what several together reach, chosen on validation alone.

An ensemble is reported and never registered: one network is served.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.base.metrics import log_loss, mcnemar
from ferflow.reporting.confusion import COUNT_METRICS, confusion, interval
from ferflow.reporting.set_names import shown_sets
from ferflow.scoring.evaluation_sets import evaluation_sets
from ferflow.scoring.group_bootstrap import resampled_cells
from ferflow.scoring.paired_tests import paired_bootstrap
from ferflow.scoring.predictions import Predictions
from ferflow.scoring.temperature import calibrate, fit_temperature

COLUMNS = (
    "size", "members", "chosen", "temperature", "set", "images", "accuracy", "accuracy_low", "accuracy_high",
    "macro_f1", "balanced_accuracy", "log_loss", "difference", "difference_low", "difference_high", "p_mcnemar",
)  # fmt: skip


@dataclass(frozen=True)
class Member:
    """A network that can be averaged with others.

    Attributes:
        name: Name of the result.
        predictions: Predictions on the splits `validation` and `test`, not yet calibrated.
        temperature: Its temperature; see ferflow.scoring.temperature.
    """

    name: str
    predictions: Mapping[str, Predictions]
    temperature: float


@dataclass(frozen=True)
class Statistics:
    """How intervals are drawn.

    Attributes:
        resamples: Number of bootstrap resamples of the groups of images.
        confidence: Confidence level of the intervals, in (0, 1).
        seed: Seed of the draws.
    """

    resamples: int
    confidence: float
    seed: int


def ensembles_table(ranked: Sequence[Member], metric: str, statistics: Statistics) -> pd.DataFrame:
    """Measure the average of the best k networks for each k from 2 to their number.

    The probabilities of each member are divided by its own temperature and averaged with equal weight; the average gets
    a temperature of its own from the validation images, as every network does.

    Args:
        ranked: Networks, best on validation first.
        metric: Key of COUNT_METRICS that chooses k on validation; ties go to the smaller ensemble.
        statistics: How intervals are drawn.

    Returns:
        A row for each size and set of images: size, members (names, separated by spaces), chosen (whether this size is
        best on validation), temperature, set, images, accuracy with its interval, macro_f1, balanced_accuracy, log_loss
        in nats; difference, the accuracy less that of the first result, with its paired interval; p_mcnemar, the
        p-value of the exact McNemar test of that difference. No rows for a single result.
    """
    alone = evaluation_sets(**ranked[0].predictions)
    rows = []
    for size in range(2, len(ranked) + 1):
        average, temperature = average_of(ranked[:size])
        sets = evaluation_sets(**average)
        for name in shown_sets(sets):
            measured = _measure(sets[name], alone[name], temperature, statistics)
            members = " ".join(member.name for member in ranked[:size])
            rows.append({"size": size, "members": members, "chosen": False, "set": name, **measured})
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    if rows:
        on_validation = table[table["set"] == "validation"]
        # argmax takes the first of equal ones, which is the smallest.
        best = int(np.argmax(on_validation[metric].to_numpy()))
        table["chosen"] = table["size"] == on_validation["size"].iloc[best]
    return table


def average_of(members: Sequence[Member]) -> tuple[dict[str, Predictions], float]:
    """Return the mean of the members' calibrated probabilities on each split, and its temperature from validation."""
    splits = {}
    for split, images in members[0].predictions.items():
        stack = [calibrate(member.predictions[split].probabilities, member.temperature) for member in members]
        splits[split] = Predictions(images.index, images.labels, np.mean(stack, axis=0), images.classes)
    validation = splits["validation"]
    return splits, fit_temperature(validation.labels, validation.probabilities)


def _measure(
    average: Predictions, alone: Predictions, temperature: float, statistics: Statistics
) -> dict[str, float | int]:
    """Return the numbers of one set of images for an average of networks; `alone` is the best network."""
    labels, predicted, classes = average.labels, average.predicted, len(average.classes)
    cells = labels * classes + predicted
    drawn = resampled_cells(cells, average.groups, classes**2, statistics.resamples, statistics.seed)
    accuracies = COUNT_METRICS["accuracy"](drawn.reshape(-1, classes, classes))
    low, high = interval(accuracies, statistics.confidence)
    difference, resampled, _ = paired_bootstrap(
        labels, predicted, alone.predicted, average.groups, classes, "accuracy", statistics.resamples, statistics.seed
    )
    difference_low, difference_high = interval(resampled, statistics.confidence)
    counts = confusion(labels, predicted, classes)
    served: npt.NDArray[np.floating[Any]] = calibrate(average.probabilities, temperature)
    return {
        "temperature": temperature,
        "images": len(labels),
        **{name: float(value(counts)) for name, value in COUNT_METRICS.items()},
        "accuracy_low": low,
        "accuracy_high": high,
        "log_loss": log_loss(labels, served),
        "difference": difference,
        "difference_low": difference_low,
        "difference_high": difference_high,
        "p_mcnemar": mcnemar(predicted == labels, alone.predicted == alone.labels)[2],
    }
