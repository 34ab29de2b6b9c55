"""A training in progress: the network, its optimizer, its history, and the weights that it keeps.

An epoch runs in this order (`Trainer.run_epoch`): enter the phase (the head alone, or the base too), then for each step
set the rate and train on a batch, then validate with the averaged weights and keep them if they are the best.
"""

import contextlib
import time
from collections.abc import Iterator
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt

from ferflow.base.arrays import Split
from ferflow.base.errors import ModelError
from ferflow.base.metrics import accuracy, log_loss, macro_f1
from ferflow.base.network import predict
from ferflow.train.architectures import build_network, check_options, find_architecture
from ferflow.train.backend import assigns_by_reference
from ferflow.train.batches import Batches
from ferflow.train.checkpoint import State
from ferflow.train.norms import estimate_norms
from ferflow.train.optimizer import compile_network
from ferflow.train.recipe import ResultSettings, SmallerSide, Train
from ferflow.train.schedule import rate_at_step
from ferflow.ui.progress import progress

Stopped = Literal["patience", "epochs", "max_minutes"]


def build_for(settings: ResultSettings, train: Split, *, any_side: bool = False) -> keras.Model:
    """Build a result's network for the images and classes of a split.

    Args:
        settings: Architecture and its options.
        train: Split whose side and classes the network is for.
        any_side: Whether to build it for images of any side. Defaults to the split's side alone.

    Raises:
        ConfigError: Architecture or options are invalid, or it takes images of one side only.
        ModelError: Pretrained weights could not be obtained, or the images are too small.
    """
    side = None if any_side else train.images.shape[1]
    return build_network(settings.architecture, settings.network, side, len(train.classes), settings.model)


class Trainer:
    """A network with its optimizer, history and kept weights so far."""

    def __init__(
        self,
        settings: ResultSettings,
        train: Split,
        validation: Split,
        seed: int,
        soft: npt.NDArray[np.float32] | None = None,
    ) -> None:
        """Build and compile the network; the arguments are those of ferflow.train.loop.train_network."""
        self._settings: Train = settings.train
        self._module = find_architecture(settings.architecture)
        self._options = check_options(settings.architecture, settings.network, settings.model)
        self._name = settings.result
        keras.config.set_dtype_policy(settings.train.precision)
        try:
            self.model = build_for(settings, train, any_side=bool(settings.train.sides))
        finally:
            keras.config.set_dtype_policy("float32")
        if hasattr(self._module, "initialise"):
            self._module.initialise(self.model, self._options, train.images)
        self._batches = Batches(train, self._settings, seed, soft)
        self._validation = validation
        pretrained = hasattr(self._module, "freeze") and getattr(self._options, "weights", "none") != "none"
        self._head_epochs = self._settings.head_epochs if pretrained else 0
        self.history: list[dict[str, float]] = []
        self.kept: list[Any] = []
        self.seconds = 0.0
        self._steps = 0
        self._phase = -1
        self._smaller: SmallerSide | None = None
        self._enter_phase(1)

    @property
    def seen(self) -> int:
        """Images that all steps so far took together."""
        return self._steps * self._batches.size

    @property
    def best_epoch(self) -> int:
        """Number of the best epoch by `monitor` so far, from 1."""
        return int(np.argmax([self._score(row) for row in self.history])) + 1

    @property
    def kept_epoch(self) -> int:
        """Number of the epoch whose weights the result has, from 1."""
        return self.best_epoch if self._settings.keep == "best" else len(self.history)

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
        smaller = self._settings.side_of(max((epoch - 1) / self._settings.epochs, self._spent(self.seconds)))
        if smaller != self._smaller:
            # TensorFlow would generalize its graph to any side, which rounds otherwise than the graph for one side that
            # a resumed training makes.
            self._smaller = smaller
            self.model.make_train_function(force=True)
        batches = progress(
            enumerate(self._batches.epoch(epoch, smaller)),
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
        with self._averaged_weights(epoch):
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
            if self.kept_epoch == epoch:
                self.kept = self.model.get_weights()
        self.seconds, self._steps = time.monotonic() - start, self._steps + done
        return self.history[-1]

    def state(self) -> State:
        """Return everything that the rest of the training depends on."""
        variables = [np.asarray(v) for v in (*self.model.variables, *self.model.optimizer.variables)]
        return State(len(self.history), variables, self.kept, self.history, self.seconds, self._steps)

    def restore(self, state: State) -> None:
        """Return to a state."""
        self._enter_phase(state.epoch)
        for variable, value in zip(
            (*self.model.variables, *self.model.optimizer.variables), state.variables, strict=True
        ):
            variable.assign(value)
        self.kept, self.history, self.seconds = state.best, list(state.history), state.seconds
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
    def _averaged_weights(self, epoch: int) -> Iterator[None]:
        """Within the context, give the network the moving average of its weights, if `weight_average` is on."""
        if not self._settings.weight_average:
            yield
            return
        trained = self.model.get_weights()
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        if assigns_by_reference():  # else the network's step would free the memory of the optimizer's averages
            self.model.set_weights(self.model.get_weights())
        if self._settings.norm_batches:
            images = self._batches.images(epoch, self._settings.norm_batches)
            estimate_norms(self.model, images)
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
