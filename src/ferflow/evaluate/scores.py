"""Metrics of one set of images: one block of metrics.json."""

import numpy as np
import numpy.typing as npt

from ferflow.evaluate.calibration import probability_scores
from ferflow.evaluate.ranking import average_precisions, mean_of_defined, roc_areas
from ferflow.evaluate.resampling import bootstrap
from ferflow.evaluate.rounding import rounded, rounded_or_none
from ferflow.evaluate.selective import accuracy_at, area_under_risk, risk_coverage
from ferflow.reporting.confusion import class_scores, confusion, interval
from ferflow.reporting.set_metrics import ClassScores, SetMetrics
from ferflow.scoring.predictions import Predictions
from ferflow.scoring.temperature import calibrate

COVERAGE = 0.8


def score(part: Predictions, temperature: float, resamples: int, confidence: float, seed: int) -> SetMetrics:
    """Return the metrics of one set of images, without the blocks that need more than predictions.

    Args:
        part: Predictions on the set, not yet calibrated, at least one image.
        temperature: Temperature to divide the logits by; see ferflow.scoring.temperature.
        resamples: Number of bootstrap resamples.
        confidence: Confidence level of the intervals, in (0, 1).
        seed: Seed of the bootstrap.
    """
    labels, predicted, classes = part.labels, part.predicted, len(part.classes)
    counts = confusion(labels, predicted, classes)
    precision, recall, f1 = class_scores(counts)
    support = counts.sum(axis=1)
    accuracies, macro_f1s = bootstrap(part, resamples, seed)
    accuracy_low, accuracy_high = interval(accuracies, confidence)
    f1_low, f1_high = interval(macro_f1s, confidence)
    served = calibrate(part.probabilities, temperature)
    top2 = np.argsort(-part.probabilities, axis=1, kind="stable")[:, :2]
    areas, precisions = roc_areas(labels, served), average_precisions(labels, served)
    _, risk = risk_coverage(labels, served)
    return SetMetrics(
        images=len(labels),
        accuracy=rounded(np.trace(counts) / len(labels)),
        accuracy_low=rounded(accuracy_low),
        accuracy_high=rounded(accuracy_high),
        macro_f1=rounded(f1.mean()),
        macro_f1_low=rounded(f1_low),
        macro_f1_high=rounded(f1_high),
        balanced_accuracy=rounded(recall[support > 0].mean()),
        macro_precision=rounded(precision.mean()),
        macro_recall=rounded(recall.mean()),
        kappa=rounded_or_none(kappa(counts)),
        top2_accuracy=rounded((top2 == labels[:, None]).any(axis=1).mean()),
        **probability_scores(labels, served).model_dump(),
        uncalibrated=probability_scores(labels, part.probabilities),
        roc_auc=rounded_or_none(mean_of_defined(areas)),
        average_precision=rounded_or_none(mean_of_defined(precisions)),
        aurc=rounded(area_under_risk(risk)),
        accuracy_at_80=rounded(accuracy_at(risk, COVERAGE)),
        absent_classes=[name for name, images in zip(part.classes, support, strict=True) if not images],
        per_class={
            name: ClassScores(
                precision=rounded(precision[k]),
                recall=rounded(recall[k]),
                f1=rounded(f1[k]),
                support=int(support[k]),
                roc_auc=rounded_or_none(areas[k]),
                average_precision=rounded_or_none(precisions[k]),
            )
            for k, name in enumerate(part.classes)
        },
    )


def kappa(counts: npt.NDArray[np.int64]) -> float | None:
    """Return Cohen's kappa (Cohen 1960): the agreement of labels and predictions beyond chance, at most 1.

    >>> kappa(np.array([[3, 1], [1, 3]]))
    0.5

    Args:
        counts: Confusion matrix, int64 (K, K).

    Returns:
        None if labels and predictions are all of one class, for which chance explains everything.
    """
    total = counts.sum()
    observed = np.trace(counts) / total
    by_chance = float((counts.sum(axis=0) * counts.sum(axis=1)).sum() / total**2)
    return None if by_chance == 1 else float((observed - by_chance) / (1 - by_chance))
