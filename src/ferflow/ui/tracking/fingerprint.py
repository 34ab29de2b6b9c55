"""What makes a run the same run: the SHA-256 of a DVC stage's command, dependencies and params."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ferflow.base.errors import TrackingError


def from_lock(lock: Mapping[str, Any], stage: str) -> str:
    """Return the fingerprint of a finished stage.

    Args:
        lock: all of dvc.lock.
        stage: a key of its `stages`, such as `train@cnn`.

    Returns:
        64 hex digits.

    Raises:
        TrackingError: dvc.lock has no such stage.
    """
    entry = lock.get("stages", {}).get(stage)
    if entry is None:
        raise TrackingError(f"dvc.lock has no stage {stage!r}. Run it: dvc repro {stage}.")
    deps = {dep["path"]: dep.get("md5") for dep in entry.get("deps", ())}
    return _digest(entry["cmd"], deps, entry.get("params", {}))


def of_running_stage(root: Path, stage: str) -> str:
    """Return the fingerprint that dvc.lock will have for a stage once it is finished.

    DVC hashes the dependencies as it does itself; what it has hashed before is not read again.

    Args:
        root: the project's folder.
        stage: its name, as the environment variable DVC_STAGE gives it, such as `train@cnn`.

    Returns:
        64 hex digits.

    Raises:
        TrackingError: DVC does not know the stage, or one of its dependencies or params is missing.
    """
    from dvc.dependency import ParamsDependency
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            loaded = repo.stage.load_one(path=str(root.absolute() / "dvc.yaml"), name=stage)
            loaded.save_deps()
            values = {dep.def_path: dep.hash_info.value for dep in loaded.deps}
            named = {dep.def_path for dep in loaded.deps if isinstance(dep, ParamsDependency)}
            command = loaded.cmd
    except DvcException as error:
        raise TrackingError(f"DVC cannot tell what stage {stage!r} depends on: {error}") from error
    deps = {path: value for path, value in values.items() if path not in named}
    return _digest(command, deps, {path: values[path] for path in named})


def _digest(command: str | list[str], deps: Mapping[str, str | None], params: Mapping[str, Any]) -> str:
    content = {"cmd": command, "deps": deps, "params": params}
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()
