"""Figures of merit of one set of images, with confidence intervals."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.base.metrics import log_loss

Labels = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

CALIBRATION_BINS = 15  # as Guo et al. 2017
DIGITS = 6


def confusion(labels: Labels, predicted: Labels, classes: int) -> Counts:
    """Count answers: (classes, classes), row the true class, column the predicted one."""
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def class_scores(counts: Counts) -> tuple[Floats, Floats, Floats]:
    """Return precision, recall and F1 of each class; 0 where a class is never predicted or never true.

    Args:
        counts: (..., K, K) as from `confusion`.

    Returns:
        Three arrays (..., K).
    """
    right = np.diagonal(counts, axis1=-2, axis2=-1).astype(np.float64)
    predicted, true = counts.sum(axis=-2), counts.sum(axis=-1)
    precision = right / np.maximum(predicted, 1)
    recall = right / np.maximum(true, 1)
    f1 = 2 * right / np.maximum(predicted + true, 1)
    return precision, recall, f1


def interval(samples: Floats, confidence: float) -> tuple[float, float]:
    """Return the percentile interval (Efron 1979) of bootstrap samples."""
    tail = 50 * (1 - confidence)
    low, high = np.percentile(samples, [tail, 100 - tail])
    return float(low), float(high)


def bootstrap(counts: Counts, resamples: int, seed: int) -> tuple[Floats, Floats]:
    """Return accuracy and macro F1 of resampled images, (resamples,) each.

    Drawing n images with replacement and counting their confusion is one multinomial draw over the cells of
    the confusion matrix: exact, and its cost does not grow with the number of images.
    """
    total = int(counts.sum())
    cells = counts.ravel() / total
    drawn = np.random.default_rng(seed).multinomial(total, cells, size=resamples)
    drawn = drawn.reshape(resamples, *counts.shape)
    accuracy = np.trace(drawn, axis1=1, axis2=2) / total
    return accuracy, class_scores(drawn)[2].mean(axis=1)


def calibration(labels: Labels, probabilities: Probabilities) -> pd.DataFrame:
    """Sort images into bins of equal width by the probability of their answer.

    Returns:
        A row for each bin with the columns low, high, images, confidence (mean probability of the answer) and
        accuracy; the last two NaN where a bin is empty.
    """
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    place = np.clip(np.ceil(sure * CALIBRATION_BINS).astype(np.int64) - 1, 0, CALIBRATION_BINS - 1)
    images = np.bincount(place, minlength=CALIBRATION_BINS)
    filled = np.where(images > 0, images, np.nan)
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
    return pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "images": images,
            "confidence": np.bincount(place, sure, CALIBRATION_BINS) / filled,
            "accuracy": np.bincount(place, right, CALIBRATION_BINS) / filled,
        }
    )


def score(
    labels: Labels,
    probabilities: Probabilities,
    classes: tuple[str, ...],
    resamples: int,
    confidence: float,
    seed: int,
) -> dict[str, Any]:
    """Measure one set of images.

    Args:
        labels: (N,), positions in `classes`, at least one.
        probabilities: (N, K), rows sum to 1; the answer is the first class with the highest.
        classes: K names.
        resamples: of the bootstrap.
        confidence: of the intervals.
        seed: of the bootstrap.

    Returns:
        images; accuracy and macro_f1 with _low and _high; balanced_accuracy (over the classes that occur);
        macro_precision, macro_recall; log_loss in nats; ece (expected calibration error, Guo et al. 2017);
        top2_accuracy; per_class: name -> precision, recall, f1, support. Rounded to six digits.
    """
    counts = confusion(labels, probabilities.argmax(axis=1), len(classes))
    precision, recall, f1 = class_scores(counts)
    support = counts.sum(axis=1)
    accuracies, macro_f1s = bootstrap(counts, resamples, seed)
    accuracy_low, accuracy_high = interval(accuracies, confidence)
    f1_low, f1_high = interval(macro_f1s, confidence)
    bins = calibration(labels, probabilities)
    gaps = bins["images"] * (bins["confidence"] - bins["accuracy"]).abs()
    first_two = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
    values = {
        "accuracy": np.trace(counts) / len(labels),
        "accuracy_low": accuracy_low,
        "accuracy_high": accuracy_high,
        "macro_f1": f1.mean(),
        "macro_f1_low": f1_low,
        "macro_f1_high": f1_high,
        "balanced_accuracy": recall[support > 0].mean(),
        "macro_precision": precision.mean(),
        "macro_recall": recall.mean(),
        "log_loss": log_loss(labels, probabilities),
        "ece": gaps.sum() / len(labels),
        "top2_accuracy": (first_two == labels[:, None]).any(axis=1).mean(),
    }
    per_class = {
        name: {
            "precision": round(float(precision[k]), DIGITS),
            "recall": round(float(recall[k]), DIGITS),
            "f1": round(float(f1[k]), DIGITS),
            "support": int(support[k]),
        }
        for k, name in enumerate(classes)
    }
    rounded = {key: round(float(value), DIGITS) for key, value in values.items()}
    return {"images": len(labels), **rounded, "per_class": per_class}
