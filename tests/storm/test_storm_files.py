"""Thousands of hostile images and archives: kept or dropped with a reason, in bounded memory, nothing half done."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from storm_size import LONG, SEED, cases

FOLDER = Path(__file__).parent
MEMORY = 2 << 30  # bytes of address space; the libraries alone take a third of it


def in_own_process(script: str, folder: Path, count: int, seed: int = SEED) -> dict[str, Any]:
    """Run a script of this folder under a limit of memory; a crash, a hang or an error fails the test."""
    paths = [str(FOLDER), str(FOLDER.parent), str(FOLDER.parents[1] / "src")]
    done = subprocess.run(
        [sys.executable, str(FOLDER / script), str(folder), str(seed), str(count)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
        capture_output=True,
        text=True,
        check=False,
        timeout=60 + count,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    result: dict[str, Any] = json.loads(done.stdout)
    print(json.dumps(result, indent=1))  # `make storm` shows the figures
    return result


@pytest.mark.timeout(0 if LONG else 600)
def test_every_hostile_image_gets_one_verdict_with_its_reason(tmp_path: Path) -> None:
    count = cases(150)
    first = in_own_process("clean_images.py", tmp_path / "first", count)
    assert first["rows"] == count == sum(first["verdicts"].values())
    assert first["summary"][0] == first["summary"][1] + first["summary"][2] == count
    assert first["without_reason"] == first["without_detail"] == 0
    assert {"drop unreadable", "drop bomb", "drop too_small", "keep wrong_size"} <= first["reasons"].keys()
    assert first["megabytes"] < 600


@pytest.mark.timeout(0 if LONG else 600)
def test_every_hostile_archive_is_unpacked_whole_or_refused_with_a_message(tmp_path: Path) -> None:
    count = cases(60, share=0.1)
    found = in_own_process("unpack_archives.py", tmp_path, count)
    assert sum(found["outcomes"].values()) == count
    assert {"unpacked", "The archive is unsafe", "No images found"} <= found["outcomes"].keys()
    assert found["megabytes"] < 600
