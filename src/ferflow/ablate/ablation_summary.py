"""`reports/ablate/<dataset>/<name>.json`: what an ablation found."""

from typing import Any, Literal

from ferflow.base.contracts import Contract


class Difference(Contract):
    """The difference of a mean from the baseline's, with the interval of a bootstrap over groups of images.

    Attributes:
        value: The difference; above 0, the arm's mean is higher.
        low: Lower end of the interval.
        high: Upper end of the interval.
    """

    value: float
    low: float
    high: float


class ArmScores(Contract):
    """Scores of one arm over all held-out images; the differences are None for the baseline.

    Attributes:
        accuracy: Share of correct predictions, 0 to 1.
        log_loss: Mean negative log-likelihood in nats.
        macro_f1: F1 score averaged over the classes, 0 to 1.
        rarest_recall: Recall of the class with the fewest images, 0 to 1.
        accuracy_by_fold: Accuracy on each fold.
        accuracy_difference: Accuracy minus the baseline's.
        log_loss_difference: Log loss minus the baseline's.
        p_mcnemar: p-value of the exact McNemar test against the baseline.
        p_holm: The same, corrected for the number of arms.
        folds_ahead: Number of folds with a higher accuracy than the baseline's.
    """

    accuracy: float
    log_loss: float
    macro_f1: float
    rarest_recall: float
    accuracy_by_fold: tuple[float, ...]
    accuracy_difference: Difference | None = None
    log_loss_difference: Difference | None = None
    p_mcnemar: float | None = None
    p_holm: float | None = None
    folds_ahead: int | None = None


class Arm(Contract):
    """One arm.

    Attributes:
        changes: What differs from the base, by dotted key.
        scores: Scores of the arm; None if it failed.
        seconds: Mean seconds of a training; None if it failed.
        processors: Kinds of processor that trained it.
        failed: Why it has no scores; empty if it has.
    """

    changes: dict[str, Any]
    scores: ArmScores | None = None
    seconds: float | None = None
    processors: tuple[str, ...] = ()
    failed: str = ""


class AblationSummary(Contract):
    """What an ablation found.

    Attributes:
        name: Name of the file, without its suffix.
        dataset: Dataset of params.yaml.
        description: What it is to find out.
        model: Block of `models:` in params.yaml.
        budget: Budget whose values apply.
        views: Test-time views of the held-out images.
        seed: Seed of folds and trainings.
        versions: Versions of the libraries that decide the results, by name.
        base: What differs from params.yaml in all arms, by dotted key.
        epochs: Epochs of a training of the baseline.
        folds: Number of parts that the images are divided into.
        folds_run: Number of folds that every arm was trained on.
        images: Number of held-out images that the scores are over.
        groups: Number of their groups of copies.
        rarest: Class with the fewest of them.
        resamples: Number of bootstrap resamples.
        confidence: Confidence level of the intervals.
        arms: The arms by name; the first one is the baseline.
    """

    name: str
    dataset: str
    description: str
    model: str
    budget: str
    views: Literal["single", "flip", "ten_crop"]
    seed: int
    versions: dict[str, str]
    base: dict[str, Any]
    epochs: int
    folds: int
    folds_run: int
    images: int
    groups: int
    rarest: str
    resamples: int
    confidence: float
    arms: dict[str, Arm]
