"""The training loop: one step after another, the best epoch by validation kept, ready to go on after any stop."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from ferflow.base.arrays import Split
from ferflow.base.errors import ModelError
from ferflow.base.metrics import accuracy, log_loss, macro_f1
from ferflow.base.network import predict
from ferflow.train.architectures import build_network, check_options, find_architecture
from ferflow.train.backend import make_reproducible, shared_by_devices
from ferflow.train.batches import Batches
from ferflow.train.checkpoint import Checkpoint, State, training_key
from ferflow.train.costs import count_macs
from ferflow.train.optimizer import compile_network
from ferflow.train.recipe import ResolvedModel, Train
from ferflow.train.schedule import learning_rate
from ferflow.ui.progress import progress

HISTORY = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "val_macro_f1", "learning_rate"]


@dataclass(frozen=True)
class TrainResult:
    """A finished training.

    Attributes:
        model: with the weights of the best epoch, uncompiled, float32.
        history: a row an epoch, with the columns of HISTORY.
        best_epoch: counted from 1.
        stopped: what ended it: `patience`, `epochs` or `max_minutes`.
        images: to learn from.
        trainable_parameters: of the last phase.
        macs: multiply-accumulates of one image's forward pass.
        seconds: spent in steps and validation, all sessions together.
        seen: images that the steps took, each as often as it was taken.
    """

    model: keras.Model
    history: pd.DataFrame
    best_epoch: int
    stopped: str
    images: int
    trainable_parameters: int
    macs: int
    seconds: float
    seen: int

    @property
    def best(self) -> dict[str, float]:
        """The validation figures of the best epoch."""
        row = self.history.iloc[self.best_epoch - 1]
        return {name: float(row[name]) for name in ("val_accuracy", "val_macro_f1", "val_loss")}


def train_network(
    resolved: ResolvedModel,
    train: Split,
    validation: Split,
    seed: int,
    checkpoints: Path | None = None,
    on_epoch: Callable[[dict[str, float]], None] | None = None,
) -> TrainResult:
    """Train a network; the same arguments give the same weights, however often it was stopped between.

    Args:
        resolved: the network and how to train it.
        train: images to learn from.
        validation: images that decide which epoch is kept and when to stop.
        seed: of weights, order, augmentation and dropout.
        checkpoints: folder for the state after each epoch; None keeps none. The caller deletes it once the result
            is safe on disk (forget_checkpoints).
        on_epoch: called after each epoch with its row of the history; also for epochs done before a stop. What it
            raises ends the training.

    Raises:
        ConfigError, ModelError: the network cannot be built; or the loss is no longer a number.
    """
    make_reproducible(seed)  # first: it clears keras' session, and with it who shares the batches
    with shared_by_devices(resolved.train.devices):
        trainer, stopped = _train(resolved, train, validation, seed, checkpoints, on_epoch)
    # Built anew, so that names and bytes of the file do not depend on stops, precision or phases.
    macs, trainable = (
        count_macs(trainer.model),
        sum(int(np.prod(w.shape)) for w in trainer.model.trainable_weights),
    )
    make_reproducible(seed)
    model = build_network(resolved.architecture, resolved.network, train.images.shape[1], len(train.classes))
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


def _train(
    resolved: ResolvedModel,
    train: Split,
    validation: Split,
    seed: int,
    checkpoints: Path | None,
    on_epoch: Callable[[dict[str, float]], None] | None,
) -> tuple["_Trainer", str]:
    """Train from the start or from where it was; return the trainer and what ended it."""
    keras.config.set_dtype_policy(resolved.train.precision)
    try:
        trainer = _Trainer(resolved, train, validation, seed)
    finally:
        keras.config.set_dtype_policy("float32")
    checkpoint = Checkpoint(checkpoints, training_key(resolved, train, validation, seed)) if checkpoints else None
    if checkpoint and (state := checkpoint.load()):
        trainer.restore(state)
        print(f"{resolved.name}: goes on after epoch {state.epoch}", flush=True)
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
    """The network, its optimizer and where the training stands."""

    def __init__(self, resolved: ResolvedModel, train: Split, validation: Split, seed: int) -> None:
        self._settings: Train = resolved.train
        self._module = find_architecture(resolved.architecture)
        self._options = check_options(resolved.architecture, resolved.network)
        self._name = resolved.name
        self.model = build_network(resolved.architecture, resolved.network, train.images.shape[1], len(train.classes))
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
        scores = [self._score(row) for row in self.history]
        return int(np.argmax(scores)) + 1

    def finished(self) -> str | None:
        """Say what ends the training now, or None."""
        done = len(self.history)
        # The head's warm-up counts as progress: patience starts when the base begins to learn.
        waited = done - max(self.best_epoch, self._head_epochs) if done else 0
        if done >= self._settings.epochs:
            return "epochs"
        if waited >= self._settings.patience:
            return "patience"
        if self._spent(self.seconds) >= 1:
            return "max_minutes"
        return None

    def run_epoch(self) -> dict[str, float]:
        """Train one epoch, or what the time allows of it, validate, and return its row of the history."""
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
            if step and spent >= 1:
                break
            rate = factor * learning_rate(self._settings, epoch, step, steps, self._gains(), spent)
            self.model.optimizer.learning_rate = rate
            logs = self.model.train_on_batch(batch.images, batch.targets, sample_weight=batch.weights, return_dict=True)
            sums = {name: total + float(logs[name]) for name, total in sums.items()}
            done += 1
        row = {"epoch": float(epoch)} | {name: total / done for name, total in sums.items()}
        row |= self._validate() | {"learning_rate": rate}
        # The last step of an epoch can break the weights without a trace in the training loss.
        if not (np.isfinite(row["loss"]) and np.isfinite(row["val_loss"])):
            raise ModelError(
                f"{self._name}: the loss is no longer a number in epoch {epoch}. Lower train.learning_rate "
                f"(now {self._settings.learning_rate}) or set train.clip_norm."
            )
        self.history.append({name: round(value, 6 if name != "learning_rate" else 10) for name, value in row.items()})
        if self.best_epoch == epoch:
            self.best = self._averaged_weights()
        self.seconds, self._steps = time.monotonic() - start, self._steps + done
        return self.history[-1]

    def state(self) -> State:
        """Return all that the rest of the training depends on."""
        variables = [np.asarray(v) for v in (*self.model.variables, *self.model.optimizer.variables)]
        return State(len(self.history), variables, self.best, self.history, self.seconds, self._steps)

    def restore(self, state: State) -> None:
        """Go back to a state."""
        self._enter_phase(state.epoch)
        for variable, value in zip(
            (*self.model.variables, *self.model.optimizer.variables), state.variables, strict=True
        ):
            variable.assign(value)
        self.best, self.history, self.seconds = state.best, list(state.history), state.seconds
        self._steps = state.steps

    def _enter_phase(self, epoch: int) -> None:
        """Compile for the head's warm-up or for the rest, where this epoch is the first of it."""
        phase = int(epoch > self._head_epochs)
        if phase == self._phase:
            return
        self._phase = phase
        if hasattr(self._module, "freeze"):
            self._module.freeze(self.model, self._options, head_only=phase == 0)
        compile_network(self.model, self._settings)

    def _spent(self, seconds: float) -> float:
        limit = self._settings.max_minutes
        return 0.0 if limit is None else seconds / (60 * limit)

    def _score(self, row: dict[str, float]) -> float:
        value = row[self._settings.monitor]
        return -value if self._settings.monitor == "val_loss" else value

    def _gains(self) -> list[bool]:
        scores = [self._score(row) for row in self.history]
        return [score > max(scores[:i], default=-np.inf) for i, score in enumerate(scores)]

    def _averaged_weights(self) -> list[Any]:
        """Return the weights that are validated and kept: the moving average where it is on."""
        if not self._settings.weight_average:
            weights: list[Any] = self.model.get_weights()
            return weights
        raw = self.model.get_weights()
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        averaged: list[Any] = self.model.get_weights()
        self.model.set_weights(raw)
        return averaged

    def _validate(self) -> dict[str, float]:
        raw = self.model.get_weights()
        self.model.set_weights(self._averaged_weights())
        probabilities = predict(self.model, self._validation.images)
        self.model.set_weights(raw)
        labels, predicted = self._validation.labels, probabilities.argmax(axis=1)
        return {
            "val_loss": log_loss(labels, probabilities),
            "val_accuracy": accuracy(labels, predicted),
            "val_macro_f1": macro_f1(labels, predicted, len(self._validation.classes)),
        }
