"""dvc.lock: which stages are finished, what they wrote, and whether that is what is on disk.

A stage's fingerprint identifies its run in MLflow. It is the SHA-256 of the stage's command, of the hashes of its
dependencies, and of its params: dvc.lock has them once the stage is finished, and DVC computes them while it runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ferflow.base.errors import TrackingError
from ferflow.base.hashing import digest_of
from ferflow.ui.recorded import MEND_LOCK, content_differs, is_lock


@dataclass(frozen=True)
class Lock:
    """The content of dvc.lock, limited to the stages that dvc.yaml still has.

    DVC never removes an entry from dvc.lock. An entry whose stage is no longer in dvc.yaml cannot be run again, and
    may name the same output as a present stage does.

    Attributes:
        root: Project root, which contains dvc.yaml and dvc.lock.
        content: Parsed dvc.lock.
    """

    root: Path
    content: dict[str, Any]

    @cached_property
    def pipeline(self) -> dict[str, Any]:
        """Stages of dvc.yaml by name, as DVC's objects.

        Raises:
            TrackingError: DVC cannot read dvc.yaml.
        """
        from dvc.exceptions import DvcException
        from dvc.repo import Repo

        try:
            with Repo(str(self.root)) as repo:
                stages = repo.stage.load_all(path=str(self.root.absolute() / "dvc.yaml"))
        except DvcException as error:
            raise TrackingError(f"DVC cannot read dvc.yaml: {error}") from error
        return {stage.name: stage for stage in stages}

    @cached_property
    def stages(self) -> dict[str, dict[str, Any]]:
        """Entries of the finished stages by name, without obsolete ones."""
        return {stage: entry for stage, entry in self._entries.items() if stage in self.pipeline}

    @property
    def obsolete(self) -> list[str]:
        """Names of the entries whose stages are no longer in dvc.yaml, in the order of dvc.lock."""
        return [stage for stage in self._entries if stage not in self.pipeline]

    @property
    def leftovers(self) -> list[str]:
        """Sorted paths on disk that only obsolete entries wrote, such as those of a model that is no longer trained."""
        present = [PurePosixPath(path) for stage in self.pipeline.values() for path in _out_paths(stage)]
        found = {out["path"] for stage in self.obsolete for out in self._entries[stage].get("outs", ())}
        return sorted(
            path
            for path in found
            if (self.root / path).exists()
            and not any(other.is_relative_to(path) or PurePosixPath(path).is_relative_to(other) for other in present)
        )

    @property
    def _entries(self) -> dict[str, dict[str, Any]]:
        return self.content.get("stages") or {}

    def outs(self, stage: str) -> dict[str, str]:
        """Return the MD5 of each output of a stage by path; that of a folder ends in `.dir`."""
        return {out["path"]: out.get("md5", "") for out in self.stages[stage].get("outs", ())}

    def deps(self, stage: str) -> dict[str, str]:
        """Return the MD5 of each dependency of a stage by path."""
        return {dep["path"]: dep.get("md5", "") for dep in self.stages[stage].get("deps", ())}

    def param(self, stage: str, name: str) -> Any:
        """Return the value of a param that a stage ran with, or None if the stage has no such param."""
        files = self.stages[stage].get("params", {})
        return next((values[name] for values in files.values() if name in values), None)

    def fingerprint(self, stage: str) -> str:
        """Return the fingerprint of a finished stage; see fingerprint_of_entry."""
        return fingerprint_of_entry(self.content, stage)

    def producer(self, path: str) -> str | None:
        """Return the stage that has `path`, or a folder that contains it, among its outputs; None if no stage has."""
        candidates = {path, *(str(parent) for parent in PurePosixPath(path).parents)}
        return next((stage for stage in self.stages if candidates & self.outs(stage).keys()), None)

    def children(self, folder: str) -> tuple[str, ...]:
        """Return the sorted names directly below `folder` that are outputs or contain some.

        With `models` as the folder, these are the names of the results.
        """
        parent = PurePosixPath(folder)
        paths = [PurePosixPath(path) for stage in self.stages for path in self.outs(stage)]
        below = [path.relative_to(parent) for path in paths if path.is_relative_to(parent) and path != parent]
        return tuple(sorted({path.parts[0] for path in below}))

    def ancestors(self, stage: str) -> list[str]:
        """Return the stages that a stage depends on, directly or through others, nearest first, without itself."""
        found: list[str] = []
        queue = [stage]
        while queue:
            for path in self.deps(queue.pop(0)):
                producer = self.producer(path)
                if producer and producer not in found:
                    found.append(producer)
                    queue.append(producer)
        return found

    def outdated(self, stage: str) -> str | None:
        """Return why a stage's entry no longer follows from those of its ancestors, or None if it does.

        After `dvc repro prepare` alone, for example, the entries of the trainings still refer to the previous arrays.
        """
        for consumer in (stage, *self.ancestors(stage)):
            for path, md5 in self.deps(consumer).items():
                producer = self.producer(path)
                if producer and self.outs(producer).get(path, md5) != md5:
                    return f"{producer} has changed {path} since {consumer} ran. Run: dvc repro {stage}"
        return None

    def changed(self, stage: str) -> str | None:
        """Return how a stage's outputs on disk differ from dvc.lock, or None if they do not.

        DVC hashes each output by itself. `Repo.status()` would need DVC's lock, which a running `dvc repro` holds. A
        file whose size and time are as before is read again here, since DVC would not.
        """
        outputs = {output.def_path: output for output in self.pipeline[stage].outs}
        for path, md5 in self.outs(stage).items():
            if path not in outputs:
                continue  # dvc.yaml no longer declares it
            advice = f"Run: dvc checkout {path}, or: dvc repro {stage}"
            if not outputs[path].use_cache:
                advice = f"Take it from git, or run: dvc repro {stage}"
            if not (self.root / path).exists():
                return f"{path} is missing. {advice}"
            if outputs[path].changed_checksum() or content_differs(self.root, path, md5):
                return f"{path} differs from dvc.lock. {advice}"
        return None

    def files(self, stage: str, suffix: str) -> list[Path]:
        """Return the files with this suffix among a stage's outputs and inside its output folders, sorted."""
        found: set[Path] = set()
        for path in self.outs(stage):
            output = self.root / path
            found |= set(output.rglob(f"*{suffix}")) if output.is_dir() else {output}
        return sorted(path for path in found if path.suffix == suffix and path.is_file())


def _out_paths(stage: Any) -> list[str]:
    return [output.def_path for output in stage.outs]


def read_lock(root: Path) -> Lock:
    """Read dvc.lock in the project root.

    Raises:
        TrackingError: The file is missing or is not YAML.
    """
    path = root / "dvc.lock"
    try:
        # DVC reads dvc.lock with the same loader, so a number such as 1e-3 has the same type here and there.
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TrackingError("dvc.lock is missing: no stage has run yet. Run the pipeline: dvc repro.") from None
    except YAMLError as error:
        raise TrackingError(
            f"dvc.lock is not valid YAML: {error}\nRestore it (git checkout dvc.lock), or run: dvc repro."
        ) from None
    except (OSError, ValueError) as error:
        raise TrackingError(f"dvc.lock cannot be read: {error}. {MEND_LOCK}") from None
    if content is not None and not is_lock(content):
        raise TrackingError(f"dvc.lock is damaged: it is YAML, but not what DVC writes. {MEND_LOCK}")
    return Lock(root, content or {})


def fingerprint_of_entry(lock: Mapping[str, Any], stage: str) -> str:
    """Return the fingerprint of a finished stage.

    Args:
        lock: Parsed dvc.lock.
        stage: Key of its `stages`, such as `train@cnn`.

    Returns:
        64 hex digits.

    Raises:
        TrackingError: dvc.lock has no such stage.
    """
    entry = lock.get("stages", {}).get(stage)
    if entry is None:
        raise TrackingError(f"dvc.lock has no stage {stage!r}. Run it: dvc repro {stage}.")
    deps = {dep["path"]: dep.get("md5") for dep in entry.get("deps", ())}
    return digest_of({"cmd": entry["cmd"], "deps": deps, "params": entry.get("params", {})})


def fingerprint_of_running_stage(root: Path, stage: str) -> str:
    """Return the fingerprint that a stage will have in dvc.lock once it is finished.

    DVC hashes the dependencies. It does not read a file again that it has hashed before.

    Args:
        root: Project root.
        stage: Name of the stage as in the environment variable DVC_STAGE, such as `train@cnn`.

    Returns:
        64 hex digits.

    Raises:
        TrackingError: dvc.yaml has no such stage, or one of its dependencies or params is missing.
    """
    from dvc.dependency import ParamsDependency
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            loaded = repo.stage.load_one(path=str(root.absolute() / "dvc.yaml"), name=stage)
            loaded.save_deps()
            values = {dep.def_path: dep.hash_info.value for dep in loaded.deps}
            params = {dep.def_path for dep in loaded.deps if isinstance(dep, ParamsDependency)}
            command = loaded.cmd
    except DvcException as error:
        raise TrackingError(f"DVC cannot resolve the dependencies of stage {stage!r}: {error}") from error
    deps = {path: value for path, value in values.items() if path not in params}
    return digest_of({"cmd": command, "deps": deps, "params": {path: values[path] for path in params}})
