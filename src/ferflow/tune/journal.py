"""The finished trials of a running study, on disk: the truth about it, so that a killed study resumes.

Optuna's own JournalStorage leaves a killed trial in the state RUNNING for ever, a stale lock behind a killed writer,
and cannot be read again after half a line. This journal has one writer, holds finished trials only, and a line that is
damaged costs that trial alone: it is trained again, to the same result.
"""

import contextlib
import json
import os
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ferflow.base.errors import DataError
from ferflow.base.files import whole_file
from ferflow.base.hashing import digest_of, sha256
from ferflow.tune.rules import Finished


def study_key(settings: Any, data: Path, code: Iterable[Path]) -> str:
    """Return a digest of everything that decides the outcome of a study, as 64 hex digits.

    Files enter with their names relative to the folders that hold them, so that a study resumes after the project was
    moved.

    Args:
        settings: What is searched and how, of JSON's types.
        data: Folder whose files the trials read, at any depth.
        code: Source files of the trials, at least one.
    """
    return digest_of([settings, digests_of(data), code_digests(code)])


def digests_of(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a folder, at any depth, by its name relative to the folder."""
    return _digests((path for path in folder.rglob("*") if path.is_file()), folder)


def code_digests(code: Iterable[Path]) -> dict[str, str]:
    """Return the SHA-256 of source files, at least one, by their names relative to the folder that holds them all."""
    sources = list(code)
    return _digests(sources, Path(os.path.commonpath([source.parent for source in sources])))


def _digests(files: Iterable[Path], root: Path) -> dict[str, str]:
    return {file.relative_to(root).as_posix(): sha256(file) for file in files}


class Journal:
    """The finished trials of one study, by position; each is on the disk for good before `add` returns.

    The first line is the study's key; then comes a line a trial, each with its CRC-32 in front.
    """

    def __init__(self, path: Path, key: str) -> None:
        """Read what there is; a damaged line is reported and left out. `add` replaces a journal of another study.

        Args:
            path: The file.
            key: The study's key.

        Raises:
            DataError: The file can be neither read nor written.
        """
        self._path = path
        self._key = key
        self.trials: dict[int, Finished] = {}
        with _readable(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = path.read_bytes().split(b"\n") if path.exists() else []
            first = _content(lines[0]) if lines else None
            if lines and not (isinstance(first, dict) and "key" in first):
                print(
                    f"warning: {path} is damaged, so that it is not known which study it belongs to. The study starts "
                    "from trial 0.",
                    file=sys.stderr,
                    flush=True,
                )
            damaged = []
            if isinstance(first, dict) and first.get("key") == key:
                for number, line in enumerate(lines[1:], start=2):
                    if not line:
                        continue
                    trial = _trial(line)
                    if trial is None:
                        damaged.append(number)
                    else:
                        self.trials.setdefault(trial.decision.position, trial)
            if damaged:
                print(
                    f"warning: {path} is damaged in line {', '.join(map(str, damaged))}. The trials of these lines are "
                    "run again.",
                    file=sys.stderr,
                    flush=True,
                )
            self._appendable = bool(self.trials) and not damaged and lines[-1] == b""

    def add(self, trial: Finished) -> bool:
        """Write a trial; return False, and change nothing, if the journal has that position already.

        Raises:
            DataError: The file cannot be written, as on a full disk.
        """
        position = trial.decision.position
        if position in self.trials:
            return False
        with _readable(self._path):
            if self._appendable:
                self._append(_line(trial.model_dump_json()))
            else:
                self._write({**self.trials, position: trial})
                self._appendable = True
        self.trials[position] = trial
        return True

    @property
    def frontier(self) -> int:
        """How many trials from the first on have ended without a gap."""
        position = 0
        while position in self.trials:
            position += 1
        return position

    def first(self, count: int) -> list[Finished]:
        """Return the first `count` trials, which have all ended, in order."""
        return [self.trials[position] for position in range(count)]

    def _append(self, line: bytes) -> None:
        size = self._path.stat().st_size
        try:
            with self._path.open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            os.truncate(self._path, size)  # half a line would damage the next one
            raise

    def _write(self, trials: Mapping[int, Finished]) -> None:
        lines = [_line(json.dumps({"key": self._key}))]
        lines += [_line(trials[position].model_dump_json()) for position in sorted(trials)]
        with whole_file(self._path) as temporary, temporary.open("wb") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # else a power cut may undo the renaming
        finally:
            os.close(folder)


def _line(text: str) -> bytes:
    content = text.encode()
    return b"%08x %s\n" % (zlib.crc32(content), content)


def _content(line: bytes) -> Any:
    """Return the JSON of a line, or None if it is damaged."""
    check, _, content = line.partition(b" ")
    if check != b"%08x" % zlib.crc32(content):
        return None
    try:
        return json.loads(content)
    except ValueError:
        return None


def _trial(line: bytes) -> Finished | None:
    content = _content(line)
    try:
        return None if content is None else Finished.model_validate(content)
    except ValidationError:
        return None


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{path}, the journal of the search, cannot be read or written: {error}. Make room or correct its "
            "permissions, and run again: the search resumes from the trials that it has."
        ) from error
