"""Running the kaggle client in a process of its own, with progress and an end when nothing moves."""

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
from ferflow.download.scrub import Scrubber
from ferflow.ui.progress import progress

_MEGABYTE = 1 << 20
_KEPT_LINES = 30
_HOPELESS = ("No space left on device", "Disk quota exceeded", "File too large")  # the client tries on for a minute
_WORTH_TELLING = ("Retrying in", "Rate limited", "Resuming from", "Retry ")
_LICENCE = re.compile(r"License\(s\): (?!Error retrieving)(.+)")


@dataclass
class Outcome:
    """How a run of the client ended.

    Attributes:
        returncode: 0 when it has the file.
        status: the last HTTP error it met, or None.
        retry_after: the header of that error, or empty.
        licence: of the dataset, as Kaggle states it, or None.
        lines: its last lines, free of secrets.
        stalled: it was ended because nothing happened for too long.
        disk_full: it was ended because it could not write.
    """

    returncode: int = 1
    status: int | None = None
    retry_after: str = ""
    licence: str | None = None
    lines: list[str] = field(default_factory=list)
    stalled: bool = False
    disk_full: bool = False


def run_client(dataset: str, folder: Path, environment: Mapping[str, str], patience: float) -> Outcome:
    """Let the client download a dataset as `<name>.zip` into a folder, going on with what is there.

    Args:
        dataset: owner/name or owner/name/version.
        folder: for the zip and the client's own note on an unfinished one.
        environment: of the client; holds or leads to the user's login.
        patience: seconds without any news after which the client is ended.
    """
    scrub = Scrubber(environment)
    outcome = Outcome()
    arguments = ["datasets", "download", dataset, "-p", str(folder)]
    with subprocess.Popen(
        [sys.executable, "-P", kaggle_process.__file__, *arguments],
        env=_client_environment(environment),
        stdin=subprocess.PIPE,  # closes when this process ends, and ends the client
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        lines: queue.Queue[str | None] = queue.Queue()
        reader = threading.Thread(target=_read, args=(process.stdout, lines))
        reader.start()
        try:
            for line in _news(lines, folder / f"{dataset.split('/')[1]}.zip", patience):
                if line.startswith(kaggle_process.STATUS):
                    status, _, outcome.retry_after = line.removeprefix(kaggle_process.STATUS).strip().partition(" ")
                    outcome.status = int(status)
                    continue
                if found := _LICENCE.match(line):
                    outcome.licence = found[1]
                outcome.lines = [*outcome.lines[1 - _KEPT_LINES :], scrub(line)]
                outcome.disk_full = any(sign in line for sign in _HOPELESS)
                if outcome.disk_full:
                    break
                if line.startswith(_WORTH_TELLING):
                    print(scrub(line), file=sys.stderr, flush=True)
            else:
                outcome.returncode = process.wait()
        except TimeoutError:
            outcome.stalled = True
        finally:
            process.kill()
            reader.join()
    return outcome


def _client_environment(environment: Mapping[str, str]) -> dict[str, str]:
    loud = ("VERBOSE", "VERBOSE_OUTPUT")  # make the client print its headers, with the login
    kept = {name: value for name, value in environment.items() if name not in loud}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}


def _news(lines: "queue.Queue[str | None]", target: Path, patience: float) -> Iterator[str]:
    """Yield the client's lines and show how the file grows.

    Raises:
        TimeoutError: neither a line nor a byte came for `patience` seconds.
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
            if line and "%|" not in line:  # not the client's own bar
                yield line
        except queue.Empty:
            pass
        now = _size(target)
        if now != size:
            size, last = now, time.monotonic()
            bar = bar or _bar(target)
            for _ in range(size // _MEGABYTE - shown) if bar else ():
                shown = next(bar) if bar else 0
        if time.monotonic() - last > patience:
            raise TimeoutError


def _bar(target: Path) -> Iterator[int] | None:
    """Return a bar in megabytes once the client has noted the size of what it downloads."""
    try:
        total = json.loads(target.with_name(f"{target.name}.kaggle-partial").read_text())["size"]
        return progress(itertools.count(1), total // _MEGABYTE + 1, f"downloading {target.name}", unit="megabyte")
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _read(stream: IO[str] | None, lines: "queue.Queue[str | None]") -> None:
    for line in stream or ():
        lines.put(line.strip())
    lines.put(None)
