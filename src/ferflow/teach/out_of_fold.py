"""Out-of-fold predictions: soft targets for a student, and an audit of the labels.

A network's predictions for the images that it was trained on tell little, since it has memorized their labels. So the
training images are divided into folds, and each fold is predicted by a network that was trained on the others. Teaching
with a network of the student's own kind is from Furlanello et al. 2018, "Born-again neural networks", section 3; the
folds are what keeps each label out of its own soft target.
"""

from pathlib import Path

import numpy as np

from ferflow.base.arrays import Split, read_split
from ferflow.base.contracts import TeachSummary
from ferflow.base.files import reading, write_array, write_json
from ferflow.base.metrics import accuracy, log_loss
from ferflow.base.network import predict
from ferflow.train.checkpoint import forget_checkpoints, training_key
from ferflow.train.folds import assign_folds
from ferflow.train.loop import train_network
from ferflow.train.recipe import ResultSettings
from ferflow.train.soft_targets import write_soft_targets


def teach(settings: ResultSettings, folds: int, *, data: Path, report: Path, checkpoints: Path) -> None:
    """Train one network per fold, and write what they predict for the images that they have not seen.

    Args:
        settings: What each network is trained with. The validation split decides which epoch is kept, as in stage
            train.
        folds: Number of folds, at least 2.
        data: Folder that prepare wrote.
        report: Folder for targets.csv and summary.json.
        checkpoints: Folder for the state of the running training and for finished folds.

    Raises:
        ConfigError: The network cannot be built from its options.
        DataError: The arrays are missing, or a class has fewer groups than there are folds.
        ModelError: A training diverged.
    """
    train, validation = (read_split(data, name) for name in ("train", "validation"))
    numbers = assign_folds(train.labels, train.index["group"].to_numpy(np.int64), folds, settings.seed)
    probabilities = np.zeros((len(train), len(train.classes)), np.float32)
    for fold in range(1, folds + 1):
        print(f"{settings.result}: fold {fold} of {folds}", flush=True)
        held_out = np.flatnonzero(numbers == fold)
        rest = train.take(np.flatnonzero(numbers != fold))
        probabilities[held_out] = _predictions(settings, rest, validation, train.take(held_out), checkpoints)
    write_soft_targets(report / "targets.csv", train, probabilities)
    right = accuracy(train.labels, probabilities.argmax(axis=1))
    summary = TeachSummary(
        result=settings.result,
        folds=folds,
        images=len(train),
        accuracy=right,
        log_loss=log_loss(train.labels, probabilities),
    )
    write_json(report / "summary.json", summary.model_dump(mode="json"))
    print(f"{settings.result}: {100 * right:.1f} % of the labels are predicted by a network that has not seen them")
    forget_checkpoints(checkpoints)


def _predictions(
    settings: ResultSettings, rest: Split, validation: Split, held_out: Split, checkpoints: Path
) -> np.ndarray:
    """Return the predictions of a network trained on `rest`; from the file if this fold was finished earlier."""
    done = checkpoints / f"{training_key(settings, rest, validation, settings.seed)}.npy"
    if done.is_file():
        with reading(done, remedy=f"Delete it to train the fold again: rm {done}."):
            finished: np.ndarray = np.load(done, allow_pickle=False)
        return finished
    result = train_network(settings, rest, validation, settings.seed, checkpoints / "fold", _print_epoch)
    predictions = predict(result.model, held_out.images)
    write_array(done, predictions)
    forget_checkpoints(checkpoints / "fold")
    return predictions


def _print_epoch(row: dict[str, float]) -> None:
    validation = row["val_accuracy"]
    print(f"epoch {row['epoch']:.0f}: loss {row['loss']:.3f}, validation accuracy {validation:.3f}", flush=True)
