"""Work on many files by several processes."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from ferflow.base.errors import DataError

T = TypeVar("T")
R = TypeVar("R")

_MOST_WORKERS = 8  # reading small files, more only wait for the disk
_WORTH_IT = 8  # portions; fewer are done sooner than the processes are started


def portions(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Cut a sequence into parts of `size` items, the last one shorter."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def in_parallel(function: Callable[[T], R], tasks: Sequence[T], workers: int | None = None) -> Iterator[R]:
    """Yield function(task) for every task, in the order of the tasks.

    The processes are forked, which costs a few milliseconds where starting them anew would cost more than the
    work; where a system cannot fork safely, or has one core, all is done here.

    Args:
        function: of a module, so that it can be named to another process. What it raises is raised here.
        tasks: what to work on.
        workers: processes; None: one a core that this process may use, 8 at most.

    Raises:
        DataError: a process was killed.
    """
    count = min(workers or available_cores(), len(tasks))
    if count < 2 or (workers is None and len(tasks) < _WORTH_IT) or not _can_fork():
        yield from map(function, tasks)
        return
    pool = ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("fork"))
    try:
        yield from pool.map(function, tasks)
    except BrokenProcessPool:
        raise DataError(
            "A process that read images was killed from outside, most often since memory ran out."
            " Free some memory, or lower clean.max_pixels, and run again."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def available_cores() -> int:
    """Return how many cores this process may use, 8 at most."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _MOST_WORKERS)


def _can_fork() -> bool:
    # On macOS the system's own libraries break in forked children; a daemonic worker may have no children.
    return os.uname().sysname == "Linux" and not multiprocessing.current_process().daemon
