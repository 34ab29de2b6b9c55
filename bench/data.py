"""Measure clean and prepare: time relative to plain decoding, memory, and how both grow with ten times the images.

    python bench/data.py [--raw data/raw] [--images 4000]

Everything is measured in one run on one machine and written as ratios to reports/bench/data.json. Without --raw, and
without images in data/raw, the first measurement uses drawn faces.
"""

import argparse
import io
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bench_processes import measure
from PIL import Image, UnidentifiedImageError

from ferflow.base.files import write_json
from ferflow.base.workers import available_cores, in_parallel, portions
from ferflow.faces import CLASSES, random_face
from ferflow.ui.progress import progress

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("clean", "prepare")
TIMES = 10
LIMITS = {"time_to_decode": 2.5, "peak_mb": 1000, "time_growth": TIMES * 1.2}
_POSES: tuple[Callable[[np.ndarray], np.ndarray], ...] = (  # no two of which are near-copies
    lambda face: face,
    np.fliplr,
    np.flipud,
    np.rot90,
    lambda face: np.rot90(face, 2),
    lambda face: np.rot90(face, 3),
    lambda face: 255 - face,
    lambda face: 255 - np.fliplr(face),
    lambda face: 255 - np.flipud(face),
    lambda face: 255 - np.rot90(face),
)


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--raw", type=Path, default=ROOT / "data/raw", help="raw images to compare with decoding")
    parser.add_argument("--images", type=int, default=4000, help="number of drawn faces, also measured times ten")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ferflow-bench-") as temporary:
        few, many = Path(temporary) / "few", Path(temporary) / "many"
        draw(few, arguments.images)
        repeat(few, many)
        raw = arguments.raw if any(arguments.raw.glob("*/*/*")) else few
        report: dict[str, Any] = {
            "cores": available_cores(),
            "limits": LIMITS,
            **against_decoding(raw),
            "growth": growth(few, many),
        }
    write_json(ROOT / "reports/bench/data.json", report)
    ratios = report["growth"]
    print(
        f"clean and prepare of {report['images']:,} images: {report['time_to_decode']} times as long as decoding them "
        f"with Pillow (limit {LIMITS['time_to_decode']}), peak memory {report['peak_mb']} MB "
        f"(limit {LIMITS['peak_mb']})\n"
        f"{TIMES} times the images: {ratios['time_growth']} times the time (limit {LIMITS['time_growth']:g}), "
        f"{ratios['memory_growth']} times the memory\n"
        "Written to reports/bench/data.json."
    )


def against_decoding(raw: Path) -> dict[str, object]:
    """Time both stages as whole processes, and decoding before and after them."""
    files = sorted(str(path) for path in raw.rglob("*") if path.is_file())
    before = decoding_time(files)
    stages = run_stages(raw)
    decode = (before + decoding_time(files)) / 2
    whole = sum(stages[name]["seconds"] for name in STAGES)
    return {
        "images": len(files),
        "decode_seconds": round(decode, 2),
        "stages": stages,
        "time_to_decode": round(whole / decode, 2),
        "peak_mb": max(stages[name]["peak_mb"] for name in STAGES),
    }


def growth(few: Path, many: Path) -> dict[str, object]:
    """Compare both stages on some images and on ten times as many."""
    one, ten = run_stages(few), run_stages(many)
    return {
        "images": [sum(1 for path in folder.rglob("*") if path.is_file()) for folder in (few, many)],
        "stages": [one, ten],
        "time_growth": round(sum(s["seconds"] for s in ten.values()) / sum(s["seconds"] for s in one.values()), 2),
        "memory_growth": round(max(s["peak_mb"] for s in ten.values()) / max(s["peak_mb"] for s in one.values()), 2),
    }


def decoding_time(files: Sequence[str]) -> float:
    """Return the seconds that one process needs to decode all files to grey with Pillow."""
    start = time.perf_counter()
    for file in progress(files, len(files), "decoding"):
        try:
            with Image.open(file) as image:
                np.asarray(image.convert("L"))
        except (OSError, UnidentifiedImageError):
            continue
    return time.perf_counter() - start


def run_stages(raw: Path) -> dict[str, dict[str, float]]:
    """Run both stages on a raw folder in a temporary project; return seconds and peak memory of each."""
    with tempfile.TemporaryDirectory(prefix="ferflow-bench-") as temporary:
        project = Path(temporary)
        (project / "data").mkdir()
        (project / "data/raw").symlink_to(raw.resolve())
        shutil.copy(ROOT / "params.yaml", project)
        return {name: measure([sys.executable, str(ROOT / f"stages/{name}.py")], project) for name in STAGES}


def draw(folder: Path, images: int) -> None:
    """Draw faces into train and test folders."""
    tasks = [(folder, list(part)) for part in portions(range(images), 50)]
    for _ in progress((None for count in in_parallel(_draw, tasks) for _ in range(count)), images, "drawing faces"):
        pass


def repeat(folder: Path, into: Path) -> None:
    """Write every face in ten poses: ten times the images, without more copies."""
    tasks = [(folder, into, list(part)) for part in portions(sorted(folder.rglob("*.jpg")), 50)]
    count = sum(len(task[2]) for task in tasks)
    for _ in progress((None for done in in_parallel(_repeat, tasks) for _ in range(done)), count, "turning faces"):
        pass


def _draw(task: tuple[Path, list[int]]) -> int:
    folder, numbers = task
    for number in numbers:
        rng = np.random.default_rng(number)
        emotion = CLASSES[7][number % 7]
        split = "test" if number % 5 == 0 else "train"
        _write(folder / split / emotion / f"{number}.jpg", random_face(rng, emotion))
    return len(numbers)


def _repeat(task: tuple[Path, Path, list[Path]]) -> int:
    folder, into, files = task
    for file in files:
        with Image.open(file) as image:
            face = np.asarray(image)
        for number, pose in enumerate(_POSES):
            _write(into / file.relative_to(folder).with_stem(f"{file.stem}_{number}"), np.ascontiguousarray(pose(face)))
    return len(files)


def _write(path: Path, face: np.ndarray) -> None:
    buffer = io.BytesIO()
    Image.fromarray(face).save(buffer, "JPEG", quality=92)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())


if __name__ == "__main__":
    main()
