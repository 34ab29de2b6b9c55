"""One training from the prepared arrays to everything that it leaves on disk."""

import contextlib
from pathlib import Path

from ferflow.base.arrays import read_split
from ferflow.train.checkpoint import FINISHED, forget_checkpoints, forget_finished, keep_finished
from ferflow.train.loop import train_network
from ferflow.train.recipe import ResultSettings
from ferflow.train.soft_targets import read_soft_targets
from ferflow.train.training_outputs import write_outputs
from ferflow.ui.tracking import DEFAULT_URI, LiveRun, open_live_run, selected_names
from ferflow.ui.twins import Twins


def train_result(
    settings: ResultSettings,
    settings_file: Path,
    *,
    data: Path,
    teachers: Path,
    model: Path,
    report: Path,
    log: Path,
    checkpoints: Path,
    twins: Twins,
    stage: str | None,
    tracking_uri: str | None,
) -> None:
    """Train with live tracking if DVC runs the stage, write the results, delete the checkpoints.

    A search may recommend what the model has anyway. The tuned result is then the same training as the plain one, which
    therefore keeps its last checkpoint; the tuned one takes it over if it can, and deletes it. A teacher that predicts
    all training images keeps its own for stage teach.

    Args:
        settings: What to train and how.
        settings_file: The file that holds `settings`, copied next to the weights.
        data: Folder that prepare wrote.
        teachers: Folder with a folder for each teacher, which holds its targets.csv.
        model: Folder for the weights.
        report: Folder for history and summary.
        log: JSON file for what differs from run to run: time and machine.
        checkpoints: Folder for the state after each epoch, in a folder that those of the other results share.
        twins: Results that may be the same training.
        stage: Name of the running DVC stage, such as `train@cnn`; None: no live tracking.
        tracking_uri: Address of MLflow; None: the project's own database.

    Raises:
        ConfigError: The network cannot be built from its options.
        DataError: The arrays or the teacher's targets are missing, or do not belong together.
        ModelError: The training diverged, or pretrained weights could not be obtained.
        TrackingError: MLflow can never use this address.
    """
    train, validation = (read_split(data, name) for name in ("train", "validation"))
    soft = read_soft_targets(teachers / settings.teacher / "targets.csv", train, settings.teacher)
    run = _open_run(settings, stage, tracking_uri or DEFAULT_URI) if stage else None

    def on_epoch(row: dict[str, float]) -> None:
        print(
            f"{settings.result} epoch {row['epoch']:.0f}: loss {row['loss']:.3f}, accuracy {row['accuracy']:.3f}, "
            f"validation loss {row['val_loss']:.3f}, accuracy {row['val_accuracy']:.3f}",
            flush=True,
        )
        if run:
            run.log_epoch(int(row["epoch"]), {name: value for name, value in row.items() if name != "epoch"})

    # Not its own: who trains a result again wants to see it trained.
    kept = [checkpoints.with_name(name) / FINISHED for name in twins.plain]
    with run or contextlib.nullcontext():
        result = train_network(settings, train, validation, settings.seed, checkpoints, on_epoch, soft, kept)
    write_outputs(result, settings, settings_file, train, model=model, report=report, log=log)
    if twins.tuned or twins.teaches:
        keep_finished(checkpoints)
        return
    forget_checkpoints(checkpoints)
    for path in kept:
        forget_finished(path)


def _open_run(settings: ResultSettings, stage: str, uri: str) -> LiveRun:
    root = Path()
    dataset, budget = selected_names(root)
    params = settings.model_dump(mode="json")
    return open_live_run(root, uri, stage=stage, dataset=dataset, model=settings.result, budget=budget, params=params)
