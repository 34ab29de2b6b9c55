"""Find an architecture by its name, check its options, build it."""

import importlib
import pkgutil
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ferflow.base.errors import ConfigError
from ferflow.base.explain import did_you_mean, validate
from ferflow.base.section import Section

if TYPE_CHECKING:
    import keras


def architectures() -> list[str]:
    """Return the names of all architectures, sorted: the modules of ferflow.models.

    >>> "mini_xception" in architectures()
    True
    """
    package = importlib.import_module("ferflow.models")
    return sorted(info.name for info in pkgutil.iter_modules(package.__path__) if not info.ispkg)


def find_architecture(name: str) -> ModuleType:
    """Return the module that builds an architecture; ferflow.models describes what it defines.

    Raises:
        ConfigError: There is no module of that name.
    """
    if name not in (allowed := architectures()):
        raise ConfigError(
            f"architecture: there is no src/ferflow/models/{name}.py. Received: {name!r}.{did_you_mean(name, allowed)} "
            f"Allowed: {', '.join(allowed)}. A variant with its own params needs no file: set `architecture: cnn` (or "
            f"another of these) in its block of `models`."
        )
    return importlib.import_module(f"ferflow.models.{name}")


def takes_any_side(architecture: str) -> bool:
    """Return whether an architecture can be built for images of any side.

    Raises:
        ConfigError: There is no module of that name.
    """
    return bool(getattr(find_architecture(architecture), "ANY_SIDE", False))


def check_options(architecture: str, network: dict[str, Any], model: str | None = None) -> Section:
    """Check the `network:` options of an architecture and return them as an instance of its Options.

    Args:
        architecture: Module in ferflow.models.
        network: Options by name, of JSON's types. All options of the architecture are required.
        model: Name of the block in params.yaml, for errors. Defaults to the architecture's name.

    Raises:
        ConfigError: There is no such architecture; an option is unknown or missing, or its value has the wrong type or
            is out of range.
    """
    options: Section = validate(
        find_architecture(architecture).Options, network, "params.yaml", f"models.{model or architecture}.network."
    )
    return options


def build_network(
    architecture: str, network: dict[str, Any], side: int | None, classes: int, model: str | None = None
) -> "keras.Model":
    """Build an architecture with random weights, or with the pretrained weights that its options name.

    Args:
        architecture: Module in ferflow.models.
        network: Options of the architecture; all are required.
        side: Height and width of the images in pixels; None: any side.
        classes: Number of classes.
        model: Name of the block in params.yaml, for errors. Defaults to the architecture's name.

    Returns:
        An uncompiled network: grey levels, (N, side, side, 1), 0 to 255, to class probabilities, (N, classes).

    Raises:
        ConfigError: Architecture or options are invalid; see check_options.
        ModelError: Pretrained weights could not be obtained, or the images are too small for the network.
    """
    options = check_options(architecture, network, model)
    if side is None and not takes_any_side(architecture):
        able = ", ".join(name for name in architectures() if takes_any_side(name))
        raise ConfigError(
            f"models.{model or architecture}.train.sides: {architecture} takes images of one side only. Remove sides, "
            f"or use an architecture that takes any side: {able}."
        )
    built: keras.Model = find_architecture(architecture).build(options, side, classes)
    return built
