"""Predictions for the training images: soft targets for a student, and an audit of the labels.

Teaching with a network of the student's own kind is from Furlanello et al. 2018, "Born-again neural networks",
section 3. With one fold it is just that: the network predicts the images that it was trained on. It has memorized some
of their labels, so with more folds each is predicted by a network that was trained on the others, at the price of as
many trainings.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ferflow.base.arrays import Split, read_split
from ferflow.base.contracts import TeachSummary
from ferflow.base.files import reading, write_array, write_json
from ferflow.base.metrics import accuracy, log_loss
from ferflow.base.network import predict
from ferflow.train.checkpoint import forget_checkpoints, forget_finished, training_key
from ferflow.train.folds import assign_folds
from ferflow.train.loop import train_network
from ferflow.train.recipe import ResultSettings
from ferflow.train.soft_targets import write_soft_targets


def teach(
    settings: ResultSettings,
    folds: int,
    *,
    data: Path,
    report: Path,
    checkpoints: Path,
    finished: Path | None = None,
) -> None:
    """Train one network per fold on the other folds, and write what they predict for their folds.

    Args:
        settings: What each network is trained with. The validation split decides which epoch is kept, as in stage
            train.
        folds: Number of folds; with 1, one network is trained on all images, and predicts them all.
        data: Folder that prepare wrote.
        report: Folder for targets.csv and summary.json.
        checkpoints: Folder for the state of the running training and for finished folds.
        finished: Last checkpoint of the same settings' training on all images, which is taken over for one fold, and
            then deleted. Defaults to none.

    Raises:
        ConfigError: The network cannot be built from its options.
        DataError: The arrays are missing, or a class has fewer groups than there are folds.
        ModelError: A training diverged.
    """
    train, validation = (read_split(data, name) for name in ("train", "validation"))
    others = [finished] if finished and folds == 1 else []  # else it is kept for a tuned result
    if folds == 1:
        numbers = np.ones(len(train), np.int64)
    else:
        numbers = assign_folds(train.labels, train.index["group"].to_numpy(np.int64), folds, settings.seed)
    probabilities = np.zeros((len(train), len(train.classes)), np.float32)
    for fold in range(1, folds + 1):
        print(f"{settings.result}: fold {fold} of {folds}", flush=True)
        held_out = np.flatnonzero(numbers == fold)
        rest = train if folds == 1 else train.take(np.flatnonzero(numbers != fold))
        probabilities[held_out] = _predictions(settings, rest, validation, train.take(held_out), checkpoints, others)
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
    seen = "was trained on them" if folds == 1 else "has not seen them"
    print(f"{settings.result}: {100 * right:.1f} % of the labels are predicted by a network that {seen}")
    forget_checkpoints(checkpoints)
    for path in others:
        forget_finished(path)


def _predictions(
    settings: ResultSettings,
    rest: Split,
    validation: Split,
    predicted: Split,
    checkpoints: Path,
    others: Sequence[Path],
) -> np.ndarray:
    """Return the predictions of a network trained on `rest`; from the file if this fold was finished earlier."""
    done = checkpoints / f"{training_key(settings, rest, validation, settings.seed)}.npy"
    if done.is_file():
        with reading(done, remedy=f"Delete it to train the fold again: rm {done}."):
            finished: np.ndarray = np.load(done, allow_pickle=False)
        return finished
    result = train_network(settings, rest, validation, settings.seed, checkpoints / "fold", _print_epoch, None, others)
    predictions = predict(result.model, predicted.images)
    write_array(done, predictions)
    forget_checkpoints(checkpoints / "fold")
    return predictions


def _print_epoch(row: dict[str, float]) -> None:
    validation = row["val_accuracy"]
    print(f"epoch {row['epoch']:.0f}: loss {row['loss']:.3f}, validation accuracy {validation:.3f}", flush=True)
