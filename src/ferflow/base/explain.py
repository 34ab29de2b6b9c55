"""What is wrong with params.yaml, in words for the person who wrote it."""

import difflib
from collections.abc import Iterable
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import Tag


def explain(kind: Any, item: Any) -> str:
    """Return a line on one error.

    Args:
        kind: the section that was checked.
        item: of pydantic's `ValidationError.errors()`.

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
        return f"{key}.{_discriminator(context)}: {context['tag']!r} is not known. Allowed: {context['expected_tags']}."
    if item["type"] == "union_tag_not_found":
        tags = ", ".join(repr(_tag(member)) for member in get_args(_bare(found)))
        return f"{key}.{_discriminator(item['ctx'])}: missing. Allowed: {tags}."
    if item["type"] == "missing":
        return f"{key}: missing."
    return f"{key}: {item['msg']}. Received: {item['input']!r}."


def did_you_mean(received: str, allowed: Iterable[str]) -> str:
    """Return a hint at the allowed word nearest to what was received, with a space before; empty where none is near."""
    near = difflib.get_close_matches(received, list(allowed), n=1)
    return f" Did you mean {near[0]}?" if near else ""


def _follow(kind: Any, path: list[str]) -> tuple[Any, list[str]]:
    """Go down `path` from a section; return what may stand there, and the path without the names of union members."""
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
    """Return a type without its `Annotated`."""
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _tag(member: Any) -> str | None:
    """Return how pydantic names a member of a union in an error's path."""
    for note in get_args(member)[1:]:
        if isinstance(note, Tag):
            return note.tag
    names = get_args(_children(_bare(member)).get("source"))
    return str(names[0]) if names else None


def _discriminator(context: Any) -> str:
    return str(context["discriminator"]).strip("'")
