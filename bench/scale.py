"""Measure how time and memory of the stages grow with the number of images, of classes, and with their side.

    python bench/scale.py [--images 10000 100000 1000000] [--many-classes 1000] [--large-side 224] [--folder /scratch]

For each size, pictures are generated and go as a folder through the stages download, clean, eda, prepare, and one epoch
of the smallest network, each a process of its own. `dvc add` of the raw folder stands for what DVC itself does: of all
stages, download has the most files. Beside the sizes, 10 pictures of each of 1,000 classes, and 10,000 pictures of
224x224. The pictures are random textures, so that no two of them are copies or near-copies of one another.

Everything is written to reports/bench/scale.json and printed as the table of docs/scale.md. A million pictures need
10 GB of disk and about an hour of two cores.
"""

import argparse
import io
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bench_processes import measure
from bench_settings import full_settings
from PIL import Image
from ruamel.yaml import YAML

from ferflow.base.files import write_json, write_yaml
from ferflow.base.workers import in_parallel, portions
from ferflow.settings import load_config
from ferflow.train.recipe import ResultSettings
from ferflow.ui.progress import progress

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("download", "clean", "eda", "prepare", "train")
DVC = "dvc add data/raw"
MODEL = "ferflow_nano"
CLASSES, SIDE = 7, 48
LIMITS = {"time_growth": 12.0, "peak_mb": 2000}


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="sizes to measure")
    parser.add_argument("--many-classes", type=int, default=1000, help="classes of 10 images each; 0 leaves it out")
    parser.add_argument("--large-side", type=int, default=224, help="side of the large images; 0 leaves it out")
    parser.add_argument("--folder", type=Path, help="folder with room for the images; the system's by default")
    arguments = parser.parse_args()
    cases = [(count, CLASSES, SIDE) for count in sorted(arguments.images)]
    if arguments.many_classes:
        cases.append((10 * arguments.many_classes, arguments.many_classes, SIDE))
    if arguments.large_side:
        cases.append((10_000, CLASSES, arguments.large_side))
    rows = []
    for case in cases:
        rows.append(measured(*case, arguments.folder))
        write_json(ROOT / "reports/bench/scale.json", described(rows))  # after each, because the last one takes long
        print(table(rows), flush=True)
    print("Written to reports/bench/scale.json.")


def measured(images: int, classes: int, side: int, folder: Path | None) -> dict[str, Any]:
    """Return seconds and peak memory of every stage for generated pictures."""
    with tempfile.TemporaryDirectory(prefix="ferflow-scale-", dir=folder) as temporary:
        source, project = Path(temporary) / "pictures", Path(temporary) / "project"
        generate(source, images, classes, side)
        make_project(project, classes, side)
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        environment["FERFLOW_ARCHIVE"] = str(source)
        found = {}
        for name in STAGES:
            command = [sys.executable, str(ROOT / f"stages/{name}.py"), *([MODEL] if name == "train" else [])]
            found[name] = measure(command, project, environment, every=0.1)
            if name == "download":
                shutil.rmtree(source)
                found[DVC] = measure(["dvc", "add", "-q", "data/raw"], project, environment, every=0.1)
        return {"images": images, "classes": classes, "side": side, "stages": found}


def make_project(project: Path, classes: int, side: int) -> None:
    """Make a project in which the stages run: params, the settings of one epoch, git and DVC."""
    project.mkdir()
    params = YAML().load(ROOT / "params.yaml")
    params["dataset"], params["image_size"] = "own", side
    if classes > CLASSES:
        params["prepare"]["min_images_per_class"] = 1  # of 10 images, a tenth of 8 is for validation
    YAML().dump(params, project / "params.yaml")
    load_config(project / "params.yaml")
    settings = full_settings(MODEL)
    train = settings.model_dump(mode="json")["train"] | {"epochs": 1, "patience": 1, "sides": []}
    one_epoch = ResultSettings.model_validate(settings.model_dump(mode="json") | {"train": train}, strict=False)
    write_yaml(project / f"settings/{MODEL}.yaml", one_epoch.model_dump(mode="json"))
    shutil.copytree(ROOT / "reports/teach/none", project / "reports/teach/none")  # no teacher
    for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
        subprocess.run(command, cwd=project, check=True)


def generate(folder: Path, images: int, classes: int, side: int) -> None:
    """Write pictures into folders train and test, one in five into test, each with folders of the classes."""
    for split in ("train", "test"):
        for label in range(classes):
            (folder / split / f"class{label:04d}").mkdir(parents=True)
    tasks = [(folder, part, classes, side) for part in portions(range(images), 1000)]
    for _ in progress((None for done in in_parallel(_generate, tasks) for _ in range(done)), images, "generating"):
        pass


def _generate(task: tuple[Path, Sequence[int], int, int]) -> int:
    folder, numbers, classes, side = task
    for number in numbers:
        rng = np.random.default_rng(number)
        # Large patches decide what near-copies are found by; the noise is there because faces are not smooth either.
        patches = Image.fromarray(rng.integers(0, 256, (9, 9), np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
        noise = rng.integers(-12, 13, (side, side))
        pixels = np.clip(np.asarray(patches).astype(int) + noise, 0, 255).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
        split, label = "test" if number // classes % 5 == 0 else "train", f"class{number % classes:04d}"
        (folder / split / label / f"{number:07d}.jpg").write_bytes(buffer.getvalue())
    return len(numbers)


def described(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what is written: the rows, the growth from one size to the next, and the machine."""
    from ferflow.train.backend import describe_machine

    sizes = [row for row in rows if (row["classes"], row["side"]) == (CLASSES, SIDE)]
    growth = []
    for few, many in itertools.pairwise(sizes):
        before, after = few["stages"], many["stages"]
        growth.append(
            {
                "images": [few["images"], many["images"]],
                "time": {name: round(after[name]["seconds"] / before[name]["seconds"], 1) for name in after},
                "all": round(sum(s["seconds"] for s in after.values()) / sum(s["seconds"] for s in before.values()), 1),
            }
        )
    peak = max(stage["peak_mb"] for row in rows for stage in row["stages"].values())
    return {"machine": describe_machine(), "limits": LIMITS, "growth": growth, "peak_mb": peak, "rows": rows}


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table: seconds, and peak memory in MB."""
    names = list(rows[0]["stages"])
    lines = [f"| images | classes | side | {' | '.join(names)} |", "| ---: " * (3 + len(names)) + "|"]
    for row in rows:
        cells = [f"{row['stages'][name]['seconds']:.0f} s, {row['stages'][name]['peak_mb']:,} MB" for name in names]
        lines.append(f"| {row['images']:,} | {row['classes']:,} | {row['side']} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
