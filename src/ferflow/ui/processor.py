"""On which kinds of processor the outputs in dvc.lock were made: reports/processor.json.

Processors round differently (docs/reproducibility.md), so a reviewer on another one gets other bytes from the same
inputs. The note is a dependency of no stage; it is written after DVC has written dvc.lock.
"""

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ferflow.base.files import write_json
from ferflow.reporting.text import listed

LOCK = "dvc.lock"
NOTE = "reports/processor.json"

_VENDORS = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD"}
_EXTENSIONS = (("avx512_vnni", "AVX-512 with VNNI"), ("avx512f", "AVX-512"), ("avx2", "AVX2"))


def processor_kind(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return what decides how this machine rounds, such as "Intel family 6 model 85, AVX-512 with VNNI, 2 cores".

    The family and model stand for the sizes of the caches, the extensions for the kernels that TensorFlow selects, and
    the cores that this process may use for the parts into which it divides a sum.

    Args:
        cpuinfo: What Linux says of the processor. Defaults to its usual place.
    """
    number = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cores = f"{number} cores" if number > 1 else "1 core"
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0].splitlines()
    except OSError:  # not Linux
        lines = []
    found = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    if "vendor_id" not in found:  # not x86
        return f"{platform.processor() or platform.machine()}, {cores}"
    flags = set(found.get("flags", "").split())
    extension = next((name for flag, name in _EXTENSIONS if flag in flags), "without AVX2")
    vendor = _VENDORS.get(found["vendor_id"], found["vendor_id"])
    return f"{vendor} family {found.get('cpu family')} model {found.get('model')}, {extension}, {cores}"


def note_processor(root: Path, before: bytes | None, kind: str) -> None:
    """Write the note if a run has changed dvc.lock: the stages whose outputs changed were made on this processor.

    Args:
        root: Project root.
        before: Content of dvc.lock before the run, or None if there was none.
        kind: This processor's kind.
    """
    lock = root / LOCK
    after = lock.read_bytes() if lock.is_file() else None
    if after is None or after == before:
        return
    note = root / NOTE
    earlier = _kinds(note.read_bytes() if note.is_file() else None, before)
    old, new = _outputs(before or b""), _outputs(after)
    places: dict[str, list[str]] = {}
    for stage, outputs in sorted(new.items()):
        known = earlier.get(stage) if outputs == old.get(stage) else kind
        if known:
            places.setdefault(known, []).append(stage)
    write_json(note, {"dvc.lock": _digest(after), "processors": places})


def processors_of(lock: bytes | None, note: bytes | None) -> list[str]:
    """Return the kinds of processor that the outputs in dvc.lock were made on, sorted; empty if that is unknown.

    Args:
        lock: Content of dvc.lock.
        note: Content of reports/processor.json, which counts only if it was written for this dvc.lock.
    """
    return sorted(set(_kinds(note, lock).values()))


def other_processor(kinds: list[str], kind: str) -> str:
    """Return a sentence on where dvc.lock was made and what this machine is."""
    if not kinds:
        return f"On which kind of processor it was made is unknown; this is {kind}."
    if kinds == [kind]:
        return f"It was made on this kind of processor, {kind}."
    return f"It was made on {listed(kinds)}; this is {kind}. Processors round differently (docs/reproducibility.md)."


def _kinds(note: bytes | None, lock: bytes | None) -> dict[str, str]:
    """Return the kind of processor by stage; empty if the note is missing, invalid, or of another dvc.lock."""
    if note is None or lock is None:
        return {}
    try:
        content = json.loads(note)
        if content["dvc.lock"] != _digest(lock):
            return {}
        return {str(stage): str(kind) for kind, stages in content["processors"].items() for stage in stages}
    except (ValueError, KeyError, TypeError, AttributeError):  # a merge conflict, or edited by hand: nothing is known
        return {}


def _outputs(lock: bytes) -> dict[str, Any]:
    content: Mapping[str, Any] = YAML(typ="safe").load(lock.decode()) or {}
    return {
        stage: {out["path"]: out.get("md5") for out in entry.get("outs", ())}
        for stage, entry in (content.get("stages") or {}).items()
    }


def _digest(lock: bytes) -> str:
    return hashlib.sha256(lock).hexdigest()
