"""What evaluate, compare and register write for each other; apart from base, so that a new metric retrains nothing."""

from typing import Any

from pydantic import Field, model_serializer, model_validator

from ferflow.base.contracts import Contract
from ferflow.reporting.set_metrics import SetMetrics


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
        views: Test-time views that the predictions are the mean over: `single`, `flip` or `ten_crop`.
        temperature: Temperature that the logits are divided by, fitted on validation (Guo et al. 2017).
    """

    model: str
    views: str
    temperature: float


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
        views: Test-time views that its predictions are the mean over.
        temperature: Temperature that its logits are divided by.
    """

    model: str
    dataset: str
    metric: str
    value: float
    majority_accuracy: float
    runner_up: str | None
    p_value_vs_runner_up: float | None
    reason: str
    views: str
    temperature: float


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
        views: Test-time views that the registered model averages over.
        temperature: Temperature that the registered model divides the logits by.
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
    views: str
    temperature: float
