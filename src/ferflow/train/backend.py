"""Everything that differs between Keras' backends; no other module names one, except the start of Keras."""

import contextlib
import importlib
import os
import platform
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras

from ferflow.base.errors import ConfigError


def make_reproducible(seed: int) -> None:
    """Seed Python, NumPy and the backend, and switch the backend to deterministic operations.

    On a GPU, deterministic operations are slower; on a CPU they cost nothing measurable (docs/training.md).

    Args:
        seed: Seed of everything that Keras draws: initial weights and dropout.
    """
    keras.backend.clear_session()  # restarts the numbers in layer names, so that saved files have the same names
    keras.utils.set_random_seed(seed)
    backend = keras.backend.backend()
    if backend == "tensorflow":
        importlib.import_module("tensorflow").config.experimental.enable_op_determinism()
    elif backend == "torch":
        importlib.import_module("torch").use_deterministic_algorithms(True, warn_only=True)


def needs_jit() -> bool:
    """Return whether training steps must be compiled with XLA: JAX would otherwise run each operation separately."""
    return bool(keras.backend.backend() == "jax")


def assigns_by_reference() -> bool:
    """Return whether a variable that is assigned another's value shares its memory, which a JAX step may then reuse."""
    return bool(keras.backend.backend() == "jax")


@contextlib.contextmanager
def shared_by_devices(count: int) -> Iterator[None]:
    """Within the context, let devices share each batch of the networks that are built.

    Args:
        count: Number of devices; 1 changes nothing.

    Raises:
        ConfigError: The machine has fewer devices, or the backend cannot share batches.
    """
    if count == 1:
        yield
        return
    backend = keras.backend.backend()
    if backend != "jax":
        raise ConfigError(
            f"train.devices: Keras shares batches among devices only on the JAX backend. Received: {count}, on "
            f"{backend}. Install JAX (for Nvidia: pip install 'jax[cuda12]') and set backend: jax in params.yaml, or "
            "set train.devices: 1."
        )
    devices = keras.distribution.list_devices()
    if len(devices) < count:
        raise ConfigError(
            f"train.devices: this machine has {len(devices)} ({', '.join(devices)}). Received: {count}. Set "
            f"train.devices to at most {len(devices)}."
        )
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices[:count]))
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def describe_machine() -> dict[str, Any]:
    """Return what a training time depends on: `cores`, `cpu`, `backend` and library `versions`."""
    backend = keras.backend.backend()
    return {
        "cores": os.cpu_count(),
        "cpu": _processor(),
        "backend": backend,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("ferflow", "keras", backend, "numpy")},
        },
    }


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()
