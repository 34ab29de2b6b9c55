"""The training loop: train epoch by epoch, keep the best epoch by validation, resume after any interruption.

Keras' fit with its callbacks (EarlyStopping, BackupAndRestore, SwapEMAWeights, ReduceLROnPlateau) is not enough: it
cannot resume to the same bits within a schedule and an order of batches, end by the clock, or select the best epoch by
macro F1 of the averaged weights.

An epoch runs in this order (`_Trainer.run_epoch`): enter the phase (the head alone, or the base too), then for each
step set the rate and train on a batch, then validate with the averaged weights and keep them if they are the best.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import pandas as pd

from ferflow.base.arrays import Split
from ferflow.base.errors import ModelError
from ferflow.base.metrics import accuracy, log_loss, macro_f1
from ferflow.base.network import predict
from ferflow.train.architectures import build_network, check_options, find_architecture
from ferflow.train.backend import assigns_by_reference, make_reproducible, shared_by_devices
from ferflow.train.batches import Batches
from ferflow.train.checkpoint import Checkpoint, State, training_key
from ferflow.train.costs import count_macs
from ferflow.train.optimizer import compile_network
from ferflow.train.recipe import ResultSettings, Train
from ferflow.train.schedule import rate_at_step
from ferflow.ui.progress import progress

HISTORY = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "val_macro_f1", "learning_rate"]
Stopped = Literal["patience", "epochs", "max_minutes"]


@dataclass(frozen=True)
class TrainResult:
    """A finished training.

    Attributes:
        model: The network with the weights of the best epoch, uncompiled, float32.
        history: One row per epoch, with the columns of HISTORY.
        best_epoch: Number of the best epoch, from 1.
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
        """Validation figures of the best epoch: `val_accuracy`, `val_macro_f1` and `val_loss`."""
        row = self.history.iloc[self.best_epoch - 1]
        return {name: float(row[name]) for name in ("val_accuracy", "val_macro_f1", "val_loss")}


def train_network(
    settings: ResultSettings,
    train: Split,
    validation: Split,
    seed: int,
    checkpoints: Path | None = None,
    on_epoch: Callable[[dict[str, float]], None] | None = None,
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

    Raises:
        ConfigError: Architecture or options are invalid, or devices are missing.
        ModelError: The network cannot be built, the loss is no longer finite, or a checkpoint cannot be read.
    """
    make_reproducible(seed)  # first, because it clears Keras' session and with it the distribution over devices
    with shared_by_devices(settings.train.devices):
        trainer, stopped = _train(settings, train, validation, seed, checkpoints, on_epoch)
    macs = count_macs(trainer.model)
    trainable = sum(int(np.prod(weight.shape)) for weight in trainer.model.trainable_weights)
    # Build the network again, so that names and bytes of its file do not depend on interruptions, precision or phases.
    make_reproducible(seed)
    model = _build(settings, train)
    model.set_weights(trainer.best)
    return TrainResult(
        model=model,
        history=pd.DataFrame(trainer.history)[HISTORY].astype({"epoch": int}),
        best_epoch=trainer.best_epoch,
        stopped=stopped,
        images=len(train),
        trainable_parameters=trainable,
        macs=macs,
        seconds=trainer.seconds,
        seen=trainer.seen,
    )


def _build(settings: ResultSettings, train: Split) -> keras.Model:
    side, classes = train.images.shape[1], len(train.classes)
    return build_network(settings.architecture, settings.network, side, classes, settings.model)


def _train(
    settings: ResultSettings,
    train: Split,
    validation: Split,
    seed: int,
    checkpoints: Path | None,
    on_epoch: Callable[[dict[str, float]], None] | None,
) -> tuple["_Trainer", Stopped]:
    """Train from the start or from the checkpoint; return the trainer and what ended the training."""
    keras.config.set_dtype_policy(settings.train.precision)
    try:
        trainer = _Trainer(settings, train, validation, seed)
    finally:
        keras.config.set_dtype_policy("float32")
    checkpoint = Checkpoint(checkpoints, training_key(settings, train, validation, seed)) if checkpoints else None
    if checkpoint and (state := checkpoint.load()):
        trainer.restore(state)
        print(f"{settings.result}: resuming after epoch {state.epoch}", flush=True)
        for row in state.history:
            if on_epoch:
                on_epoch(row)
    while (stopped := trainer.finished()) is None:
        row = trainer.run_epoch()
        if checkpoint:
            checkpoint.save(trainer.state())
        if on_epoch:
            on_epoch(row)
    return trainer, stopped


class _Trainer:
    """A network with its optimizer, history and best weights so far."""

    def __init__(self, settings: ResultSettings, train: Split, validation: Split, seed: int) -> None:
        self._settings: Train = settings.train
        self._module = find_architecture(settings.architecture)
        self._options = check_options(settings.architecture, settings.network, settings.model)
        self._name = settings.result
        self.model = _build(settings, train)
        self._batches = Batches(train, self._settings, seed)
        self._validation = validation
        pretrained = hasattr(self._module, "freeze") and getattr(self._options, "weights", "none") != "none"
        self._head_epochs = self._settings.head_epochs if pretrained else 0
        self.history: list[dict[str, float]] = []
        self.best: list[Any] = []
        self.seconds = 0.0
        self._steps = 0
        self._phase = -1
        self._enter_phase(1)

    @property
    def seen(self) -> int:
        """Images that all steps so far took together."""
        return self._steps * self._batches.size

    @property
    def best_epoch(self) -> int:
        """Number of the best epoch so far, from 1."""
        return int(np.argmax([self._score(row) for row in self.history])) + 1

    def finished(self) -> Stopped | None:
        """Return what ends the training now, or None."""
        done = len(self.history)
        # The epochs of the head alone count as progress: patience starts when the base begins to learn.
        waited = done - max(self.best_epoch, self._head_epochs) if done else 0
        if done >= self._settings.epochs:
            return "epochs"
        if waited >= self._settings.patience:
            return "patience"
        if self._spent(self.seconds) >= 1:
            return "max_minutes"
        return None

    def run_epoch(self) -> dict[str, float]:
        """Train one epoch, or what the time allows of it, validate, and return its row of the history.

        Raises:
            ModelError: The loss is no longer finite.
        """
        start = time.monotonic() - self.seconds
        epoch, steps = len(self.history) + 1, self._batches.steps
        self._enter_phase(epoch)
        factor = self._settings.fine_tune_rate if self._head_epochs and epoch > self._head_epochs else 1.0
        sums = {"loss": 0.0, "accuracy": 0.0}
        rate, done = 0.0, 0
        batches = progress(
            enumerate(self._batches.epoch(epoch)),
            steps,
            f"{self._name} epoch {epoch}/{self._settings.epochs}",
            unit="step",
            every=30.0,
            status=lambda: f"loss {sums['loss'] / max(1, done):.3f}, accuracy {sums['accuracy'] / max(1, done):.3f}",
        )
        for step, batch in batches:
            spent = self._spent(time.monotonic() - start)
            if step and spent >= 1:  # at least one step, so that the row has a loss
                break
            rate = factor * rate_at_step(self._settings, epoch, step, steps, self._gains(), spent)
            self.model.optimizer.learning_rate = rate
            logs = self.model.train_on_batch(batch.images, batch.targets, sample_weight=batch.weights, return_dict=True)
            sums = {name: total + float(logs[name]) for name, total in sums.items()}
            done += 1
        row = {"epoch": float(epoch)} | {name: total / done for name, total in sums.items()}
        with self._averaged_weights():
            row |= self._validate() | {"learning_rate": rate}
            # The validation loss counts as well: an epoch's last step can break the weights after its loss was taken.
            if not (np.isfinite(row["loss"]) and np.isfinite(row["val_loss"])):
                raise ModelError(
                    f"{self._name}: the loss is no longer finite in epoch {epoch}. Lower train.learning_rate, or set "
                    f"train.clip_norm. Received: train.learning_rate {self._settings.learning_rate}."
                )
            # Rounded here, so that the best epoch is decided on exactly the values that history.csv shows.
            self.history.append(
                {name: round(value, 10 if name == "learning_rate" else 6) for name, value in row.items()}
            )
            if self.best_epoch == epoch:
                self.best = self.model.get_weights()
        self.seconds, self._steps = time.monotonic() - start, self._steps + done
        return self.history[-1]

    def state(self) -> State:
        """Return everything that the rest of the training depends on."""
        variables = [np.asarray(v) for v in (*self.model.variables, *self.model.optimizer.variables)]
        return State(len(self.history), variables, self.best, self.history, self.seconds, self._steps)

    def restore(self, state: State) -> None:
        """Return to a state."""
        self._enter_phase(state.epoch)
        for variable, value in zip(
            (*self.model.variables, *self.model.optimizer.variables), state.variables, strict=True
        ):
            variable.assign(value)
        self.best, self.history, self.seconds = state.best, list(state.history), state.seconds
        self._steps = state.steps

    def _enter_phase(self, epoch: int) -> None:
        """Freeze and compile for the phase that the epoch belongs to, if it differs from the current one."""
        phase = int(epoch > self._head_epochs)
        if phase == self._phase:
            return
        self._phase = phase
        if hasattr(self._module, "freeze"):
            self._module.freeze(self.model, self._options, head_only=phase == 0)
        compile_network(self.model, self._settings)

    def _spent(self, seconds: float) -> float:
        """Return the share of `max_minutes` that `seconds` are; 0 without a limit."""
        limit = self._settings.max_minutes
        return 0.0 if limit is None else seconds / (60 * limit)

    def _score(self, row: dict[str, float]) -> float:
        """Return the monitored value of an epoch, where higher is better."""
        value = row[self._settings.monitor]
        return -value if self._settings.monitor == "val_loss" else value

    def _gains(self) -> list[bool]:
        """Return for each epoch whether it was the best so far."""
        scores = [self._score(row) for row in self.history]
        return [score > max(scores[:i], default=-np.inf) for i, score in enumerate(scores)]

    @contextlib.contextmanager
    def _averaged_weights(self) -> Iterator[None]:
        """Within the context, give the network the moving average of its weights, if `weight_average` is on.

        The running statistics of batch normalization are not trainable, and so not averaged.
        """
        if not self._settings.weight_average:
            yield
            return
        trained = self.model.get_weights()
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        if assigns_by_reference():  # else the network's step would free the memory of the optimizer's averages
            self.model.set_weights(self.model.get_weights())
        try:
            yield
        finally:
            self.model.set_weights(trained)

    def _validate(self) -> dict[str, float]:
        probabilities = predict(self.model, self._validation.images)
        labels, predicted = self._validation.labels, probabilities.argmax(axis=1)
        return {
            "val_loss": log_loss(labels, probabilities),
            "val_accuracy": accuracy(labels, predicted),
            "val_macro_f1": macro_f1(labels, predicted, len(self._validation.classes)),
        }
