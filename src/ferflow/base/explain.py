"""Validation with errors for the person who wrote the file."""

import difflib
import json
from collections.abc import Iterable
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError

from ferflow.base.errors import ConfigError

T = TypeVar("T", bound=BaseModel)


def validate(kind: type[T], raw: Any, origin: str, prefix: str = "") -> T:
    """Check raw values and return them as an instance of `kind`.

    Args:
        kind: The section to build.
        raw: What was read, of JSON's types.
        origin: Names the source in errors, such as `params.yaml`.
        prefix: Put in front of each key in errors, such as `models.cnn.network.`. Defaults to nothing.

    Raises:
        ConfigError: A key, type or value is not allowed. The message lists every fault.
    """
    try:
        text = json.dumps(raw, default=str)
    except (TypeError, ValueError) as error:  # a key that is a date or a list; an alias inside its own anchor
        raise ConfigError(f"{origin} is invalid: keys and values must be plain: {error}.") from None
    try:
        # Through JSON, because strict mode then accepts a list for a tuple.
        return kind.model_validate_json(text)
    except ValidationError as error:
        lines = [prefix + explain(kind, item) for item in error.errors(include_url=False)]
        raise ConfigError("\n  ".join([f"{origin} is invalid:", *lines])) from None


def explain(kind: Any, item: Any) -> str:
    """Describe one validation error in a line.

    Args:
        kind: The section that was checked.
        item: One item of pydantic's `ValidationError.errors()`.

    Returns:
        The key, what was received and what is allowed.
    """
    if item["type"] == "value_error":
        return str(item["ctx"]["error"])
    found, path = _follow(kind, [str(part) for part in item["loc"]])
    key = ".".join(path) or "(top level)"
    if item["type"] == "extra_forbidden":
        allowed = _keys(_follow(kind, [str(part) for part in item["loc"][:-1]])[0])
        return f"{key}: unknown key.{did_you_mean(path[-1], allowed)} Allowed: {', '.join(allowed)}."
    if item["type"] == "union_tag_invalid":
        context = item["ctx"]
        return f"{key}.{_discriminator(context)}: {context['tag']!r} is unknown. Allowed: {context['expected_tags']}."
    if item["type"] == "union_tag_not_found":
        tags = ", ".join(repr(_tag(member)) for member in get_args(_bare(found)))
        return f"{key}.{_discriminator(item['ctx'])}: missing. Allowed: {tags}."
    if item["type"] == "missing":
        return f"{key}: missing."
    return f"{key}: {item['msg']}. Received: {item['input']!r}."


def did_you_mean(received: str, allowed: Iterable[str]) -> str:
    """Suggest the allowed word closest to what was received, with a leading space; empty if none is close.

    >>> did_you_mean("vgg", ["vgg16", "cnn"])
    ' Did you mean vgg16?'
    """
    near = difflib.get_close_matches(received, list(allowed), n=1)
    return f" Did you mean {near[0]}?" if near else ""


def _follow(kind: Any, path: list[str]) -> tuple[Any, list[str]]:
    """Follow `path` down from a section; return the type allowed there, and the path without union members' names."""
    shown = []
    for part in path:
        if get_origin(_bare(kind)) in (Union, UnionType):
            kind = next((member for member in get_args(_bare(kind)) if _tag(member) == part), None)
            continue
        shown.append(part)
        kind = _bare(kind)
        kind = get_args(kind)[1] if get_origin(kind) is dict else _children(kind).get(part)
    return kind, shown


def _children(section: Any) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in getattr(section, "model_fields", {}).items()}


def _keys(kind: Any) -> list[str]:
    return list(_children(_bare(kind)))


def _bare(kind: Any) -> Any:
    """Return a type without its `Annotated`, and without the None that it may be instead."""
    kind = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    members = [member for member in get_args(kind) if member is not type(None)]
    return members[0] if get_origin(kind) in (Union, UnionType) and len(members) == 1 else kind


def _tag(member: Any) -> str | None:
    """Return pydantic's name for a member of a union in an error's path."""
    for note in get_args(member)[1:]:
        if isinstance(note, Tag):
            return note.tag
    names = get_args(_children(_bare(member)).get("kind"))
    return str(names[0]) if names else None


def _discriminator(context: Any) -> str:
    return str(context["discriminator"]).strip("'")
