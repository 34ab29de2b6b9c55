"""dvc.lock: which stages are finished, what they made, and whether that is what stands on disk."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ferflow.base.errors import TrackingError
from ferflow.ui.tracking import fingerprint


@dataclass(frozen=True)
class Lock:
    """dvc.lock as it stands.

    Attributes:
        root: the project's folder.
        content: all of dvc.lock.
    """

    root: Path
    content: dict[str, Any]

    @property
    def stages(self) -> dict[str, dict[str, Any]]:
        """The finished stages' entries by name."""
        stages: dict[str, dict[str, Any]] = self.content.get("stages", {})
        return stages

    def outs(self, stage: str) -> dict[str, str]:
        """Return the MD5 of each output of a stage by its path; a folder's ends in `.dir`."""
        return {out["path"]: out.get("md5", "") for out in self.stages[stage].get("outs", ())}

    def deps(self, stage: str) -> dict[str, str]:
        """Return the MD5 of each dependency of a stage by its path."""
        return {dep["path"]: dep.get("md5", "") for dep in self.stages[stage].get("deps", ())}

    def param(self, stage: str, name: str) -> Any:
        """Return a param that a stage was run with, or None."""
        files = self.stages[stage].get("params", {})
        return next((values[name] for values in files.values() if name in values), None)

    def fingerprint(self, stage: str) -> str:
        """Return the fingerprint of a finished stage; see ferflow.ui.tracking.fingerprint."""
        return fingerprint.from_lock(self.content, stage)

    def maker(self, path: str) -> str | None:
        """Return the stage that has `path`, or a folder above it, among its outputs."""
        places = {path, *(str(parent) for parent in PurePosixPath(path).parents)}
        return next((stage for stage in self.stages if places & self.outs(stage).keys()), None)

    def children(self, folder: str) -> tuple[str, ...]:
        """Return the names directly below `folder` that outputs lie in or are: `models` gives the models."""
        parent = PurePosixPath(folder)
        paths = [PurePosixPath(path) for stage in self.stages for path in self.outs(stage)]
        return tuple(
            sorted(
                {path.relative_to(parent).parts[0] for path in paths if path.is_relative_to(parent) and path != parent}
            )
        )

    def ancestors(self, stage: str) -> list[str]:
        """Return the stages that a stage's dependencies come from, near ones first, itself left out."""
        found: list[str] = []
        queue = [stage]
        while queue:
            for path in self.deps(queue.pop(0)):
                maker = self.maker(path)
                if maker and maker not in found:
                    found.append(maker)
                    queue.append(maker)
        return found

    def outdated(self, stage: str) -> str | None:
        """Return why a stage's entry no longer belongs to those before it, or None.

        After `dvc repro prepare` alone, say, the entries of the models still tell of the data before.
        """
        for user in (stage, *self.ancestors(stage)):
            for path, md5 in self.deps(user).items():
                maker = self.maker(path)
                if maker and self.outs(maker).get(path, md5) != md5:
                    return f"{maker} has made {path} anew since {user} was run: dvc repro {stage}"
        return None

    def changed(self, stage: str) -> str | None:
        """Return why a stage's outputs on disk are not those of dvc.lock, or None when they are."""
        for path, md5 in self.outs(stage).items():
            place = self.root / path
            if not place.exists():
                return f"{path} is missing: dvc checkout {path}, or dvc repro {stage}"
            if md5 and _md5(place) != md5:
                return f"{path} is not what dvc.lock tells: dvc checkout {path}, or dvc repro {stage}"
        return None

    def files(self, stage: str, suffix: str) -> list[Path]:
        """Return the files with this suffix among a stage's outputs and in its output folders, sorted."""
        found: set[Path] = set()
        for path in self.outs(stage):
            place = self.root / path
            found |= set(place.rglob(f"*{suffix}")) if place.is_dir() else {place}
        return sorted(place for place in found if place.suffix == suffix)


def read_lock(root: Path) -> Lock:
    """Read dvc.lock in the project's folder.

    Raises:
        TrackingError: it is missing or broken.
    """
    path = root / "dvc.lock"
    try:
        # The loader that DVC itself reads it with, so that every number is the same number.
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TrackingError("dvc.lock is missing: nothing has been run yet. Run the pipeline: dvc repro.") from None
    except YAMLError as error:
        raise TrackingError(f"dvc.lock is not valid YAML: {error}\nTake it from git again, or run dvc repro.") from None
    return Lock(root, content or {})


def _md5(place: Path) -> str:
    """Return the MD5 that DVC gives to a file or a folder."""
    if place.is_file():
        with place.open("rb") as handle:
            return hashlib.file_digest(handle, "md5").hexdigest()
    listing = [
        {"md5": _md5(file), "relpath": file.relative_to(place).as_posix()}
        for file in place.rglob("*")
        if file.is_file()
    ]
    listing.sort(key=lambda entry: entry["relpath"])
    return hashlib.md5(json.dumps(listing, sort_keys=True).encode()).hexdigest() + ".dir"
