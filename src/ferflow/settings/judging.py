"""`evaluate:`, `compare:` and `register:` in params.yaml."""

from typing import Annotated, Literal

from pydantic import Field

from ferflow.base.section import PositiveInt, Probability, Section


class Evaluate(Section):
    """`evaluate:`: how results are measured.

    Attributes:
        views: `single`, `flip` (mean of the image and its mirror image) or `ten_crop` (four corners and centre of the
            enlarged image, and their mirror images).
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
    """`register:`: what a champion must reach on validation to enter the registry.

    Attributes:
        name: Name of the registered model.
        alias: Alias of the promoted version.
        min_accuracy: Minimum validation accuracy.
        min_gain_over_majority: Minimum gain over always answering with the most frequent class.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
    alias: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
    min_accuracy: Probability
    min_gain_over_majority: Probability
