"""Process many files with several processes."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from ferflow.base.errors import DataError

T = TypeVar("T")
R = TypeVar("R")

MAX_WORKERS = 8  # reading small files, further processes only wait for the disk
_MIN_TASKS = 8  # starting processes takes longer than fewer tasks than this


def portions(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Divide a sequence into parts of `size` items; the last one may be shorter.

    >>> portions([1, 2, 3, 4, 5], 2)
    [[1, 2], [3, 4], [5]]
    """
    return [items[start : start + size] for start in range(0, len(items), size)]


def in_parallel(function: Callable[[T], R], tasks: Sequence[T], workers: int | None = None) -> Iterator[R]:
    """Yield function(task) for every task, in the order of the tasks.

    The processes are forked, which takes a few milliseconds; spawning them would take longer than the work. On a
    system that cannot fork safely, on one core, or for a few tasks, everything runs in this process.

    Args:
        function: Picklable function, that is, one defined in a module. Its exceptions are raised here.
        tasks: Arguments of the calls.
        workers: Number of processes. Defaults to one per core that this process may use, at most 8.

    Raises:
        DataError: A process was killed.

    >>> list(in_parallel(abs, [-1, 2]))
    [1, 2]
    """
    count = min(workers or available_cores(), len(tasks))
    if count < 2 or (workers is None and len(tasks) < _MIN_TASKS) or not _can_fork():
        yield from map(function, tasks)
        return
    pool = ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("fork"))
    try:
        yield from pool.map(function, tasks)
    except BrokenProcessPool:
        raise DataError(
            "The system killed a process that reads images, most likely because memory was exhausted."
            " Free some memory, or lower clean.max_pixels, and run again."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def available_cores() -> int:
    """Return how many cores this process may use, at most 8."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MAX_WORKERS)


def _can_fork() -> bool:
    # macOS's own libraries break in forked children, and a daemonic process may not have children.
    return os.uname().sysname == "Linux" and not multiprocessing.current_process().daemon
