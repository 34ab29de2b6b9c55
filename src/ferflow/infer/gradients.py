"""The gradient of a function on each Keras backend; no other module of infer names one."""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Tensor = Any
"""A tensor of the backend."""


def gradient_of(function: Callable[[Tensor], Tensor], at: Tensor) -> npt.NDArray[np.floating[Any]]:
    """Return the gradient of a scalar function, of the shape of `at`.

    Args:
        function: Function from a tensor to a scalar, made of Keras layers and keras.ops.
        at: Where to take the gradient.
    """
    import keras

    backend = keras.backend.backend()
    if backend == "jax":
        return np.asarray(importlib.import_module("jax").grad(function)(at))
    if backend == "torch":
        at = at.detach().requires_grad_(True)
        (gradient,) = importlib.import_module("torch").autograd.grad(function(at), at)
        return np.asarray(keras.ops.convert_to_numpy(gradient))
    tensorflow = importlib.import_module("tensorflow")
    with tensorflow.GradientTape() as tape:
        tape.watch(at)
        value = function(at)
    return np.asarray(tape.gradient(value, at))
