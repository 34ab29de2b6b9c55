"""Find an architecture by its name, check its options, build it."""

import importlib
import json
import pkgutil
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ferflow.base.errors import ConfigError
from ferflow.base.section import Section

if TYPE_CHECKING:
    import keras


def architectures() -> list[str]:
    """Return the names of all architectures, sorted."""
    return sorted(
        info.name for info in pkgutil.iter_modules(importlib.import_module("ferflow.models").__path__) if not info.ispkg
    )


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
    return importlib.import_module(f"ferflow.models.{name}")


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
