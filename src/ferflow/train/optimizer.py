"""Compile a network with the optimizer and loss that its settings name."""

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
    common = {
        "global_clipnorm": settings.clip_norm or None,
        "use_ema": bool(settings.weight_average),
        "ema_momentum": settings.weight_average or 0.99,  # Keras checks the range even if use_ema is false
    }
    if settings.optimizer == "adam":
        return keras.optimizers.Adam(**common)
    decay = settings.weight_decay or None
    if settings.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(weight_decay=settings.weight_decay, **common)
    else:
        optimizer = keras.optimizers.SGD(momentum=0.9, nesterov=True, weight_decay=decay, **common)
    if decay:  # only kernels decay: biases and the params of normalization do not overfit
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _loss(settings: Train) -> keras.losses.Loss:
    if settings.loss == "focal":
        return keras.losses.CategoricalFocalCrossentropy(
            alpha=1.0, gamma=settings.focal_gamma, label_smoothing=settings.label_smoothing
        )
    return keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing)
