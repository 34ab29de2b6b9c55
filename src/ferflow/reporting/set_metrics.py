"""What metrics.json holds for one set of images; docs/evaluation.md explains each number and gives its source.

Every number is of the probabilities that the registered model answers with, divided by the temperature, except those of
`uncalibrated`. All are rounded to six digits. A number that is not defined, such as the area of a class without images,
is None, and never NaN, which JSON does not have.
"""

from typing import Any

from pydantic import SerializerFunctionWrapHandler, model_serializer

from ferflow.base.contracts import Contract
from ferflow.reporting.robustness import Robustness


class ClassScores(Contract):
    """Scores of one class, in [0, 1].

    Attributes:
        precision: Share of the predictions of this class that are correct.
        recall: Share of the images of this class that are found.
        f1: Harmonic mean of precision and recall.
        support: Number of images of this class.
        roc_auc: Area under the ROC curve of this class against the rest; None unless there are images of both.
            Defaults to None.
        average_precision: Area under the precision-recall curve of this class against the rest, as average precision;
            None without images of this class. Defaults to None.
    """

    precision: float
    recall: float
    f1: float
    support: int
    roc_auc: float | None = None
    average_precision: float | None = None


class ProbabilityScores(Contract):
    """How good the probabilities are, not only which class has the highest one.

    Attributes:
        log_loss: Mean negative log-likelihood in nats.
        brier: Brier score over all classes, in [0, 2] (Brier 1950).
        ece: Expected calibration error of the predicted class, in [0, 1] (Guo et al. 2017, section 2).
        classwise_ece: Mean over the classes of the calibration error of each class's probability, in [0, 1] (Kull et
            al. 2019, section 2; Nixon et al. 2019, section 3.2).
    """

    log_loss: float
    brier: float
    ece: float
    classwise_ece: float


class Third(Contract):
    """Scores of a third of the images, by their brightness or contrast.

    Attributes:
        low: Lower limit of the third in grey levels, or None for the lowest third.
        high: Upper limit of the third in grey levels, or None for the highest third.
        images: Number of images.
        accuracy: Share of correct predictions, or None without images.
        accuracy_low: Lower end of its bootstrap interval, or None without images.
        accuracy_high: Upper end of its bootstrap interval, or None without images.
        macro_f1: Unweighted mean of the F1 of the classes that occur in this third, or None without images.
    """

    low: float | None
    high: float | None
    images: int
    accuracy: float | None
    accuracy_low: float | None
    accuracy_high: float | None
    macro_f1: float | None


class Thirds(Contract):
    """Scores by thirds of brightness and of contrast, whose limits are those of the training images.

    Attributes:
        brightness: Thirds by the mean grey level, the darkest first.
        contrast: Thirds by the standard deviation of the grey levels, the flattest first.
    """

    brightness: list[Third]
    contrast: list[Third]


class AgreementBin(Contract):
    """Images on which about the same share of the annotators agreed.

    Attributes:
        low: Lower limit of the share of votes for the most frequent answer, inclusive.
        high: Upper limit, exclusive except for 1.
        images: Number of images.
        accuracy: Share of correct predictions, or None without images.
    """

    low: float
    high: float
    images: int
    accuracy: float | None


class Agreement(Contract):
    """The predictions compared with the votes of the annotators.

    Attributes:
        log_loss: Mean cross-entropy of the shares of the votes, in nats.
        jensen_shannon: Mean Jensen-Shannon divergence between the probabilities and the shares of the votes, in nats,
            at most 0.693 (Lin 1991).
        annotator_probability: Mean probability of the answer of an annotator drawn by chance.
        bins: Accuracy by the share of votes for the most frequent answer.
    """

    log_loss: float
    jensen_shannon: float
    annotator_probability: float
    bins: list[AgreementBin]


class SetMetrics(Contract):
    """Metrics of one set of images.

    Attributes:
        images: Number of images.
        accuracy: Share of correct predictions.
        accuracy_low: Lower end of the accuracy's bootstrap interval.
        accuracy_high: Upper end of the accuracy's bootstrap interval.
        macro_f1: Unweighted mean of the classes' F1.
        macro_f1_low: Lower end of the macro F1's bootstrap interval.
        macro_f1_high: Upper end of the macro F1's bootstrap interval.
        balanced_accuracy: Recall averaged over the classes that occur.
        macro_precision: Unweighted mean of the classes' precision.
        macro_recall: Unweighted mean of the classes' recall.
        kappa: Cohen's kappa of labels and predictions (Cohen 1960); None if both know a single class.
        top2_accuracy: Share of images whose true class is among the two most probable.
        log_loss: See ProbabilityScores.
        brier: See ProbabilityScores.
        ece: See ProbabilityScores.
        classwise_ece: See ProbabilityScores.
        uncalibrated: The same four numbers before the temperature.
        roc_auc: Unweighted mean of the classes' roc_auc where it is defined, or None.
        average_precision: Unweighted mean of the classes' average_precision where it is defined, or None.
        aurc: Area under the curve of risk over coverage (Geifman & El-Yaniv 2017); lower is better.
        accuracy_at_80: Accuracy on the 80 % of the images that the network is most confident about.
        absent_classes: Classes without images in this set.
        per_class: Scores of each class by its name.
        thirds: Scores by brightness and contrast; absent if the images were not at hand. Defaults to None.
        agreement: Comparison with the votes of the annotators; absent without votes. Defaults to None.
        by_views: Accuracy over each kind of test-time views by its name, `single`, `flip` or `ten_crop`; absent if they
            were not compared. Defaults to None.
        robustness: Accuracy on corrupted versions of the images; absent on validation, or if it was not tested.
            Defaults to None.
    """

    images: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    macro_f1: float
    macro_f1_low: float
    macro_f1_high: float
    balanced_accuracy: float
    macro_precision: float
    macro_recall: float
    kappa: float | None
    top2_accuracy: float
    log_loss: float
    brier: float
    ece: float
    classwise_ece: float
    uncalibrated: ProbabilityScores
    roc_auc: float | None
    average_precision: float | None
    aurc: float
    accuracy_at_80: float
    absent_classes: list[str]
    per_class: dict[str, ClassScores]
    thirds: Thirds | None = None
    agreement: Agreement | None = None
    by_views: dict[str, float] | None = None
    robustness: Robustness | None = None

    @model_serializer(mode="wrap")
    def _leave_out_absent_blocks(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the blocks that the data has nothing for; numbers that are not defined stay as None."""
        content: dict[str, Any] = handler(self)
        return {key: value for key, value in content.items() if value is not None or key not in _BLOCKS}

    def metric(self, name: str) -> float:
        """Return a metric by its name, such as `accuracy`."""
        return float(getattr(self, name))


_BLOCKS = ("thirds", "agreement", "by_views", "robustness")
"""Blocks of SetMetrics that are absent without the data that they need."""
