"""Run the kaggle client in a separate process, with progress, a timeout for stalls, and credentials redacted."""

import itertools
import json
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ferflow.download import kaggle_process
from ferflow.ui.progress import progress
from ferflow.ui.redact import redact

_MEGABYTE = 1 << 20
_KEPT_LINES = 30
_DISK_FULL = ("No space left on device", "Disk quota exceeded", "File too large")  # the client would retry for a minute
_SHOWN_LINES = ("Retrying in", "Rate limited", "Resuming from", "Retry ")
_LICENCE = re.compile(r"License\(s\): (?!Error retrieving)(.+)")
_SECRET_VARIABLES = re.compile(r"KAGGLE_\w*(TOKEN|KEY|SECRET|PASSWORD)\w*", re.IGNORECASE)
_SECRET_FILES = ("kaggle.json", "credentials.json", "access_token", "access_token.txt")
_SECRET_KEYS = ("key", "token", "access_token", "refresh_token")


class Credentials:
    """The user's Kaggle login, known so that it can be redacted.

    Attributes:
        found: Whether the user has a Kaggle login of any kind.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Collect the secrets in environment variables and in the kaggle client's files."""
        home = Path(environment.get("HOME") or Path.home())
        folders = [home / ".kaggle", Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "kaggle"]
        if environment.get("KAGGLE_CONFIG_DIR"):
            folders.append(Path(environment["KAGGLE_CONFIG_DIR"]))
        secrets: set[str] = set()
        for name, value in environment.items():
            if _SECRET_VARIABLES.fullmatch(name):
                secrets |= {value, *_secrets_in(Path(value))}  # the client accepts a file's path as well
        for folder in folders:
            for file in _SECRET_FILES:
                secrets |= _secrets_in(folder / file)
        # Longest first, so that no secret is left half-redacted because a shorter one is part of it.
        self._secrets = sorted((value for value in secrets if len(value) > 3), key=len, reverse=True)
        self.found = bool(self._secrets)

    def redacted(self, text: str) -> str:
        """Return `text` with *** in place of these secrets and of everything that `ferflow.ui.redact` removes."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return redact(text)


@dataclass
class Outcome:
    """The result of one run of the client.

    Attributes:
        returncode: Exit status; 0 means that the file is complete.
        status: Status of the last HTTP error that the client received, or None.
        retry_after: Retry-After header of that error, or an empty string.
        licence: Licence of the dataset as Kaggle states it, or None.
        lines: Last lines of the client's output, at most 30, with credentials redacted.
        stalled: Whether the client was killed because neither output nor data came for too long.
        disk_full: Whether the client was killed because it could not write.
    """

    returncode: int = 1
    status: int | None = None
    retry_after: str = ""
    licence: str | None = None
    lines: list[str] = field(default_factory=list)
    stalled: bool = False
    disk_full: bool = False


def run_client(dataset: str, folder: Path, environment: Mapping[str, str], patience: float) -> Outcome:
    """Download a dataset as `<name>.zip` into a folder with the kaggle client, resuming a partial file.

    Args:
        dataset: owner/name or owner/name/version.
        folder: Folder for the zip and for the client's own note on a partial one.
        environment: Environment variables of the client, which contain or lead to the user's login.
        patience: Seconds without output or data after which the client is killed.
    """
    credentials = Credentials(environment)
    outcome = Outcome()
    arguments = ["datasets", "download", dataset, "-p", str(folder)]
    with subprocess.Popen(
        [sys.executable, "-P", kaggle_process.__file__, *arguments],
        env=_client_environment(environment),
        stdin=subprocess.PIPE,  # closes when this process ends, which makes the client exit
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        lines: queue.Queue[str | None] = queue.Queue()
        reader = threading.Thread(target=_read, args=(process.stdout, lines))
        reader.start()
        try:
            for line in _output(lines, folder / f"{dataset.split('/')[1]}.zip", patience):
                if line.startswith(kaggle_process.STATUS):
                    status, _, outcome.retry_after = line.removeprefix(kaggle_process.STATUS).strip().partition(" ")
                    outcome.status = int(status)
                    continue
                if found := _LICENCE.match(line):
                    outcome.licence = found[1]
                outcome.lines = [*outcome.lines[1 - _KEPT_LINES :], credentials.redacted(line)]
                outcome.disk_full = any(sign in line for sign in _DISK_FULL)
                if outcome.disk_full:
                    break
                if line.startswith(_SHOWN_LINES):
                    print(credentials.redacted(line), file=sys.stderr, flush=True)
            else:
                outcome.returncode = process.wait()
        except TimeoutError:
            outcome.stalled = True
        finally:
            process.kill()
            reader.join()
    return outcome


def _client_environment(environment: Mapping[str, str]) -> dict[str, str]:
    verbose = ("VERBOSE", "VERBOSE_OUTPUT")  # make the client print its HTTP headers, which include the login
    kept = {name: value for name, value in environment.items() if name not in verbose}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}


def _output(lines: "queue.Queue[str | None]", target: Path, patience: float) -> Iterator[str]:
    """Yield the lines of the client's output, and show how the file grows.

    Raises:
        TimeoutError: Neither a line nor a byte came for `patience` seconds.
    """
    bar: Iterator[int] | None = None
    shown = size = 0
    last = time.monotonic()
    while True:
        try:
            line = lines.get(timeout=0.2)
            if line is None:
                return
            last = time.monotonic()
            if line and "%|" not in line:  # not the client's own progress bar
                yield line
        except queue.Empty:
            pass
        new_size = file_size(target)
        if new_size != size:
            size, last = new_size, time.monotonic()
            bar = bar or _progress_bar(target)
            for _ in range(size // _MEGABYTE - shown) if bar else ():
                shown = next(bar) if bar else 0
        if time.monotonic() - last > patience:
            raise TimeoutError


def _progress_bar(target: Path) -> Iterator[int] | None:
    """Return a progress bar in megabytes, or None until the client has noted the size of the download."""
    try:
        total = json.loads(target.with_name(f"{target.name}.kaggle-partial").read_text())["size"]
        return progress(itertools.count(1), total // _MEGABYTE + 1, f"downloading {target.name}", unit="megabyte")
    except (OSError, ValueError, KeyError, TypeError):
        return None


def file_size(path: Path) -> int:
    """Return the size of a file in bytes, or 0 if it does not exist."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _read(stream: IO[str] | None, lines: "queue.Queue[str | None]") -> None:
    for line in stream or ():
        lines.put(line.strip())
    lines.put(None)


def _secrets_in(path: Path) -> set[str]:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):  # missing, not text, or not a path at all
        return set()
    try:
        values = json.loads(text)
    except ValueError:
        return {text}
    if not isinstance(values, dict):
        return {text}
    return {values[key] for key in _SECRET_KEYS if isinstance(values.get(key), str)}
