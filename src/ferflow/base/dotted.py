"""Nested mappings and their dotted keys, such as `train.learning_rate`."""

from collections.abc import Mapping
from typing import Any


def flatten(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested values by dotted key; an empty mapping is kept as a value.

    >>> flatten({"train": {"epochs": 3, "augment": {}}, "seed": 1})
    {'train.epochs': 3, 'train.augment': {}, 'seed': 1}
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= {f"{key}.{below}": item for below, item in flatten(value).items()}
        else:
            flat[key] = value
    return flat


def nest(key: str, value: Any) -> dict[str, Any]:
    """Return one value under its dotted key as nested mappings.

    >>> nest("train.augment.flip", True)
    {'train': {'augment': {'flip': True}}}
    """
    for part in reversed(key.split(".")):
        value = {part: value}
    nested: dict[str, Any] = value
    return nested


def merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `change` applied: mappings are merged key by key, everything else is replaced.

    >>> merge({"augment": {"flip": True, "zoom": 0.1}, "epochs": 3}, {"augment": {"zoom": 0.2}})
    {'augment': {'flip': True, 'zoom': 0.2}, 'epochs': 3}
    """
    merged = dict(base)
    for key, value in change.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged
