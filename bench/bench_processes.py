"""Time and memory of a command with all the processes that it starts."""

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path


def measure(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None, every: float = 0.02
) -> dict[str, float]:
    """Run a command; return its seconds and the peak memory of all its processes in MB, shared pages counted once.

    Args:
        command: Program and arguments.
        folder: Folder to run it in.
        environment: Environment variables. Defaults to this process's.
        every: Seconds between two readings of the memory. Defaults to 0.02.
    """
    start, peak = time.perf_counter(), 0
    with subprocess.Popen(command, cwd=folder, env=environment) as process:
        while process.poll() is None:
            peak = max(peak, sum(proportional_kb(pid) for pid in family(process.pid)))
            time.sleep(every)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed.")
    return {"seconds": round(time.perf_counter() - start, 2), "peak_mb": round(peak / 1000)}


def family(parent: int) -> Iterator[int]:
    """Yield the id of a process and of all that it started (Linux)."""
    yield parent
    for thread in Path(f"/proc/{parent}/task").glob("*/children"):
        try:
            children = thread.read_text().split()
        except OSError:  # the thread has ended
            continue
        for child in children:
            yield from family(int(child))


def proportional_kb(process: int) -> int:
    """Return the proportional set size of a process in kB; 0 if the process has ended."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
