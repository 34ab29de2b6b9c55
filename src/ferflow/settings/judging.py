"""`infer:`, `evaluate:`, `compare:`, `export:` and `register:` in params.yaml."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ferflow.base.section import NonNegativeInt, PositiveInt, Probability, Section

ViewKind = Literal["single", "flip", "ten_crop"]

CorruptionKind = Literal[
    "gaussian_noise",
    "defocus_blur",
    "motion_blur",
    "contrast",
    "brightness",
    "jpeg",
    "pixelation",
    "occlusion",
    "shift",
    "rotation",
]


class Corruptions(Section):
    """`infer.corruptions:`: with which corruptions of the test images the network is tested (FER-2013-C).

    Attributes:
        kinds: Kinds of corruption, see ferflow.infer.corruptions; empty: no such test.
        severities: Severities, 1 (just visible) to 5 (hard), in ascending order.
    """

    kinds: tuple[CorruptionKind, ...]
    severities: Annotated[tuple[Literal[1, 2, 3, 4, 5], ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _no_repetition(self) -> "Corruptions":
        if len(set(self.kinds)) < len(self.kinds):
            raise ValueError(f"infer.corruptions.kinds: one kind occurs twice. Received: {list(self.kinds)}.")
        if list(self.severities) != sorted(set(self.severities)):
            raise ValueError(
                f"infer.corruptions.severities: must be in ascending order. Received: {list(self.severities)}."
            )
        return self


class Infer(Section):
    """`infer:`: how a trained network predicts the images that it is measured on.

    Attributes:
        views: `single`, `flip` (mean of the image and its mirror image) or `ten_crop` (four corners and centre, and
            their mirror images, of 44 x 44 of 48 x 48 pixels for networks that take images of that side, otherwise of
            the enlarged image; see ferflow.infer.ten_crops). The registered model averages over the same views.
        compared_views: Kinds of views whose accuracy is measured as well, to tell what they are worth; empty: none. Ten
            crops cost as much as predicting the images ten times.
        batch_size: Images per step.
        mistakes: Number of test images to explain and to show: the most confident mistakes.
        corruptions: Corrupted test images to predict as well, over the same views. Each kind at each severity costs as
            much as predicting the test images once.
    """

    views: ViewKind
    compared_views: tuple[ViewKind, ...]
    batch_size: PositiveInt
    mistakes: NonNegativeInt
    corruptions: Corruptions

    @model_validator(mode="after")
    def _no_views_twice(self) -> "Infer":
        if len(set(self.compared_views)) < len(self.compared_views):
            raise ValueError(f"infer.compared_views: one kind occurs twice. Received: {list(self.compared_views)}.")
        return self


class Evaluate(Section):
    """`evaluate:`: how results are measured.

    Attributes:
        bootstrap: Number of bootstrap resamples for the confidence intervals; cheap for any number of images.
        confidence: Confidence level of the intervals.
    """

    bootstrap: Annotated[int, Field(ge=100)]
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)]


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


class Export(Section):
    """`export:`: the champion as files that run without Keras.

    Attributes:
        default: Precision of the file that is used unless the user names another: `float32`, or `int8` if that file is
            good enough. `make bench-use` measures which one is faster on a machine.
        calibration_images: Training images that give the ranges of the 8-bit file.
        template_images: Training images in which the place of faces in a crop is looked for.
        checked_images: Maximum number of validation images for which the files are compared with Keras.
        max_difference: Maximum difference of a probability between a float32 file and Keras.
        min_same_answers: Minimum share of validation images for which the 8-bit file must give the same answer.
        max_accuracy_loss: Maximum validation accuracy that the 8-bit file may lose, in [0, 1].
    """

    default: Literal["float32", "int8"]
    calibration_images: PositiveInt
    template_images: PositiveInt
    checked_images: PositiveInt
    max_difference: Annotated[float, Field(gt=0.0, le=0.1)]
    min_same_answers: Probability
    max_accuracy_loss: Probability


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
