"""The networks. A module in this folder is an architecture; its name is the one in params.yaml.

Each module has

- `Options`, a ferflow.config Section: the keys that `network:` may have in the model's block;
- `build(options, side, classes)`: a keras.Model from raw grey levels, (N, side, side, 1) in 0 to 255, to class
  probabilities, (N, classes). Scaling is inside; only keras' own layers are used, so that the saved file loads
  anywhere with safe mode on;
- in transfer models also `freeze(model, options, head_only)`, see ferflow.models.shared.transfer.

What several of them share is in ferflow.models.shared.
"""

import importlib
import json
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from ferflow.config.base import Section
from ferflow.errors import ConfigError, ModelError

if TYPE_CHECKING:
    import keras

__all__ = ["architectures", "build_network", "check_options", "find_architecture", "load_model", "predict"]


def architectures() -> list[str]:
    """Return the names of all architectures, sorted."""
    return sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.ispkg)


def find_architecture(name: str) -> ModuleType:
    """Return the module that builds an architecture.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in architectures():
        raise ConfigError(
            f"models: {name!r} has no module in src/ferflow/models. Received: {name!r}; there are "
            f"{', '.join(architectures())}. A variant with params of its own is a link: ln -s cnn.py {name}.py"
        )
    return importlib.import_module(f"{__name__}.{name}")


def check_options(name: str, network: dict[str, Any]) -> Section:
    """Check the `network:` keys of an architecture and return them as its Options.

    Raises:
        ConfigError: a key is unknown, or a value is of a wrong type or out of range.
    """
    kind = find_architecture(name).Options
    try:
        # By way of JSON, since strict mode then takes a list for a tuple.
        options: Section = kind.model_validate_json(json.dumps(network, default=str))
    except ValidationError as error:
        lines = [
            f"{'.'.join([f'models.{name}.network', *map(str, item['loc'])])}: "
            + (
                f"unknown key. Allowed: {', '.join(kind.model_fields)}."
                if item["type"] == "extra_forbidden"
                else str(item["ctx"]["error"])
                if item["type"] == "value_error"
                else f"{item['msg']}. Received: {item['input']!r}."
            )
            for item in error.errors(include_url=False)
        ]
        raise ConfigError("\n  ".join(["params.yaml is not right:", *lines])) from None
    return options


def build_network(name: str, network: dict[str, Any], side: int, classes: int) -> "keras.Model":
    """Build an architecture with fresh weights (or those that its options name).

    Args:
        name: a module of this folder.
        network: its options; keys left out take their defaults.
        side: height and width of the images in pixels.
        classes: how many.

    Returns:
        An uncompiled keras.Model, (N, side, side, 1) grey levels 0 to 255 -> (N, classes) probabilities.

    Raises:
        ConfigError: unknown architecture or option.
        ModelError: pretrained weights cannot be had, or the images are too small for the network.
    """
    model: keras.Model = find_architecture(name).build(check_options(name, network), side, classes)
    return model


def load_model(path: Path) -> "keras.Model":
    """Load a saved network (.keras), uncompiled, with keras' safe mode on.

    Raises:
        ModelError: the file is missing or is not a keras archive.
    """
    import keras

    if not path.is_file():
        raise ModelError(f"{path} is missing. Run the stage that makes it: dvc repro train@{path.parent.name}.")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, OSError, KeyError) as error:
        raise ModelError(f"{path} cannot be loaded as a keras model: {error}. Train it again.") from error


def predict(model: "keras.Model", images: npt.NDArray[np.uint8], batch_size: int = 256) -> npt.NDArray[np.float32]:
    """Return class probabilities, float32 (N, classes), of images (N, side, side), grey levels 0 to 255.

    Every step has the same shape (the last is filled up), so that the backend compiles once.
    """
    results = []
    for start in range(0, len(images), batch_size):
        batch = np.asarray(images[start : start + batch_size], np.float32)[..., None]
        rows = len(batch)
        if rows < batch_size and start:
            batch = np.concatenate([batch, np.zeros((batch_size - rows, *batch.shape[1:]), np.float32)])
        results.append(np.asarray(model.predict_on_batch(batch), np.float32)[:rows])
    return np.concatenate(results) if results else np.zeros((0, model.output_shape[-1]), np.float32)
