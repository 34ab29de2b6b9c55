"""The arms of an ablation compared with the baseline, image by image."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ferflow.ablate.ablation_summary import ArmScores, Difference
from ferflow.base.metrics import macro_f1, mcnemar
from ferflow.reporting.confusion import interval
from ferflow.scoring.paired_tests import holm

Labels = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Probabilities = npt.NDArray[np.float32]

DIGITS = 6


def compare_arms(
    probabilities: Mapping[str, Probabilities],
    labels: Labels,
    groups: Labels,
    folds: Labels,
    *,
    resamples: int,
    confidence: float,
    seed: int,
) -> dict[str, ArmScores]:
    """Return the scores of each arm, and its differences from the first one.

    Intervals are percentile intervals of a bootstrap over groups of images (the cluster bootstrap, Davison & Hinkley
    1997, section 3.8), so that a picture with many copies does not count as many independent ones. The p-value is
    that of the exact McNemar test on the images, corrected over the arms after Holm (1979).

    Args:
        probabilities: Predictions of each arm, float32, (N, classes); each image is predicted by the network that was
            trained without its fold.
        labels: True classes, int64, (N,).
        groups: Group of each image, int64, (N,).
        folds: Fold of each image, int64, (N,).
        resamples: Number of bootstrap resamples.
        confidence: Confidence level of the intervals, in (0, 1).
        seed: Seed of the bootstrap.
    """
    names = list(probabilities)
    classes, rarest = probabilities[names[0]].shape[1], rarest_class(labels)
    predicted = [probabilities[name].argmax(axis=1) for name in names]
    correct = np.stack([answers == labels for answers in predicted], axis=1).astype(np.float64)
    losses = np.stack([image_losses(labels, probabilities[name]) for name in names], axis=1)
    differences = np.concatenate([correct - correct[:, :1], losses - losses[:, :1]], axis=1)
    resampled = resampled_means(differences, groups, resamples, seed)
    ends = [interval(column, confidence) for column in resampled.T]
    values = [
        Difference(value=_rounded(value), low=_rounded(low), high=_rounded(high))
        for value, (low, high) in zip(differences.mean(axis=0), ends, strict=True)
    ]
    by_fold = np.stack([correct[folds == fold].mean(axis=0) for fold in np.unique(folds)])
    p_values = [mcnemar(correct[:, arm] == 1, correct[:, 0] == 1)[2] for arm in range(1, len(names))]
    corrected = holm(p_values) if p_values else []
    scores = {}
    for arm, name in enumerate(names):
        other = arm > 0
        scores[name] = ArmScores(
            accuracy=_rounded(correct[:, arm].mean()),
            log_loss=_rounded(losses[:, arm].mean()),
            macro_f1=_rounded(macro_f1(labels, predicted[arm], classes)),
            rarest_recall=_rounded(correct[labels == rarest, arm].mean()),
            accuracy_by_fold=tuple(_rounded(share) for share in by_fold[:, arm]),
            accuracy_difference=values[arm] if other else None,
            log_loss_difference=values[len(names) + arm] if other else None,
            p_mcnemar=p_values[arm - 1] if other else None,
            p_holm=corrected[arm - 1] if other else None,
            folds_ahead=int((by_fold[:, arm] > by_fold[:, 0]).sum()) if other else None,
        )
    return scores


def rarest_class(labels: Labels) -> int:
    """Return the class with the fewest images, of those that have any; the first one on ties.

    >>> rarest_class(np.array([0, 0, 2, 2, 2, 3]))
    3
    """
    present, counts = np.unique(labels, return_counts=True)
    return int(present[counts.argmin()])


def image_losses(labels: Labels, probabilities: Probabilities) -> Floats:
    """Return the log loss of each image in nats, float64, (N,); ferflow.base.metrics.log_loss is their mean."""
    chosen = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return np.asarray(-np.log(np.clip(chosen, 1e-7, 1.0)))


def resampled_means(values: Floats, groups: Labels, resamples: int, seed: int) -> Floats:
    """Return the means of values over bootstrap resamples of whole groups.

    Args:
        values: Values of each image, float64, (N, V).
        groups: Group of each image, int64, (N,).
        resamples: Number of resamples.
        seed: Seed of the draws.

    Returns:
        float64, (resamples, V); all columns see the same resamples.
    """
    _, rows = np.unique(groups, return_inverse=True)
    count = int(rows.max()) + 1
    columns = np.concatenate([values, np.ones((len(values), 1))], axis=1)
    sums = np.stack([np.bincount(rows, column, count) for column in columns.T], axis=1)
    rng = np.random.default_rng(seed)
    means = np.empty((resamples, values.shape[1]))
    for number in range(resamples):
        drawn = np.bincount(rng.integers(0, count, count), minlength=count) @ sums
        means[number] = drawn[:-1] / drawn[-1]
    return means


def _rounded(value: float) -> float:
    return round(float(value), DIGITS)
