"""YAML that people write: read as plain values, with one clear error for everything else."""

import math
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ferflow.base.errors import ConfigError

MAX_DEPTH = 50  # levels; params.yaml has 6, and the parser's recursion ends at about 200
MAX_VALUES = 100_000  # a few lines of nested aliases can stand for billions
MAX_INTEGER = 2**63 - 1  # what every reader of the file can hold exactly


def read_mapping(text: str, origin: str) -> dict[str, Any]:
    """Return the mapping that a YAML 1.2 text holds: text, numbers, booleans, null, lists and mappings of these.

    Args:
        text: Content of the file.
        origin: Names the file in errors.

    Raises:
        ConfigError: The text is not YAML, is not a mapping, or has a key or value of another type, such as a date.
    """
    try:
        raw = YAML(typ="safe", pure=True).load(text)
    except RecursionError:
        raise ConfigError(f"{origin} is not valid YAML: it is nested too deeply. Remove brackets or levels.") from None
    except (YAMLError, ValueError, LookupError, TypeError, AttributeError) as error:
        # The constructors of dates, of numbers and of tagged values raise whatever Python raises for the text.
        raise ConfigError(f"{origin} is not valid YAML: {error}") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{origin} must be a mapping of keys to values. Received: {type(raw).__name__}.")
    check_plain(raw, origin)
    return raw


def check_plain(raw: dict[Any, Any], origin: str) -> None:
    """Check that values are what JSON can carry without a change, with text as keys.

    Args:
        raw: Parsed YAML.
        origin: Names the file in errors.

    Raises:
        ConfigError: A key or value is of another type, a number is not finite, or there are too many values or levels.
    """
    if fault := _fault(raw):
        raise ConfigError(f"{origin} is invalid: keys and values must be plain: {fault}")


def _fault(raw: dict[Any, Any]) -> str | None:
    """Return what is no plain key or value, or None."""
    values = 0
    infinite: list[str] = []
    waiting: list[tuple[str, Any, int]] = [("", raw, 0)]
    while waiting:
        key, value, depth = waiting.pop()
        values += 1
        if values > MAX_VALUES:
            return f"more than {MAX_VALUES:,} values, counting what aliases repeat. Remove aliases (*name)."
        if depth > MAX_DEPTH:
            return f"{key[:60]}...: more than {MAX_DEPTH} levels. Remove levels."
        if isinstance(value, dict):
            for name, item in value.items():
                if not isinstance(name, str):
                    place = f"a key of {key}" if key else "a key of the top level"
                    return f"{place} is of type {type(name).__name__}. Put it in quotes. Received: {name!r:.80}."
                waiting.append((f"{key}.{name}" if key else name, item, depth + 1))
        elif isinstance(value, list):
            waiting += [(f"{key}.{place}", item, depth + 1) for place, item in enumerate(value)]
        elif isinstance(value, float) and not math.isfinite(value):
            infinite.append(f"{key}: must be a finite number. Received: {value}.")
        elif fault := _not_plain(value):
            return f"{key}: {fault}"
    return "\n  ".join(["", *infinite]) if infinite else None


def _not_plain(value: Any) -> str | None:
    if isinstance(value, str):
        # DVC writes params into dvc.lock as UTF-8, which has no half characters.
        return None if value.isascii() or _is_utf8(value) else f"not valid text. Received: {value!r:.80}."
    if value is None or isinstance(value, bool | float):
        return None
    if isinstance(value, int):
        return (
            None if abs(value) <= MAX_INTEGER else f"an integer must be below 2 to the power of 63. {_received(value)}"
        )
    return f"a value of type {type(value).__name__}. Put it in quotes, or remove its tag (!!). {_received(value)}"


def _received(value: Any) -> str:
    if isinstance(value, int) and value.bit_length() > 300:  # Python refuses to print those over 4,300 digits
        return f"Received: a number of {value.bit_length()} bits."
    return f"Received: {value!r:.80}."


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
