"""Compile a network with the optimizer and loss that its settings name."""

from collections.abc import Mapping
from typing import Any

import keras

from ferflow.train.backend import needs_jit
from ferflow.train.recipe import Train


def compile_network(model: keras.Model, settings: Train) -> None:
    """Compile a network for targets that are distributions over the classes (one-hot, smoothed, mixed or votes).

    The optimizer starts with Keras' default learning rate: the loop sets the rate of each step (rate_at_step). XLA is
    used only on JAX; docs/training.md has its cost on TensorFlow and a CPU.

    Args:
        model: Network to compile, in place.
        settings: Optimizer, loss and their params.
    """
    model.compile(optimizer=_optimizer(settings), loss=_loss(settings), metrics=["accuracy"], jit_compile=needs_jit())
    model.optimizer.build(model.trainable_variables)


def _optimizer(settings: Train) -> keras.optimizers.Optimizer:
    common: dict[str, Any] = {
        "name": settings.optimizer,  # by default the class's name, which TensorFlow refuses if it begins with _
        "global_clipnorm": settings.clip_norm or None,
        "use_ema": bool(settings.weight_average),
        "ema_momentum": settings.weight_average or 0.99,  # Keras checks the range even if use_ema is false
    }
    if settings.optimizer == "adam":
        return _Adam(settings, **common)
    decay = settings.weight_decay or None
    if settings.optimizer == "adamw":
        return _AdamW(settings, weight_decay=settings.weight_decay, **common)
    momentum = settings.momentum
    return _SGD(settings, momentum=momentum, nesterov=momentum > 0, weight_decay=decay, **common)


class _ByKind(keras.optimizers.Optimizer):  # type: ignore[misc]
    """Learning rate and decay by kind of variable, which Keras' optimizers lack.

    A variable's kind is its name in Keras: kernel, bias, gamma or beta. Others, such as the depthwise kernel of a
    separable convolution, count as kernels.
    """

    def __init__(self, settings: Train, **options: Any) -> None:
        super().__init__(**options)
        self._rates, self._decays = settings.rates.model_dump(), settings.decays.model_dump()

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        # TensorFlow passes its own variable, whose name is another; the optimizer's list has Keras' variable.
        own = self._trainable_variables[self._get_variable_index(variable)]
        super().update_step(gradient, variable, _scaled(learning_rate, _factor(self._rates, own)))

    def _apply_weight_decay(self, variables: Any) -> None:
        if self.weight_decay is None:
            return
        for variable in variables:
            decay = self.weight_decay * _factor(self._decays, variable)
            if decay:
                rate = keras.ops.cast(_scaled(self.learning_rate, _factor(self._rates, variable)), variable.dtype)
                variable.assign(variable - variable * keras.ops.cast(decay, variable.dtype) * rate)


class _SGD(_ByKind, keras.optimizers.SGD):  # type: ignore[misc]
    pass


class _Adam(_ByKind, keras.optimizers.Adam):  # type: ignore[misc]
    pass


class _AdamW(_ByKind, keras.optimizers.AdamW):  # type: ignore[misc]
    pass


def _factor(factors: Mapping[str, float], variable: keras.Variable) -> float:
    return factors.get(variable.name, factors["kernel"])


def _scaled(rate: Any, factor: float) -> Any:
    return rate if factor == 1 else rate * factor


def _loss(settings: Train) -> keras.losses.Loss:
    if settings.loss == "focal":
        return keras.losses.CategoricalFocalCrossentropy(
            alpha=1.0, gamma=settings.focal_gamma, label_smoothing=settings.label_smoothing
        )
    return keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing)
