"""Measure what a user of a network waits for and pays: seconds to load it, and peak memory, in a fresh process.

    python bench/load.py [--model export] [--runs 5]

Prints medians: wall and processor time of importing ferflow and loading network and detector, time of the first
photograph, peak memory. The limits are those of the design: one second and 150 MB.
"""

import argparse
import json
import statistics
import subprocess
import sys

LIMITS = {"load_s": 1.0, "peak_mb": 150}
PROBE = """
import json, resource, sys, time
start = time.perf_counter()
from ferflow import Recognizer
recognizer = Recognizer(sys.argv[1])
loaded, used = time.perf_counter() - start, time.process_time()
import numpy as np
recognizer(np.full((480, 640, 3), 128, np.uint8))
print(json.dumps({
    "load_s": loaded,
    "load_cpu_s": used,
    "first_photograph_s": time.perf_counter() - start - loaded,
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2),
}))
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="export", help="export folder, or default")
    parser.add_argument("--runs", type=int, default=5, help="processes to start (default: 5)")
    arguments = parser.parse_args()
    command = [sys.executable, "-c", PROBE, arguments.model]
    runs = [json.loads(subprocess.check_output(command, text=True)) for _ in range(arguments.runs)]
    for name in runs[0]:
        limit = f"  limit {LIMITS[name]}" if name in LIMITS else ""
        print(f"{name:<20} {statistics.median(run[name] for run in runs):8.2f}{limit}")


if __name__ == "__main__":
    main()
