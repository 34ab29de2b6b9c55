"""From the reports of the pipeline to the records of docs/results/<dataset>/."""

import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from ferflow.base.contracts import CleanSummary, PrepareSummary, read_contract
from ferflow.base.dotted import merge
from ferflow.base.errors import DataError
from ferflow.base.files import read_json, reading, require
from ferflow.base.hashing import sha256
from ferflow.reporting.result_contracts import Champion, Metrics
from ferflow.settings import Config
from ferflow.ui.results.images import add_votes, image_table, write_images
from ferflow.ui.results.predictions import keep_predictions
from ferflow.ui.results.records import AS_PUBLISHED, ResultRecord, RunRecord, TrainingLog, write_result, write_run


def collect(root: Path, config: Config, folder: Path, votes: Path | None = None) -> Path:
    """Record the results of the pipeline.

    Args:
        root: Project root, with reports/, settings/, logs/ and data/.
        config: params.yaml: the dataset, the budget and the results.
        folder: docs/results/<dataset>, which gets or keeps images.parquet and a folder for this run. Records of other
            results in it are kept.
        votes: CSV with the votes of the annotators by `path`, or None.

    Returns:
        The folder of the run: the budget's name, with AS_PUBLISHED if the protocol leaks.

    Raises:
        DataError: A report is missing, or is about another dataset or other results than `config`, or the records are
            about other images.
    """
    board, champion = _read_comparison(root / "reports/compare", config)
    receipt: dict[str, Any] = read_json(require(root / "reports/download/receipt.json", "download"))
    leaks = leaks_of(config)
    about = RunRecord(
        dataset=config.dataset,
        budget=config.budget,
        description=config.budgets[config.budget].description,
        leaks=leaks,
        views=config.infer.views,
        confidence=config.evaluate.confidence,
        classes=tuple(champion.sets["validation"].per_class),
        images={name: block.images for name, block in champion.sets.items()},
        origin=receipt["origin"],
        source=receipt["source"],
        archive_sha256=receipt["sha256"],
        data=tuple(_data(root)),
    )
    table = image_table(root)
    images = write_images(folder, table if votes is None else add_votes(table, votes))
    run = folder / f"{config.budget}{AS_PUBLISHED if leaks else ''}"
    write_run(run, about)
    commit = _commit(root)
    for row in board.to_dict("records"):
        name = str(row.pop("model"))
        row.pop("rank")
        metrics = read_contract(root / f"reports/evaluate/{name}/metrics.json", Metrics, f"evaluate@{name}")
        predictions = keep_predictions(root / "reports/infer" / name, images, run / f"{name}.parquet")
        result = config.results[name]
        record = ResultRecord(
            result=name,
            model=result.model,
            repeat=result.repeat,
            weights=_weights(config, result.model),
            commit=commit,
            board={str(key): value for key, value in row.items()},
            log=_read_log(root, name),
            settings=yaml.safe_load(require(root / f"settings/{name}.yaml", f"settings@{name}").read_text("utf-8")),
            predictions=predictions,
            corruptions=metrics.sets["test"].robustness,
            views={name: block.by_views for name, block in metrics.sets.items() if block.by_views} or None,
        )
        write_result(run, record)
    return run


def leaks_of(config: Config) -> str:
    """Return how the protocol lets test images decide or teach, as a sentence without a capital; empty if it does not.

    Args:
        config: params.yaml.
    """
    found = []
    if config.clean.leaked_copies == "keep":
        found.append("the training images include copies of test images")
    if config.prepare.validation_subset is not None:
        found.append(f"epochs are chosen on {config.prepare.validation_subset}, and all training images train")
    return "; ".join(found)


def _read_comparison(folder: Path, config: Config) -> tuple[pd.DataFrame, Champion]:
    champion = read_contract(folder / "champion.json", Champion, "compare")
    with reading(folder / "leaderboard.csv", "compare") as path:
        board = pd.read_csv(path)
    if champion.dataset != config.dataset or set(board["model"]) != set(config.results):
        raise DataError(
            f"{folder} is about {', '.join(board['model'])} on {champion.dataset}, but params.yaml asks for "
            f"{', '.join(config.results)} on {config.dataset}. Bring it up to date: dvc repro."
        )
    return board, champion


def _read_log(root: Path, name: str) -> TrainingLog | None:
    """Return the log of a training, or None if it belongs to another training than the reports."""
    log, history = root / f"logs/train/{name}.json", root / f"reports/train/{name}/history.csv"
    if not log.is_file() or not history.is_file():
        return None
    content: dict[str, Any] = read_json(log)
    if content["history_sha256"] != sha256(history):
        return None
    return TrainingLog.model_validate({key: content[key] for key in TrainingLog.model_fields})


def _weights(config: Config, name: str) -> str:
    """Return the initial weights of a transfer model; empty for a network without pretrained weights."""
    model = config.models[name]
    overrides = model.budgets.get(config.budget)
    weights = merge(model.network, overrides.network if overrides else {}).get("weights", "")
    return Path(str(weights)).name


def _commit(root: Path) -> str:
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _data(root: Path) -> list[str]:
    clean = read_contract(root / "reports/clean/summary.json", CleanSummary, "clean")
    prepare = read_contract(root / "reports/prepare/summary.json", PrepareSummary, "prepare")
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in clean.dropped_by_reason.items())
    copies, leaks = clean.duplicates, clean.leakage
    # The two test sets of FER-2013 are counted only if names or a Usage column distinguish them.
    by_set = {"private test": leaks.private_test, "public test": leaks.public_test}
    parts = ", ".join(f"{count:,} {name}" for name, count in by_set.items() if count)
    return [
        f"{clean.files:,} files, {clean.kept:,} kept, {clean.dropped:,} dropped"
        + (f" ({reasons})." if reasons else "."),
        f"{copies.redundant:,} redundant copies in {copies.groups:,} groups, {copies.conflicting_groups:,} "
        f"of them with conflicting labels; {leaks.test:,} test images have a copy in the training images"
        + (f" ({parts})." if parts else "."),
        f"{len(prepare.classes)} classes ({', '.join(prepare.classes)}); "
        + ", ".join(f"{count:,} {name}" for name, count in prepare.images.items())
        + " images.",
    ]
