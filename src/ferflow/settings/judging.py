"""`evaluate:`, `compare:` and `register:` in params.yaml."""

from typing import Annotated, Literal

from pydantic import Field

from ferflow.base.section import PositiveInt, Probability, Section


class Evaluate(Section):
    """`evaluate:`: how results are measured.

    Attributes:
        views: `single`, `flip` (mean of the image and its mirror image) or `ten_crop` (four corners and centre of the
            enlarged image, and their mirror images).
        bootstrap: resamples for the confidence intervals; cheap at any number of images.
        confidence: of the intervals.
        batch_size: images a step.
    """

    views: Literal["single", "flip", "ten_crop"] = "flip"
    bootstrap: Annotated[int, Field(ge=100)] = 1000
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.95
    batch_size: PositiveInt = 256


class Compare(Section):
    """`compare:`: how the champion is chosen, on validation alone.

    Attributes:
        metric: of the validation split; more is better.
        resamples: of the paired tests.
        confidence: of the intervals of differences; below 1 - confidence, a corrected p-value counts as clear.
    """

    metric: Literal["accuracy", "macro_f1", "balanced_accuracy"] = "accuracy"
    resamples: Annotated[int, Field(ge=100)] = 2000
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.95


class Register(Section):
    """`register:`: what a champion must reach on validation to enter the registry.

    Attributes:
        name: of the registered model.
        alias: that the promoted version gets.
        min_accuracy: least validation accuracy.
        min_gain_over_majority: least gain over always answering with the most frequent class.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")] = "ferflow"
    alias: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")] = "champion"
    min_accuracy: Probability = 0.0
    min_gain_over_majority: Probability = 0.05
