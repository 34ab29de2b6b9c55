"""What differs between two sides in params.yaml and dvc.lock."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ferflow.base.dotted import flatten


@dataclass(frozen=True)
class ParamChange:
    """A key of params.yaml whose value differs.

    Attributes:
        key: Dotted key.
        before: Value as text, or None if there was no such key.
        after: Value as text, or None if there is no such key.
    """

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class StageChanges:
    """What differs between two versions of dvc.lock.

    Attributes:
        added: Stages that only the later one has.
        removed: Stages that only the earlier one has.
        inputs: Stages by what differs of their inputs: a path that no stage writes, such as code, or `params` or
            `command`.
        outputs: Stages of both whose outputs differ.
    """

    added: list[str]
    removed: list[str]
    inputs: dict[str, list[str]]
    outputs: list[str]


def param_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[ParamChange]:
    """Compare two contents of params.yaml, sorted by key."""
    old, new = flatten(before), flatten(after)
    return [
        ParamChange(key, _text(old, key), _text(new, key))
        for key in sorted(old.keys() | new.keys())
        if key not in old or key not in new or old[key] != new[key]
    ]


def stage_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> StageChanges:
    """Compare two contents of dvc.lock."""
    old, new = before.get("stages") or {}, after.get("stages") or {}
    written = {out["path"] for entry in (*old.values(), *new.values()) for out in entry.get("outs", ())}
    inputs: dict[str, list[str]] = {}
    outputs = []
    for stage in sorted(old.keys() & new.keys()):
        one, other = old[stage], new[stage]
        deps = [{dep["path"]: dep.get("md5") for dep in entry.get("deps", ())} for entry in (one, other)]
        for path in sorted(deps[0].keys() | deps[1].keys()):
            below_output = any(
                path == out or out.startswith(f"{path}/") or path.startswith(f"{out}/") for out in written
            )
            if deps[0].get(path) != deps[1].get(path) and not below_output:
                inputs.setdefault(path, []).append(stage)
        for key, name in (("params", "params"), ("cmd", "command")):
            if one.get(key) != other.get(key):
                inputs.setdefault(name, []).append(stage)
        outs = [{out["path"]: out.get("md5") for out in entry.get("outs", ())} for entry in (one, other)]
        if outs[0] != outs[1]:
            outputs.append(stage)
    return StageChanges(sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys()), inputs, outputs)


def _text(values: Mapping[str, Any], key: str) -> str | None:
    if key not in values:
        return None
    value = values[key]
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
