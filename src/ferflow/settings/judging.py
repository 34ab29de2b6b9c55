"""`evaluate:`, `compare:` and `register:` in params.yaml."""

from typing import Annotated, Literal

from pydantic import Field

from ferflow.base.section import PositiveInt, Probability, Section


class Evaluate(Section):
    """`evaluate:`: how results are measured.

    Attributes:
        views: `single`, `flip` (mean of the image and its mirror image) or `ten_crop` (four corners and centre, and
            their mirror images, of 44 x 44 of 48 x 48 pixels for networks that take images of that side, otherwise of
            the enlarged image; see ferflow.evaluate.ten_crops).
        bootstrap: Number of bootstrap resamples for the confidence intervals; cheap for any number of images.
        confidence: Confidence level of the intervals.
        batch_size: Images per step.
    """

    views: Literal["single", "flip", "ten_crop"]
    bootstrap: Annotated[int, Field(ge=100)]
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)]
    batch_size: PositiveInt


class Compare(Section):
    """`compare:`: how the champion is chosen, on validation alone.

    Attributes:
        metric: Validation metric to rank by; higher is better.
        resamples: Number of resamples of the paired tests.
        confidence: Confidence level of the intervals of differences; a corrected p-value below 1 - confidence is
            statistically significant.
    """

    metric: Literal["accuracy", "macro_f1", "balanced_accuracy"]
    resamples: Annotated[int, Field(ge=100)]
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)]


class Register(Section):
    """`register:`: the gates that a version must pass before it becomes the champion of its dataset.

    Attributes:
        name: Prefix of the registered models' names; each dataset has its own model, `<name>-<dataset>`.
        alias: Alias of the promoted version.
        min_accuracy: Minimum validation accuracy.
        min_gain_over_majority: Minimum gain over always answering with the most frequent class.
        min_macro_f1: Minimum validation macro F1.
        min_worst_recall: Minimum validation recall of the class that has the lowest.
        max_ece: Maximum expected calibration error on validation, in [0, 1].
        max_size_mb: Maximum size of the weights' file in units of 10^6 bytes.
        max_latency_ms: Maximum median time in milliseconds that the registered model takes to answer for one face, on
            the machine that registers it.
        significance: A version is worse than the present champion if McNemar's exact test on the same validation images
            gives a p-value below this.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
    alias: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
    min_accuracy: Probability
    min_gain_over_majority: Probability
    min_macro_f1: Probability
    min_worst_recall: Probability
    max_ece: Probability
    max_size_mb: Annotated[float, Field(gt=0)]
    max_latency_ms: Annotated[float, Field(gt=0)]
    significance: Annotated[float, Field(gt=0.0, lt=1.0)]

    def registered_name(self, dataset: str) -> str:
        """Return the name of a dataset's registered model, such as `ferflow-fer2013`."""
        return f"{self.name}-{dataset}"
