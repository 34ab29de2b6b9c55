"""Run dvc for `ferflow run`: one run at a time in a project, and an end within seconds when it is asked to stop."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from types import FrameType

from ferflow.base.errors import FerflowError

LOCK = Path(".dvc/tmp/ferflow-run.lock")
_DVC_LOCKS = Path(".dvc/tmp/rwlock")
RESUME = (
    "What is finished is kept. Run the same command again to resume: stages that are finished are not run again, and a "
    "training resumes after its last whole epoch."
)

# After so many seconds, what still runs gets this signal. At once only if nobody else sent one: Ctrl-C reaches all.
_ON_INTERRUPT = ((3.0, signal.SIGINT), (10.0, signal.SIGTERM), (15.0, signal.SIGKILL))
_ON_OTHERS = ((0.0, signal.SIGINT), (8.0, signal.SIGTERM), (13.0, signal.SIGKILL))


class _StoppedError(Exception):
    """A signal asks this process to end.

    Attributes:
        number: The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def only_run() -> Iterator[None]:
    """Keep any other `ferflow run` out of the project in the working directory.

    Two at once would change params.yaml under each other's stages. The system frees the lock when the process ends,
    even by `kill -9`. Outside a project of DVC there is nothing to keep.

    Raises:
        FerflowError: Another one is running; the message names its process.
    """
    if not Path(".dvc").is_dir():
        yield
        return
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            process = handle.read().strip() or "unknown"
            raise FerflowError(
                f"Another `ferflow run` is at work in this project: process {process}. Wait until it has ended, or end "
                f"it (kill {process}), then run again. Nothing was changed."
            ) from None
        handle.truncate(0)
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        _forget_zombies()
        yield


def _forget_zombies() -> None:
    """Remove DVC's list of locked paths if only killed processes that the system still lists hold any.

    DVC takes a process for alive as long as it has a number, so a run that was killed would block the next one until
    its parent collects it, which in a container without an init process is never.
    """
    import psutil  # type: ignore[import-untyped]

    try:
        holders = json.loads(_DVC_LOCKS.read_text(encoding="utf-8"))
        entries = [*holders.get("write", {}).values(), *chain.from_iterable(holders.get("read", {}).values())]
        numbers = {int(entry["pid"]) for entry in entries}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return  # there is none, or DVC reports what is wrong with it

    def ended(number: int) -> bool:
        try:
            return bool(psutil.Process(number).status() == psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return True

    if all(map(ended, numbers)):
        _DVC_LOCKS.unlink(missing_ok=True)


def run_dvc(*arguments: str) -> None:
    """Run dvc with this environment's Python first on the path, because stages are started as `python`.

    SIGINT, SIGTERM and SIGHUP end dvc and the stage that it runs within seconds, then this process, which says how to
    resume.

    Args:
        arguments: Arguments of dvc, such as `repro`.

    Raises:
        FerflowError: dvc fails.
    """
    folder = Path(sys.executable).parent
    path = f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"
    command: Sequence[str] = [str(folder / "dvc"), *arguments]
    with _stoppable():
        process = subprocess.Popen(command, env={**os.environ, "PATH": path})
        try:
            status = process.wait()
        except _StoppedError as stopped:
            _end(process, stopped.number)
            name = "Ctrl-C" if stopped.number == signal.SIGINT else signal.Signals(stopped.number).name
            print(f"Stopped by {name}. {RESUME}", file=sys.stderr, flush=True)
            sys.exit(128 + stopped.number)
    if status:
        raise FerflowError(f"dvc {' '.join(arguments)} failed with exit status {status}; see the output above.")


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Turn the signals that end a process into a _StoppedError; a second one does not disturb the end."""

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise _StoppedError(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(process: "subprocess.Popen[bytes]", number: int) -> None:
    """End dvc, the stage that it runs, and the processes of that stage, politely at first."""
    import psutil

    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    started = time.monotonic()
    for after, how in _ON_INTERRUPT if number == signal.SIGINT else _ON_OTHERS:
        psutil.wait_procs(family, timeout=max(0.0, started + after - time.monotonic()))
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.send_signal(how)
    psutil.wait_procs(family, timeout=5)
    process.wait()
