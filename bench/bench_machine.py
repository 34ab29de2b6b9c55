"""What a benchmark says of the machine it ran on."""

from pathlib import Path


def processor() -> str:
    """Return the name of the processor."""
    return cpuinfo("model name") or "an unknown processor"


def has_vnni() -> bool:
    """Return whether the processor has instructions for 8-bit dot products."""
    return "vnni" in cpuinfo("flags")


def cpuinfo(key: str) -> str:
    """Return a value of Linux's list of processors, or nothing."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")
