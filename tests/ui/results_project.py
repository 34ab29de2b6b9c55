"""A project on disk whose results can be recorded in docs/results/, for the tests of the pages made of them."""

import re
from pathlib import Path

import pandas as pd
import yaml

from defaults import PARAMS, network
from ferflow.base.files import write_yaml
from ferflow.compare import compare
from ferflow.raw.manifest import COLUMNS, write_manifest
from ferflow.settings import Config, parse_config
from ferflow.ui.results.collect import collect
from ferflow.ui.results.page import results_page
from result_files import MODELS

RESULTS = {
    "cnn": {"model": "cnn", "architecture": "cnn", "search": "none", "teacher": "none", "repeat": 0},
    "cnn_augmented": {
        "model": "cnn_augmented",
        "architecture": "cnn",
        "search": "none",
        "teacher": "none",
        "repeat": 0,
    },
    "vgg16": {"model": "vgg16", "architecture": "vgg16", "search": "none", "teacher": "none", "repeat": 0},
}
BUDGET = {"train": {}, "tune": {"trials": 1, "epochs": 1, "images": None}}
CLEAN = {
    "files": 900, "kept": 800, "dropped": 100, "dropped_by_reason": {"unreadable": 60, "exact_copy": 40},
    "kept_by_reason": {}, "readable": 840, "classes": {}, "splits": {}, "blank": 0,
    "near_copies": {"images": 0, "groups": 0, "largest_group": 0, "across_splits": 0},
    "duplicates": {"redundant": 40, "groups": 30, "conflicting_groups": 4},
    "leakage": {"test": 23, "private_test": 11, "public_test": 12, "training_copies": 31},
}  # fmt: skip

PREPARE = {
    "classes": ["angry", "happy", "sad"], "image_size": 48, "soft_labels": False, "cut": [], "per_class": {},
    "subsets": {}, "copy_in_train": {}, "near_copies_in_train": {}, "groups": {}, "largest_group": 1, "resized": 0,
    "converted": 0, "sha256": {},
}  # fmt: skip


def write_data(root: Path, first_pixels: str = "") -> None:
    """Write manifest and index of the images that write_results predicts, one training image, and one dropped."""
    rows = [{"path": "train/0.jpg", "label": "sad", "subset": "Training", "verdict": "keep", "reason": ""}]
    rows += [{"path": "train/1.jpg", "label": "sad", "subset": "Training", "verdict": "drop", "reason": "leaked_copy"}]
    for split in ("validation", "test"):
        table = pd.read_csv(root / f"reports/infer/cnn/predictions_{split}.csv")
        found = table[["id", "label", "subset"]].rename(columns={"id": "path"}).assign(verdict="keep", reason="")
        rows += found.to_dict("records")
    manifest = pd.DataFrame(rows)
    for number, (name, kind) in enumerate(COLUMNS.items()):
        if name not in manifest.columns:
            manifest[name] = "" if kind == "str" else number
    manifest["pixels"] = [f"{number:064x}" for number in range(len(manifest))]
    if first_pixels:
        manifest.loc[0, "pixels"] = first_pixels
    write_manifest(root / "data/clean/manifest.parquet", manifest)
    (root / "data/prepare").mkdir(parents=True, exist_ok=True)
    for split in ("train", "validation", "test"):
        kept = manifest[manifest["path"].str.startswith(split) & (manifest["verdict"] == "keep")]
        index = pd.DataFrame({"id": kept["path"]})
        index.to_parquet(root / f"data/prepare/{split}_index.parquet")
    for name in MODELS:
        write_yaml(root / f"settings/{name}.yaml", {"model": name, "seed": 1})


def refresh(root: Path) -> None:
    config = settings()
    reports = root / "reports"
    compare(
        list(config.results),
        evaluations=reports / "evaluate",
        inferences=reports / "infer",
        trainings=reports / "train",
        out=reports / "compare",
        settings=config.compare,
        dataset=config.dataset,
        seed=1,
    )


def settings(**changes: object) -> Config:
    """The repository's params.yaml with three results and two budgets."""
    models = {name: {**PARAMS["models"][name], "budgets": {}} for name in ("cnn", "cnn_augmented", "vgg16")}
    models["vgg16"]["network"] = network("vgg16", weights="none")
    params = {
        **PARAMS,
        "dataset": "fer2013",
        "budget": "full",
        "results": RESULTS,
        "models": models,
        "tune": {**PARAMS["tune"], "models": {}},
        "budgets": {
            "full": {**BUDGET, "description": "all of it"},
            "short": {**BUDGET, "description": "minutes"},
        },
    }
    return parse_config(yaml.safe_dump({**params, **changes}))


def write(root: Path, votes: Path | None = None, **changes: object) -> str:
    """Record the reports of a project, and return its page."""
    folder = root / "docs/results/fer2013"
    collect(root, settings(**changes), folder, votes)
    return results_page(folder).read_text(encoding="utf-8")


def cells(text: str, model: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if re.match(rf"\| {re.escape(model)} +\|", line)]
    return re.split(r" +\| +", line.strip("| "))
