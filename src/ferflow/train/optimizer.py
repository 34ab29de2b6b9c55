"""A network with its optimizer and loss, as params.yaml asks."""

import keras

from ferflow.train.backend import needs_jit
from ferflow.train.recipe import Train


def compile_network(model: keras.Model, settings: Train) -> None:
    """Compile a network for training on targets that are shares of the classes (one-hot, smoothed, mixed or votes).

    XLA stays off on TensorFlow: see docs/training.md for what it costs on a CPU.
    """
    model.compile(
        optimizer=_optimizer(model, settings), loss=_loss(settings), metrics=["accuracy"], jit_compile=needs_jit()
    )
    model.optimizer.build(model.trainable_variables)


def _optimizer(model: keras.Model, settings: Train) -> keras.optimizers.Optimizer:
    common = {
        "learning_rate": settings.learning_rate,
        "global_clipnorm": settings.clip_norm or None,
        "use_ema": bool(settings.weight_average),
        "ema_momentum": settings.weight_average or 0.99,
    }
    if settings.optimizer == "adam":
        return keras.optimizers.Adam(**common)
    decay = settings.weight_decay or None
    if settings.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(weight_decay=settings.weight_decay, **common)
    else:
        optimizer = keras.optimizers.SGD(momentum=0.9, nesterov=True, weight_decay=decay, **common)
    if decay:  # decay is for kernels: it would only disturb biases and normalisation
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _loss(settings: Train) -> keras.losses.Loss:
    if settings.loss == "focal":
        return keras.losses.CategoricalFocalCrossentropy(
            alpha=1.0, gamma=settings.focal_gamma, label_smoothing=settings.label_smoothing
        )
    return keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing)
