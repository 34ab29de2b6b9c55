"""What differs between keras' backends: the only module that knows their names."""

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
    """Seed Python, numpy and the backend, and ask the backend for deterministic operations.

    On a CPU the operations are deterministic anyway; on a GPU this chooses slower ones that are.
    """
    keras.backend.clear_session()  # layer names count from here, so that the saved file has the same names
    keras.utils.set_random_seed(seed)
    backend = keras.backend.backend()
    if backend == "tensorflow":
        importlib.import_module("tensorflow").config.experimental.enable_op_determinism()
    elif backend == "torch":
        importlib.import_module("torch").use_deterministic_algorithms(True, warn_only=True)


def needs_jit() -> bool:
    """Tell whether a step must be compiled: without it JAX takes each operation by itself, others have their graph."""
    return bool(keras.backend.backend() == "jax")


@contextlib.contextmanager
def shared_by_devices(count: int) -> Iterator[None]:
    """Let `count` devices share every batch of the networks that are built inside; 1 changes nothing.

    Raises:
        ConfigError: there are fewer devices, or the backend cannot do it.
    """
    if count == 1:
        yield
        return
    backend = keras.backend.backend()
    if backend != "jax":
        raise ConfigError(
            f"train.devices: keras shares a batch among devices on the JAX backend only. Received: {count}, on "
            f"{backend}. Install jax (for Nvidia: pip install 'jax[cuda12]') and set KERAS_BACKEND=jax, or set "
            "train.devices: 1."
        )
    devices = keras.distribution.list_devices()
    if len(devices) < count:
        raise ConfigError(f"train.devices: received {count}, but this machine has {len(devices)}: {devices}.")
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices[:count]))
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def describe_machine() -> dict[str, Any]:
    """Return what a training time depends on: cores, processor, backend and versions."""
    backend = keras.backend.backend()
    package = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}[backend]
    return {
        "cores": os.cpu_count(),
        "cpu": _processor(),
        "backend": backend,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("ferflow", "keras", package, "numpy")},
        },
    }


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
