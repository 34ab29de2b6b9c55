"""The records of docs/results/<dataset>/: one folder a run, one file a result.

A machine that runs the pipeline forgets its results with the next dataset or budget. The records keep them, so that
networks of several days, machines and seeds stand in one table and can be compared image by image.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ferflow.base.contracts import Contract, read_contract
from ferflow.base.errors import DataError
from ferflow.base.files import write_json
from ferflow.reporting.robustness import Robustness

RUN_FILE = "run.json"
AS_PUBLISHED = "_as_published"
"""Ending of the folder of a run whose protocol is that of most publications; see RunRecord.leaks."""


class TrainingLog(Contract):
    """Where and how long a result was trained.

    Attributes:
        cpu: Name of the processor.
        cores: Number of cores.
        backend: Backend of Keras.
        versions: Versions of Python, ferflow, Keras, its backend and NumPy.
        seconds: Training and validation in seconds.
    """

    cpu: str
    cores: int
    backend: str
    versions: dict[str, str]
    seconds: float


class ResultRecord(Contract):
    """`docs/results/<dataset>/<run>/<result>.json`: one trained network.

    Attributes:
        result: Name of the result, such as `ferflow_net_seed2`.
        model: Block of `models:`.
        repeat: Number of the repetition with another seed, from 0.
        weights: Initial weights: empty for a network without pretrained ones, else `none`, `imagenet` or a file name.
        commit: Git commit whose code trained it, or empty if unknown.
        board: Its row of the leaderboard; see ferflow.compare.leaderboard.leaderboard.
        log: Where it was trained, or None if this is unknown.
        settings: Everything that the training read, as in settings/<result>.yaml; empty if unknown.
        predictions: SHA-256 of <result>.parquet, or None if its predictions were not kept.
        corruptions: Accuracy on the corrupted test images, or None if it was not measured.
        views: Accuracy by set and kind of test-time views, or None if they were not compared. Defaults to None.
    """

    result: str
    model: str
    repeat: int
    weights: str
    commit: str
    board: dict[str, str | int | float]
    log: TrainingLog | None
    settings: dict[str, Any]
    predictions: str | None
    corruptions: Robustness | None
    views: dict[str, dict[str, float]] | None = None


class RunRecord(Contract):
    """`docs/results/<dataset>/<run>/run.json`: what all results of one folder have in common.

    Attributes:
        dataset: Name of the dataset in params.yaml.
        budget: Name of the budget.
        description: Description of the budget.
        leaks: How the protocol lets test images into the training or the choice of epochs; empty if it does not.
        views: Test-time views of the evaluation.
        confidence: Confidence level of the intervals, in (0, 1).
        classes: Names of the classes in label order.
        images: Number of images by set.
        origin: Name of the archive or address of the data.
        source: Kind of the source: archive, folder, kaggle or sample.
        archive_sha256: SHA-256 of the data's archive.
        data: Sentences about the data: files kept and dropped, copies, classes.
    """

    dataset: str
    budget: str
    description: str
    leaks: str
    views: str
    confidence: float
    classes: tuple[str, ...]
    images: dict[str, int]
    origin: str
    source: str
    archive_sha256: str
    data: tuple[str, ...]


class Run:
    """A folder of records.

    Attributes:
        folder: The folder.
        about: Content of run.json.
        results: Records in the order of their validation accuracy, best first.
    """

    def __init__(self, folder: Path) -> None:
        """Read the records of a folder.

        Raises:
            DataError: A record is invalid, or there is none.
        """
        self.folder = folder
        self.about = read_contract(folder / RUN_FILE, RunRecord, "compare")
        files = sorted(path for path in folder.glob("*.json") if path.name != RUN_FILE)
        if not files:
            raise DataError(f"{folder} has no results. Delete it, or restore them: git checkout {folder}.")
        records = [read_contract(path, ResultRecord, "compare") for path in files]
        self.results = sorted(records, key=lambda record: (-float(record.board["validation_accuracy"]), record.result))


def write_run(folder: Path, about: RunRecord) -> None:
    """Write run.json, or check that the present one is about the same images.

    Raises:
        DataError: The folder's results were measured on other images, or by another protocol.
    """
    path = folder / RUN_FILE
    if path.is_file():
        before = read_contract(path, RunRecord, "compare")
        for key in ("dataset", "budget", "leaks", "views", "classes", "images", "archive_sha256"):
            if getattr(before, key) != getattr(about, key):
                raise DataError(
                    f"{folder} holds results with {key} {getattr(before, key)!r}, and these have "
                    f"{getattr(about, key)!r}, so they do not belong in one table. Move or delete {folder}."
                )
    write_json(path, about.to_json())


def write_result(folder: Path, record: ResultRecord) -> None:
    """Write <result>.json."""
    write_json(folder / f"{record.result}.json", record.to_json())


def runs_of(folder: Path) -> Iterator[Run]:
    """Yield the runs of a dataset: `full` first, then by name, those with leaks last.

    Args:
        folder: docs/results/<dataset>.
    """
    found = [path.parent for path in folder.glob(f"*/{RUN_FILE}")]
    for path in sorted(found, key=lambda path: (path.name.endswith(AS_PUBLISHED), path.name != "full", path.name)):
        yield Run(path)
