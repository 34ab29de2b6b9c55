"""What stages hand over to each other as JSON: the schemas of their summaries."""

from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from ferflow.base.errors import DataError
from ferflow.base.files import require


class Contract(BaseModel):
    """A JSON document that one stage writes and others read: immutable, every key known."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def to_json(self) -> dict[str, Any]:
        """Return the content as it is written, in the order of the file's keys."""
        return self.model_dump(mode="json")


T = TypeVar("T", bound=Contract)


def read_contract(path: Path, kind: type[T], stage: str) -> T:
    """Read a JSON file that another stage wrote.

    Args:
        path: The file.
        kind: What it must hold.
        stage: The DVC stage that writes it, such as `train@cnn`.

    Raises:
        DataError: The file is missing, is not JSON, or lacks a key. The message names the file, the faults and the
            stage to run again.
    """
    text = require(path, stage).read_bytes()
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        faults = []
        for fault in error.errors(include_url=False):
            key = ".".join(str(part) for part in fault["loc"])
            message = "missing" if fault["type"] == "missing" else fault["msg"]
            faults.append(f"{key}: {message}" if key else message)
        raise DataError(f"{path} is invalid: {'; '.join(faults)}. Run again: dvc repro -f {stage}.") from None


class CopyCounts(Contract):
    """Exact copies among all readable images.

    Attributes:
        redundant: Images that could be removed without losing a picture.
        groups: Groups of exact copies.
        conflicting_groups: Groups whose images have several labels.
    """

    redundant: int
    groups: int
    conflicting_groups: int


class LeakCounts(Contract):
    """Exact copies across the splits of the raw data.

    Attributes:
        test: Test images with an exact copy among the training images.
        private_test: Those of the subset PrivateTest.
        public_test: Those of the subset PublicTest.
        training_copies: Training images that are copies of a test or validation image.
    """

    test: int
    private_test: int
    public_test: int
    training_copies: int


class NearCopyCounts(Contract):
    """Groups of near-copies among all readable images.

    Attributes:
        images: Images in such groups.
        groups: Groups with at least two different pictures.
        largest_group: Images in the largest group; 0 if there is none.
        across_splits: Groups with images in several splits.
    """

    images: int
    groups: int
    largest_group: int
    across_splits: int


class CleanSummary(Contract):
    """`reports/clean/summary.json`: how many files clean kept, dropped and flagged.

    Attributes:
        files: Raw files and table rows.
        kept: Those with the verdict keep.
        dropped: Those with the verdict drop.
        dropped_by_reason: Number of dropped files by reason, in order of precedence.
        kept_by_reason: Number of kept files with a finding by reason, in order of precedence.
        readable: Images in a class folder and split that could be decoded.
        classes: Kept images by class.
        splits: Kept images by split; "not told" counts those without one.
        duplicates: Exact copies.
        leakage: Exact copies across splits.
        blank: Blank images.
        near_copies: Near-copies.
    """

    files: int
    kept: int
    dropped: int
    dropped_by_reason: dict[str, int]
    kept_by_reason: dict[str, int]
    readable: int
    classes: dict[str, int]
    splits: dict[str, int]
    duplicates: CopyCounts
    leakage: LeakCounts
    blank: int
    near_copies: NearCopyCounts


class PrepareSummary(Contract):
    """`reports/prepare/summary.json`: what the arrays hold.

    Attributes:
        classes: Names of the classes in label order.
        image_size: Side of the images in pixels.
        soft_labels: Whether crowd votes are written as soft labels.
        images: Images by split.
        cut: Splits that prepare made because the data did not define them.
        per_class: Images by split and class.
        subsets: Images by split and subset, such as PublicTest.
        copy_in_train: Images by split with an exact copy among the raw training images.
        near_copies_in_train: Images of validation and test that share a group of near-copies with a training image.
        groups: Groups of copies and near-copies by split.
        largest_group: Images in the largest group.
        resized: Images of another size than `image_size`.
        converted: Images of another pixel format than 8-bit grey.
        sha256: SHA-256 of each file that prepare wrote, by its name.
    """

    classes: tuple[str, ...]
    image_size: int
    soft_labels: bool
    images: dict[str, int]
    cut: tuple[str, ...]
    per_class: dict[str, dict[str, int]]
    subsets: dict[str, dict[str, int]]
    copy_in_train: dict[str, int]
    near_copies_in_train: dict[str, int]
    groups: dict[str, int]
    largest_group: int
    resized: int
    converted: int
    sha256: dict[str, str]


class BestParams(Contract):
    """`reports/tune/<model>/best.json`: the settings that a search recommends.

    `reports/tune/none/best.json` stands for no search: it has no params, and every other key is absent.

    Attributes:
        model: Block of `models:` that was searched. Defaults to none.
        params: Values of the recommended trial by dotted key, such as {"train.learning_rate": 0.001}.
        value: The metric of the recommended trial; higher is better. Defaults to None.
        trial: Number of the recommended trial, from 0; 0 is the baseline. Defaults to None.
        best_trial: Number of the trial with the best metric. It is not the recommended one if it is not significantly
            better than the baseline. Defaults to None.
        p_value: p-value of the difference between those two (McNemar's exact test on the validation images). Defaults
            to None, which stands for nothing to compare.
        trials: Number of trials of any state. Defaults to 0.
        metric: Name of the metric, such as val_accuracy. Defaults to none.
    """

    model: str = ""
    params: dict[str, JsonValue]
    value: float | None = None
    trial: int | None = None
    best_trial: int | None = None
    p_value: float | None = None
    trials: int = 0
    metric: str = ""


class TeachSummary(Contract):
    """`reports/teach/<result>/summary.json`: how well a teacher predicts the labels of the training images.

    Attributes:
        result: Result whose settings trained the networks.
        folds: Number of folds; with 1, the network was trained on the images that it predicts, else on others.
        images: Number of training images, each predicted once.
        accuracy: Share of images whose label is predicted, 0 to 1.
        log_loss: Mean cross-entropy of the labels in nats.
    """

    result: str
    folds: int
    images: int
    accuracy: float
    log_loss: float


class ValidationScores(Contract):
    """Validation figures of the best epoch, on the weights that are kept.

    Attributes:
        val_accuracy: Share of correct predictions, 0 to 1.
        val_macro_f1: Mean over the classes of the F1 score, 0 to 1.
        val_loss: Mean cross-entropy in nats, without label smoothing.
    """

    val_accuracy: float
    val_macro_f1: float
    val_loss: float


class TrainSummary(Contract):
    """`reports/train/<result>/summary.json`: the network of a result and how its training went.

    Attributes:
        model: Name of the result.
        architecture: Module in ferflow.models that built the network.
        parameters: Number of weights of the network, including running statistics.
        trainable_parameters: Number of weights that the last phase of the training changed.
        macs: Multiply-accumulate operations of one image's forward pass.
        images: Number of training images.
        epochs_run: Number of epochs that were trained.
        best_epoch: Number of the epoch whose weights are kept, from 1.
        best: Validation figures of that epoch.
        stopped: What ended the training: `patience`, `epochs` or `max_minutes`.
    """

    model: str
    architecture: str
    parameters: int
    trainable_parameters: int
    macs: int
    images: int
    epochs_run: int
    best_epoch: int
    best: ValidationScores
    stopped: Literal["patience", "epochs", "max_minutes"]
