"""The block `robustness` of metrics.json: what corrupted images cost; docs/fer2013-c.md describes the corruptions."""

from collections.abc import Mapping

from ferflow.base.contracts import Contract


class CorruptionScores(Contract):
    """Accuracy under one kind of corruption.

    Attributes:
        accuracy: Share of correct predictions at each severity of Robustness.severities.
        mean: Their mean.
        relative: The mean divided by the accuracy on the images as they are; None if that is 0.
    """

    accuracy: list[float]
    mean: float
    relative: float | None


class Robustness(Contract):
    """Accuracy on corrupted versions of a set of images.

    Attributes:
        severities: Severities that were tested, 1 to 5.
        mean_accuracy: Mean over kinds and severities.
        mean_error: 1 - mean_accuracy.
        relative: mean_accuracy divided by the accuracy on the images as they are; None if that is 0.
        kinds: Scores of each kind of corruption by its name.
    """

    severities: list[int]
    mean_accuracy: float
    mean_error: float
    relative: float | None
    kinds: dict[str, CorruptionScores]


def corruption_label(kind: str) -> str:
    """Return the name of a corruption for people.

    >>> corruption_label("gaussian_noise"), corruption_label("jpeg")
    ('gaussian noise', 'JPEG')
    """
    return {"jpeg": "JPEG"}.get(kind, kind.replace("_", " "))


def mean_corruption_error(robustness: Robustness, baseline: Mapping[str, list[float]]) -> float | None:
    """Return the mean corruption error (mCE) compared with a baseline's errors, 1 for the baseline itself.

    For each kind, the sum of the errors over the severities is divided by the baseline's; mCE is the mean over the
    kinds (Hendrycks & Dietterich 2019, section 4.1).

    Args:
        robustness: Scores of the network on the same images.
        baseline: The baseline's error at each severity, in [0, 1], by kind.

    Returns:
        None if the baseline lacks a kind or a severity, or makes no error under a kind.
    """
    ratios = []
    for kind, scores in robustness.kinds.items():
        errors = baseline.get(kind, [])
        if len(errors) != len(scores.accuracy) or not sum(errors):
            return None
        ratios.append(sum(1 - value for value in scores.accuracy) / sum(errors))
    return sum(ratios) / len(ratios) if ratios else None
