"""Metrics of one set of images, with confidence intervals and calibration."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.base.metrics import log_loss
from ferflow.reporting.confusion import COUNT_METRICS, class_scores, confusion, interval
from ferflow.reporting.result_contracts import ClassScores, SetMetrics

Labels = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

CALIBRATION_BINS = 15  # as in Guo et al. 2017, section 4
DIGITS = 6


def bootstrap(counts: Counts, resamples: int, seed: int) -> tuple[Floats, Floats]:
    """Return accuracy and macro F1 of bootstrap resamples of the images.

    Args:
        counts: Confusion matrix of the images, int64 (K, K).
        resamples: Number of resamples.
        seed: Seed of the draws.

    Returns:
        Two float64 arrays (resamples,).
    """
    # Drawing n images with replacement and counting their confusion is one multinomial draw over the cells of the
    # confusion matrix. That is exact, and the cost does not grow with the number of images.
    total = int(counts.sum())
    drawn = np.random.default_rng(seed).multinomial(total, counts.ravel() / total, size=resamples)
    drawn = drawn.reshape(resamples, *counts.shape)
    return COUNT_METRICS["accuracy"](drawn), COUNT_METRICS["macro_f1"](drawn)


def calibration(labels: Labels, probabilities: Probabilities) -> pd.DataFrame:
    """Group images into CALIBRATION_BINS bins of equal width by the probability of the predicted class.

    Args:
        labels: True classes, int64 (N,).
        probabilities: Predicted probabilities, float32 (N, K).

    Returns:
        A row for each bin with the columns low and high (edges), images (number), confidence (mean probability of the
        predicted class) and accuracy; the last two are NaN for an empty bin.
    """
    top, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    # Bins are open below and closed above, as in Guo et al. 2017.
    bins = np.clip(np.ceil(top * CALIBRATION_BINS).astype(np.int64) - 1, 0, CALIBRATION_BINS - 1)
    images = np.bincount(bins, minlength=CALIBRATION_BINS)
    divisor = np.where(images > 0, images, np.nan)
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
    return pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "images": images,
            "confidence": np.bincount(bins, top, CALIBRATION_BINS) / divisor,
            "accuracy": np.bincount(bins, correct, CALIBRATION_BINS) / divisor,
        }
    )


def score(
    labels: Labels,
    probabilities: Probabilities,
    classes: tuple[str, ...],
    resamples: int,
    confidence: float,
    seed: int,
) -> SetMetrics:
    """Return the metrics of one set of images.

    Args:
        labels: True classes, int64 (N,), positions in `classes`, at least one.
        probabilities: Predicted probabilities, float32 (N, K), rows sum to 1. The prediction is the most probable
            class, the first one on ties.
        classes: Names of the K classes.
        resamples: Number of bootstrap resamples.
        confidence: Confidence level of the intervals, in (0, 1).
        seed: Seed of the bootstrap.
    """
    counts = confusion(labels, probabilities.argmax(axis=1), len(classes))
    precision, recall, f1 = class_scores(counts)
    support = counts.sum(axis=1)
    accuracies, macro_f1s = bootstrap(counts, resamples, seed)
    accuracy_low, accuracy_high = interval(accuracies, confidence)
    f1_low, f1_high = interval(macro_f1s, confidence)
    bins = calibration(labels, probabilities)
    gaps = bins["images"] * (bins["confidence"] - bins["accuracy"]).abs()
    top2 = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
    return SetMetrics(
        images=len(labels),
        accuracy=_rounded(np.trace(counts) / len(labels)),
        accuracy_low=_rounded(accuracy_low),
        accuracy_high=_rounded(accuracy_high),
        macro_f1=_rounded(f1.mean()),
        macro_f1_low=_rounded(f1_low),
        macro_f1_high=_rounded(f1_high),
        balanced_accuracy=_rounded(recall[support > 0].mean()),
        macro_precision=_rounded(precision.mean()),
        macro_recall=_rounded(recall.mean()),
        log_loss=_rounded(log_loss(labels, probabilities)),
        ece=_rounded(gaps.sum() / len(labels)),
        top2_accuracy=_rounded((top2 == labels[:, None]).any(axis=1).mean()),
        per_class={
            name: ClassScores(
                precision=_rounded(precision[k]),
                recall=_rounded(recall[k]),
                f1=_rounded(f1[k]),
                support=int(support[k]),
            )
            for k, name in enumerate(classes)
        },
    )


def _rounded(value: float) -> float:
    return round(float(value), DIGITS)
