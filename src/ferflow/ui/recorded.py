"""What dvc.lock records of the pipeline's outputs, compared with the content of the files on disk.

DVC hashes a file again only if its size or time has changed. What changes behind its back, such as a bit on a failing
disk or in the cache, it does not see; a stage would turn it into a wrong number. The functions here read the content.
"""

import configparser
import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ferflow.base.errors import DataError

MEND_LOCK = "Take it from git (git checkout dvc.lock), or delete it (rm dvc.lock) and run again: dvc repro."
_MEND_YAML = "Mend it, or take it from git (git checkout)."
_INTERPOLATION = re.compile(r"\$\{([\w.]+)\}")
_LEFT_OUT = re.compile(r"(^|/)(__pycache__|[^/]*\.egg-info)/|\.pyc$")  # what .dvcignore names


@dataclass(frozen=True)
class Damage:
    """A file that differs from what dvc.lock records.

    Attributes:
        file: The file, or its output folder if DVC's cache does not say what the folder held.
        out: The output that the file is part of.
        stage: Stage that writes the output.
        cached: Whether DVC's cache holds a copy of the output; otherwise git does.
        missing: Whether the file is gone.
    """

    file: Path
    out: str
    stage: str
    cached: bool
    missing: bool = False

    def __str__(self) -> str:
        """Return what happened and the commands that mend it."""
        what = "is missing" if self.missing else "is damaged or was changed: its content is not what dvc.lock records"
        mend = f"rm -rf {self.out}; dvc checkout {self.out}" if self.cached else f"git checkout {self.out}"
        keep = "" if self.missing else f" To keep a change of your own: dvc commit -f {self.stage}."
        return (
            f"{self.file} {what}. Take it back: {mend}. Or write it again, whatever the cache holds: "
            f"dvc repro -f -s {self.stage}.{keep}"
        )


def check_inputs(root: Path, stage: str) -> None:
    """Check that what a stage is about to read is what the stages before it wrote.

    The stage's own entry in dvc.lock says what it reads. A stage that never ran has none, and what it reads was
    written, or taken from the cache, a moment ago.

    Args:
        root: Folder of dvc.lock.
        stage: Name of the stage that DVC is running, as in its environment variable DVC_STAGE.

    Raises:
        DataError: A file differs; the message names it and the commands that mend it.
    """
    stages = _stages(root)
    reads = [PurePosixPath(dep["path"]) for dep in stages.get(stage, {}).get("deps", ())]
    for producer, out in _outs(stages):
        path = PurePosixPath(out["path"])
        if producer != stage and any(path.is_relative_to(read) or read.is_relative_to(path) for read in reads):
            for damage in _damages(root, producer, out):
                raise DataError(str(damage))


def check_outputs(root: Path, *folders: str) -> None:
    """Check that outputs on disk are what dvc.lock records.

    Args:
        root: Folder of dvc.lock. Without that file there is nothing to compare with.
        folders: Outputs to check, and folders of such: `reports` stands for all reports. An output that is not on disk
            is left to the code that needs it.

    Raises:
        DataError: A file differs; the message names it and the commands that mend it.
    """
    for producer, out in _outs(_stages(root)):
        if (
            any(PurePosixPath(out["path"]).is_relative_to(folder) for folder in folders)
            and (root / out["path"]).exists()
        ):
            for damage in _damages(root, producer, out):
                raise DataError(str(damage))


def content_differs(root: Path, path: str, md5: str) -> bool:
    """Return whether the content of an output on disk is another than the recorded one; a missing output is no match.

    Args:
        root: Folder of dvc.lock.
        path: The output, relative to `root`.
        md5: What dvc.lock records for it.
    """
    return any(_damages(root, "", {"path": path, "md5": md5}))


def _stages(root: Path) -> dict[str, Any]:
    """Return the entries of dvc.lock by stage, without those of stages that dvc.yaml no longer has.

    DVC never removes an entry. A project that trains other models than those of the lock in git has entries whose
    files are neither on disk nor read by any stage.
    """
    path = root / "dvc.lock"
    content = _read_yaml(path, MEND_LOCK)
    if content is not None and not is_lock(content):
        raise DataError(f"{path} is damaged: it is YAML, but not what DVC writes. {MEND_LOCK}")
    present = _present(root)
    return {name: entry for name, entry in ((content or {}).get("stages") or {}).items() if present(name)}


def _present(root: Path) -> Callable[[str], bool]:
    """Return what tells whether dvc.yaml has a stage of some name, with its `foreach` filled in from params.yaml.

    DVC's own resolver would take a second at the start of every stage. Where its syntax goes further than ours, all
    stages of that kind count as present.
    """
    definition = _read_yaml(root / "dvc.yaml", _MEND_YAML)
    kinds = definition.get("stages") if isinstance(definition, dict) else None
    if not isinstance(kinds, dict):
        return lambda name: True
    params = _read_yaml(root / "params.yaml", _MEND_YAML)

    def keys(kind: str) -> Collection[str] | None:
        items = kinds[kind].get("foreach") if isinstance(kinds[kind], dict) else None
        if isinstance(items, str) and (named := _INTERPOLATION.fullmatch(items)):
            items = params
            for part in named[1].split("."):
                items = items.get(part) if isinstance(items, dict) else None
        return {str(key) for key in items} if isinstance(items, dict) else None

    known = {kind: keys(kind) for kind in kinds}

    def present(name: str) -> bool:
        kind, _, key = name.partition("@")
        if kind not in known:
            return False
        allowed = known[kind]
        return allowed is None or key in allowed

    return present


def _read_yaml(path: Path, mend: str) -> Any:
    import yaml  # `ferflow predict`, which checks nothing, starts faster without it

    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DataError(f"{path} cannot be read: {error}. {mend}") from None


def is_lock(content: object) -> bool:
    """Return whether parsed YAML has the form of dvc.lock, as far as the outputs and dependencies are concerned."""
    stages = content.get("stages", {}) if isinstance(content, dict) else ()
    return isinstance(stages, dict | None) and all(
        isinstance(entry, dict)
        and all(
            isinstance(items := entry.get(key, []), list)
            and all(isinstance(item, dict) and isinstance(item.get("path"), str) for item in items)
            for key in ("deps", "outs")
        )
        for entry in (stages or {}).values()
    )


def _outs(stages: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, entry in stages.items():
        for out in entry.get("outs", ()):
            if "md5" in out and out.get("hash") == "md5":  # DVC 2 hashed text files otherwise
                yield name, out


def _damages(root: Path, stage: str, out: Mapping[str, Any]) -> Iterator[Damage]:
    path, recorded = root / out["path"], str(out["md5"])
    copy = cached(root, recorded)
    known = copy is not None and copy.exists()
    if not path.exists():
        yield Damage(path, out["path"], stage, known, missing=True)
    elif not recorded.endswith(".dir"):
        if path.is_dir() or _md5(path) != recorded:
            yield Damage(path, out["path"], stage, known)
    elif not path.is_dir():
        yield Damage(path, out["path"], stage, known)
    else:
        found = {name: _md5(file) for name, file in _files(path)}
        if _digest(found) != recorded:
            held = _listing(copy) if copy else {}
            names = [name for name in sorted(held.keys() | found.keys()) if held.get(name) != found.get(name)]
            name = names[0] if held and names else ""
            yield Damage(path / name, out["path"], stage, known, missing=bool(name) and name not in found)


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not _LEFT_OUT.search(name):
            yield name, path


def _md5(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _digest(files: Mapping[str, str]) -> str:
    """Return DVC's name of a folder with these files: the MD5 of its listing."""
    listing = [{"md5": md5, "relpath": name} for name, md5 in sorted(files.items())]
    return f"{hashlib.md5(json.dumps(listing, sort_keys=True).encode(), usedforsecurity=False).hexdigest()}.dir"


def _listing(copy: Path) -> dict[str, str]:
    try:
        return {item["relpath"]: item["md5"] for item in json.loads(copy.read_text(encoding="utf-8"))}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def cached(root: Path, md5: str) -> Path | None:
    """Return where DVC's cache keeps, or would keep, the content with this MD5; None if DVC's settings cannot be read.

    Args:
        root: Project root, with the folder .dvc.
        md5: 32 hex digits, with `.dir` for the listing of a folder.
    """
    folder = root / ".dvc" / "cache"
    for name in ("config", "config.local"):
        config = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            config.read(root / ".dvc" / name, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            return None
        if directory := config.get("cache", "dir", fallback=""):
            folder = root / ".dvc" / directory  # a relative one is relative to .dvc
    return folder / "files" / "md5" / md5[:2] / md5[2:]
