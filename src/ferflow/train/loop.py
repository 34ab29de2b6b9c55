"""The training loop: train epoch by epoch, keep the best epoch by validation, resume after any interruption.

Keras' fit with its callbacks (EarlyStopping, BackupAndRestore, SwapEMAWeights, ReduceLROnPlateau) is not enough: it
cannot resume to the same bits within a schedule and an order of batches, end by the clock, or select the best epoch by
macro F1 of the averaged weights.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.base.arrays import Split
from ferflow.train.backend import make_reproducible, shared_by_devices
from ferflow.train.checkpoint import Checkpoint, training_key
from ferflow.train.costs import count_macs
from ferflow.train.recipe import ResultSettings
from ferflow.train.trainer import Stopped, Trainer, build_for

HISTORY = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "val_macro_f1", "learning_rate"]


@dataclass(frozen=True)
class TrainResult:
    """A finished training.

    Attributes:
        model: The network with the weights of the kept epoch, uncompiled, float32.
        history: One row per epoch, with the columns of HISTORY.
        best_epoch: Number of the epoch whose weights `model` has, from 1: the best, or the last with `keep: last`.
        stopped: What ended the training.
        images: Number of training images.
        trainable_parameters: Number of weights that the last phase changed.
        macs: Multiply-accumulate operations of one image's forward pass.
        seconds: Seconds spent in steps and validation, over all sessions.
        seen: Images that all steps took together; an image counts each time.
    """

    model: keras.Model
    history: pd.DataFrame
    best_epoch: int
    stopped: Stopped
    images: int
    trainable_parameters: int
    macs: int
    seconds: float
    seen: int

    @property
    def best(self) -> dict[str, float]:
        """Validation figures of `best_epoch`: `val_accuracy`, `val_macro_f1` and `val_loss`."""
        row = self.history.iloc[self.best_epoch - 1]
        return {name: float(row[name]) for name in ("val_accuracy", "val_macro_f1", "val_loss")}


def train_network(
    settings: ResultSettings,
    train: Split,
    validation: Split,
    seed: int,
    checkpoints: Path | None = None,
    on_epoch: Callable[[dict[str, float]], None] | None = None,
    soft: npt.NDArray[np.float32] | None = None,
    finished: Sequence[Path] = (),
) -> TrainResult:
    """Train a network; the same arguments give the same weights, however often the training was interrupted.

    Args:
        settings: The network and how to train it.
        train: Training split.
        validation: Validation split, which decides which epoch is kept and when to stop.
        seed: Seed of weights, order, augmentation and dropout.
        checkpoints: Folder for the state after each epoch. The caller deletes it once the result has been written
            (forget_checkpoints). Defaults to no checkpoints.
        on_epoch: Called after each epoch with its row of the history, on resuming also for the earlier epochs. An
            exception that it raises ends the training. Defaults to nothing.
        soft: A teacher's class probabilities for the training images, (N, classes), of which each target has the share
            `train.soft_targets`. Defaults to no teacher.
        finished: Final states of other trainings (see keep_finished), of which one with the same settings, data and
            code is this training and is taken over; used with `checkpoints` alone. Defaults to none.

    Raises:
        ConfigError: Architecture or options are invalid, or devices are missing.
        ModelError: The network cannot be built, the loss is no longer finite, or a checkpoint cannot be read.
    """
    make_reproducible(seed)  # first, because it clears Keras' session and with it the distribution over devices
    with shared_by_devices(settings.train.devices):
        trainer = Trainer(settings, train, validation, seed, soft)
        key = training_key(settings, train, validation, seed, soft)
        checkpoint = Checkpoint(checkpoints, key, finished) if checkpoints else None
        stopped = _run(trainer, settings.result, checkpoint, on_epoch)
    trainable = sum(int(np.prod(weight.shape)) for weight in trainer.model.trainable_weights)
    # Build the network again, so that names and bytes of its file do not depend on interruptions, precision or phases.
    make_reproducible(seed)
    model = build_for(settings, train)
    model.set_weights(trainer.kept)
    return TrainResult(
        model=model,
        history=pd.DataFrame(trainer.history)[HISTORY].astype({"epoch": int}),
        best_epoch=trainer.kept_epoch,
        stopped=stopped,
        images=len(train),
        trainable_parameters=trainable,
        macs=count_macs(model),
        seconds=trainer.seconds,
        seen=trainer.seen,
    )


def _run(
    trainer: Trainer,
    name: str,
    checkpoint: Checkpoint | None,
    on_epoch: Callable[[dict[str, float]], None] | None,
) -> Stopped:
    """Train from the start or from the checkpoint; return what ended the training."""
    if checkpoint and (state := checkpoint.load()):
        trainer.restore(state)
        ended = trainer.finished() is not None
        how = f"all {state.epoch} epochs are trained already" if ended else f"resuming after epoch {state.epoch}"
        print(f"{name}: {how}", flush=True)
        for row in state.history:
            if on_epoch:
                on_epoch(row)
    while (stopped := trainer.finished()) is None:
        row = trainer.run_epoch()
        if checkpoint:
            checkpoint.save(trainer.state())
        if on_epoch:
            on_epoch(row)
    return stopped
