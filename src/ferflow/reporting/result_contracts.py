"""What evaluate, compare and register write for each other; apart from base, so that a new metric retrains nothing."""

from typing import Any

from pydantic import Field, model_serializer, model_validator

from ferflow.base.contracts import Contract


class ClassScores(Contract):
    """Scores of one class, in [0, 1].

    Attributes:
        precision: Share of the predictions of this class that are correct.
        recall: Share of the images of this class that are found.
        f1: Harmonic mean of precision and recall.
        support: Number of images of this class.
    """

    precision: float
    recall: float
    f1: float
    support: int


class SetMetrics(Contract):
    """Metrics of one set of images, rounded to six digits.

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
        log_loss: Mean negative log-likelihood in nats.
        ece: Expected calibration error in [0, 1] (Guo et al. 2017).
        top2_accuracy: Share of images whose true class is among the two most probable.
        per_class: Scores of each class by its name.
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
    log_loss: float
    ece: float
    top2_accuracy: float
    per_class: dict[str, ClassScores]

    def metric(self, name: str) -> float:
        """Return a metric by its name, such as `accuracy`."""
        return float(getattr(self, name))


class _WithSets(Contract):
    """A file with a block for each set of images next to its other keys; in memory, the blocks are in `sets`.

    Attributes:
        sets: Metrics by the name of the set: validation, test, and the further sets that the data has.
    """

    sets: dict[str, SetMetrics] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _collect_sets(cls, content: Any) -> Any:
        if not isinstance(content, dict) or "sets" in content:
            return content
        own = {key: value for key, value in content.items() if key in cls.model_fields}
        return {**own, "sets": {key: value for key, value in content.items() if key not in own}}

    @model_validator(mode="after")
    def _has_validation_and_test(self) -> Any:
        if missing := [name for name in ("validation", "test") if name not in self.sets]:
            raise ValueError(f"{', '.join(missing)}: missing")
        return self

    @model_serializer
    def _flatten_sets(self) -> dict[str, Any]:
        own = {key: getattr(self, key) for key in type(self).model_fields if key != "sets"}
        return {**own, **{name: block.to_json() for name, block in self.sets.items()}}


class Metrics(_WithSets):
    """`reports/evaluate/<result>/metrics.json`.

    Attributes:
        model: Name of the result, such as `cnn_tuned`.
    """

    model: str


class Champion(_WithSets):
    """`reports/compare/champion.json`: the best result on validation.

    Attributes:
        model: Name of the result.
        dataset: Name of the dataset in params.yaml.
        metric: Metric that ranked the results: accuracy, macro_f1 or balanced_accuracy.
        value: The metric on validation, in [0, 1].
        majority_accuracy: Validation accuracy of always predicting the most frequent class.
        runner_up: Name of the second result, or None.
        p_value_vs_runner_up: Corrected p-value of the difference to the runner-up, or None.
        reason: Why it is the champion, a sentence.
    """

    model: str
    dataset: str
    metric: str
    value: float
    majority_accuracy: float
    runner_up: str | None
    p_value_vs_runner_up: float | None
    reason: str


class Registration(Contract):
    """`reports/register/registration.json`: whether the champion passes its own gates, and why.

    Whether it becomes the champion of a registry also depends on that registry's present champion and on the machine's
    speed. The version's tags and logs/register/decision.json record that decision; this file has the same bytes
    wherever the stage runs.

    Attributes:
        passed: Whether it passes every gate that needs neither another model nor a clock.
        because: A sentence for each of these gates.
        model: Name of the result.
        dataset: Name of the dataset in params.yaml.
        name: Name of the dataset's registered model.
        alias: Alias of the promoted version.
        metric: Metric that ranked the results.
        value: The metric on validation, in [0, 1].
        figures: Figures on validation that the gates check: accuracy, gain_over_majority, macro_f1, worst_recall and
            ece in [0, 1], and size_mb.
        worst_class: Class that has the lowest recall on validation.
        gates: Limit of each gate by its key in params.yaml, including those that are checked at registration.
        model_sha256: SHA-256 of the network's file, 64 hex digits.
    """

    passed: bool
    because: list[str]
    model: str
    dataset: str
    name: str
    alias: str
    metric: str
    value: float
    figures: dict[str, float]
    worst_class: str
    gates: dict[str, float]
    model_sha256: str
