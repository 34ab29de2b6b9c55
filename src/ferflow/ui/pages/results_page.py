"""docs/results/<dataset>.md: the results for people, made from what the pipeline left on disk."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from pydantic import TypeAdapter, ValidationError

from ferflow.base.errors import DataError
from ferflow.base.files import read_json, write_text
from ferflow.base.hashing import sha256
from ferflow.base.section import Probability, Section
from ferflow.compare.words import DASH, board_rows, markdown_table, percent, set_words, shown_sets
from ferflow.settings import Config

NOTES_START, NOTES_END = "<!-- notes -->", "<!-- /notes -->"
_NOTES = re.compile(f"{NOTES_START}\n(.*?){NOTES_END}", re.DOTALL)
_BUDGET = re.compile(r"<!-- budget (?P<name>\S+) -->\n.*?<!-- /budget (?P=name) -->", re.DOTALL)
_MADE = "<!-- Made by `make results`. Write by hand only between the notes markers; the rest is made anew. -->"


class Claim(Section):
    """What others reached, as they say.

    Attributes:
        what: the network.
        split: the set of images.
        accuracy: a share.
        source: who says so.
    """

    what: str
    split: str
    accuracy: Probability
    source: str


def results_page(root: Path, config: Config, page: Path) -> None:
    """Write the page of one dataset's results.

    It has a section for each budget that was ever written; only that of `config` is made anew.

    Args:
        root: the project's folder, with reports/ and logs/.
        config: names the dataset, the budget and the results.
        page: the file to write. What stands in it between the notes markers, and of other budgets, is kept;
            `published.yaml` beside it holds the claims of others: dataset -> list of Claim.

    Raises:
        DataError: a report is missing, is about another dataset or other models than `config`, or published.yaml is
            not what it must be.
    """
    board, best = _read_comparison(root / "reports/compare", config)
    logs = {str(name): _read_log(root, str(name)) for name in board["model"]}
    receipt = _read(root / "reports/download/receipt.json", "download")
    budget = [
        f"<!-- budget {config.budget} -->",
        f"## Budget `{config.budget}`: {config.budgets[config.budget].description}",
        best["reason"],
        _results(board, best, logs, config),
        _commands(config, receipt),
        _machines(logs),
        f"<!-- /budget {config.budget} -->",
    ]
    before = page.read_text(encoding="utf-8") if page.is_file() else ""
    budgets = {found["name"]: found[0] for found in _BUDGET.finditer(before)}
    budgets[config.budget] = "\n\n".join(budget)
    sections = [
        f"# Results on {config.dataset}",
        _MADE,
        *budgets.values(),
        _published(page.parent / "published.yaml", config.dataset),
        f"## Notes\n\n{NOTES_START}\n{_notes(page, before)}{NOTES_END}",
        _data(root, receipt),
    ]
    write_text(page, "\n\n".join(section for section in sections if section) + "\n")


def _read_comparison(folder: Path, config: Config) -> tuple[pd.DataFrame, dict[str, Any]]:
    best = _read(folder / "champion.json", "compare")
    board = pd.read_csv(folder / "leaderboard.csv")
    if best["dataset"] != config.dataset or set(board["model"]) != set(config.results):
        raise DataError(
            f"{folder} is about {', '.join(board['model'])} on {best['dataset']}, but params.yaml asks for "
            f"{', '.join(config.results)} on {config.dataset}. Bring it up to date: dvc repro."
        )
    return board, best


def _read(path: Path, stage: str) -> dict[str, Any]:
    if not path.is_file():
        raise DataError(f"{path} is missing. Run the stage that makes it: dvc repro {stage}.")
    content: dict[str, Any] = read_json(path)
    return content


def _read_log(root: Path, name: str) -> dict[str, Any] | None:
    """Return the log of a training if it is of the very training that the reports are about."""
    log, history = root / f"logs/train/{name}.json", root / f"reports/train/{name}/history.csv"
    if not log.is_file() or not history.is_file():
        return None
    content: dict[str, Any] = read_json(log)
    return content if content["history_sha256"] == sha256(history) else None


def _notes(page: Path, before: str) -> str:
    if not before:
        return ""
    kept = _NOTES.search(before)
    if kept is None:
        raise DataError(
            f"{page} has lost its markers {NOTES_START} and {NOTES_END}, so what is written by hand cannot be told "
            "from the rest. Put them back around it, or delete the file."
        )
    return kept[1]


def _results(board: pd.DataFrame, best: dict[str, Any], logs: dict[str, dict[str, Any] | None], config: Config) -> str:
    sets = shown_sets(board)
    header, rows = board_rows(board, sets)
    header.append("minutes")
    for row in rows:
        log = logs[row[0]]
        row[0] += _weights(row[0], config)
        row.append(DASH if log is None else f"{log['seconds'] / 60:.1f}")
    images = ", ".join(f"{best[name]['images']:,} {set_words(name)}" for name in sets)
    views = {"single": "each image as it is", "flip": "the mean over each image and its mirror image"}
    seen = views.get(config.evaluate.views, "the mean over ten crops of each image")
    table = markdown_table(header, rows)
    return (
        f"{table}\n\nAccuracy in percent with its {100 * config.evaluate.confidence:g} % interval; answers are {seen}. "
        f"Images: {images}. Minutes are of training with its validation; {DASH} where this "
        "machine did not train the model. Validation chose epochs and ranking; the test sets decided nothing."
    )


def _weights(result: str, config: Config) -> str:
    """Say what a transfer model began with; empty for a network that has no pretrained weights."""
    weights = config.resolve(result.removesuffix("_tuned")).network.get("weights")
    words = {None: "", "none": " (random weights)", "imagenet": " (ImageNet weights)"}
    return words.get(weights, f" (weights of {weights})")


def _published(path: Path, dataset: str) -> str:
    if not path.is_file():
        return ""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        claims = TypeAdapter(dict[str, tuple[Claim, ...]]).validate_python(content, strict=False)
    except (yaml.YAMLError, ValidationError) as error:
        raise DataError(f"{path} must map datasets to lists of what, split, accuracy, source: {error}") from None
    if not claims.get(dataset):
        return ""
    rows = [[claim.what, percent(claim.accuracy), claim.split, claim.source] for claim in claims[dataset]]
    return "## What others claim\n\n" + markdown_table(["network", "accuracy", "split", "source"], rows)


def _commands(config: Config, receipt: dict[str, Any]) -> str:
    words = [f"DATASET={config.dataset}", f"BUDGET={config.budget}", f'MODELS="{" ".join(config.enabled)}"']
    words.append(f'TUNE="{" ".join(config.tune.models) or "none"}"')
    if receipt["source"] in ("archive", "folder"):
        words.append(f'ARCHIVE="{receipt["origin"]}"')
    return f"### How to get these numbers again\n\n```sh\nmake repro {' '.join(words)}\nmake results\n```"


def _data(root: Path, receipt: dict[str, Any]) -> str:
    clean = _read(root / "reports/clean/summary.json", "clean")
    prepare = _read(root / "reports/prepare/summary.json", "prepare")
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in clean["dropped_by_reason"].items())
    copies = clean["duplicates"]
    leaks = clean["leakage"]
    # FER-2013's two test sets, where names or a Usage column told them apart.
    parts = ", ".join(f"{leaks[n]:,} {n.replace('_', ' ')}" for n in leaks if n.endswith("_test") and leaks[n])
    lines = [
        f"{receipt['origin']} ({receipt['source']}), SHA-256 `{receipt['sha256']}`.",
        f"{clean['files']:,} files, {clean['kept']:,} kept, {clean['dropped']:,} dropped"
        + (f" ({reasons})." if reasons else "."),
        f"{copies['redundant']:,} redundant copies in {copies['groups']:,} groups, {copies['conflicting_groups']:,} "
        f"of them with conflicting labels; {leaks['test']:,} test images have a copy in the training images"
        + (f" ({parts})." if parts else "."),
        f"{len(prepare['classes'])} classes ({', '.join(prepare['classes'])}); "
        + ", ".join(f"{count:,} {name}" for name, count in prepare["images"].items())
        + " images.",
    ]
    return "## The data\n\n" + "\n".join(f"- {line}" for line in lines)


def _machines(logs: dict[str, dict[str, Any] | None]) -> str:
    """Tell what trained which model, one line for each machine and set of versions."""
    groups: dict[str, list[str]] = {}
    for name, log in logs.items():
        if log is None:
            text = "not recorded on this machine"
        else:
            versions = ", ".join(f"{package} {number}" for package, number in log["versions"].items())
            text = f"{log['cpu']}, {log['cores']} cores; backend {log['backend']}; {versions}"
        groups.setdefault(text, []).append(name)
    return "### The machine\n\n" + "\n".join(f"- {', '.join(_ticked(names))}: {text}" for text, names in groups.items())


def _ticked(names: Sequence[str]) -> list[str]:
    return [f"`{name}`" for name in names]
