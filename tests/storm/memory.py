"""The memory of a process, without that of the process that started it."""

import re
from pathlib import Path


def most_memory() -> float:
    """Return the most MiB that this process had resident.

    Not `getrusage`, whose figure for the process itself begins with that of the parent, here pytest with all that its
    tests have loaded, since Linux carries it over at `exec`.
    """
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024
