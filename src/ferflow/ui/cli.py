"""The command line: `ferflow run`, `check`, `track`, `results`, `models`."""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ferflow.base.errors import ConfigError, FerflowError
from ferflow.base.files import read_json, whole_file
from ferflow.settings import Config, load_config, parse_config
from ferflow.ui.console import run_command, start_keras

PARAMS = Path("params.yaml")
RECEIPT = Path("reports/download/receipt.json")


def main() -> None:
    """Run the command that the command line names, from the project's folder."""
    parser = argparse.ArgumentParser(prog="ferflow", description="Facial emotion recognition, reproducibly.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="set params, run the pipeline, bring MLflow up to date")
    run.add_argument("--dataset", help="an entry of `datasets`; stays set in params.yaml")
    run.add_argument("--budget", help="an entry of `budgets`; stays set in params.yaml")
    run.add_argument("--models", help="names of models, separated by spaces; stays set in params.yaml")
    run.add_argument("--tune", help="models to tune, separated by spaces, or `none`; stays set in params.yaml")
    run.add_argument("--archive", type=Path, help="an archive or folder to take in place of the download")
    run.add_argument("--stage", help="stop after this stage, such as clean, train or train@cnn")
    run.add_argument("--force", action="store_true", help="run every stage even where nothing has changed")
    run.set_defaults(command=_run)
    check = commands.add_parser("check", help="check params.yaml, with every model's own options")
    check.set_defaults(command=_check)
    track = commands.add_parser("track", help="rebuild in MLflow whatever it lacks of the results on disk")
    track.set_defaults(command=_track)
    results = commands.add_parser("results", help="write docs/results/<dataset>.md from the reports")
    results.set_defaults(command=_results)
    models = commands.add_parser("models", help="write docs/models.md from params.yaml and the networks")
    models.set_defaults(command=_models)
    arguments = parser.parse_args()
    run_command(lambda: arguments.command(arguments))


def _run(arguments: argparse.Namespace) -> None:
    changes: dict[str, Any] = {}
    if arguments.dataset:
        changes["dataset"] = arguments.dataset
    if arguments.budget:
        changes["budget"] = arguments.budget
    if arguments.models:
        changes["enabled"] = arguments.models.split()
        # What was tuned and is not trained now goes with it, unless --tune says otherwise.
        changes["tune.models"] = [name for name in load_config(PARAMS).tune.models if name in changes["enabled"]]
    if arguments.tune:
        changes["tune.models"] = [] if arguments.tune == "none" else arguments.tune.split()
    config = set_params(PARAMS, changes)
    print(f"dataset {config.dataset}, budget {config.budget}, models {' '.join(config.results)}", flush=True)
    _check_apart()  # now, not hours later when a model's stage is reached
    if arguments.archive:
        _take_archive(config, arguments.archive)
    _dvc("repro", *(["--force"] if arguments.force else []), *([arguments.stage] if arguments.stage else []))
    if not arguments.stage:
        _track(arguments)
        print(Path("reports/compare/leaderboard.md").read_text(encoding="utf-8"))
        print("Next: `make ui` shows every run; reports/eda/index.html shows the data.")


def _check(_arguments: argparse.Namespace) -> None:
    config = load_config(PARAMS)
    _check_networks(config)
    print(f"{PARAMS} is right: {len(config.models)} models, {len(config.datasets)} datasets.")


def _check_apart() -> None:
    """Run `ferflow check` as a process of its own, so that keras does not fill this one's memory for hours."""
    status = subprocess.run([sys.executable, "-m", "ferflow.ui.cli", "check"], stdout=subprocess.DEVNULL, check=False)
    if status.returncode:
        raise SystemExit(status.returncode)  # its message stands above


def _check_networks(config: Config) -> None:
    """Check each model's own options, and with them both ends of every range that is searched.

    Raises:
        ConfigError: an option is not allowed, or a model has no module.
    """
    start_keras()
    from ferflow.train.architectures import check_options

    for name in config.models:
        check_options(name, config.resolve(name).network)
    if config.tune.models:
        from ferflow.tune import corners

        for name in config.tune.models:
            for corner in corners(config.tune.space):
                check_options(name, config.resolve(name, corner).network)


def _track(_arguments: argparse.Namespace) -> None:
    from ferflow.ui.tracking import DEFAULT_URI, sync

    config = load_config(PARAMS)
    uri = os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI
    print(sync(Path(), uri, dataset=config.dataset, budget=config.budget))


def _results(_arguments: argparse.Namespace) -> None:
    from ferflow.ui.pages.results_page import results_page

    config = load_config(PARAMS)
    page = Path("docs/results") / f"{config.dataset}.md"
    results_page(Path(), config, page)
    print(f"wrote {page}")


def _models(_arguments: argparse.Namespace) -> None:
    start_keras()
    from ferflow.ui.pages.models_page import models_page

    page = Path("docs/models.md")
    models_page(page, load_config(PARAMS).models, side=48, classes=7, bench=Path("reports/bench/train.json"))
    print(f"wrote {page}")


def set_params(path: Path, changes: dict[str, Any]) -> Config:
    """Set keys (dotted) of params.yaml, keeping comments and order, and return the config that results.

    The file is written only where a value differs and the result is right.

    Raises:
        ConfigError: a value is not allowed; the file is left as it was.
    """
    config = load_config(path)
    editor = YAML()
    editor.width = 4096
    editor.preserve_quotes = True
    editor.indent(mapping=2, sequence=4, offset=2)
    with path.open(encoding="utf-8") as handle:
        content = editor.load(handle)
    changed = []
    for key, value in changes.items():
        *sections, last = key.split(".")
        place = content
        for section in sections:
            place = place.get(section)
            if place is None:
                raise ConfigError(f"{path}: {key} cannot be set, since there is no section {section!r}.")
        if place.get(last) != value:
            changed.append(f"{key}: {_short(place.get(last))} -> {_short(value)}")
            if isinstance(value, list) and isinstance(place.get(last), list):
                if not place[last]:
                    place[last].fa.set_flow_style()  # an empty list tells no way to write it
                place[last][:] = value  # keeps the way the list is written
            else:
                place[last] = value
    if not changed:
        return config
    with whole_file(path) as temporary:
        with temporary.open("w", encoding="utf-8") as handle:
            editor.dump(content, handle)
        config = parse_config(temporary.read_text(encoding="utf-8"), str(path))
    print(f"{path} now says " + "; ".join(changed), flush=True)
    return config


def _short(value: Any) -> str:
    return " ".join(value) or "none" if isinstance(value, list) else str(value)


def _take_archive(config: Config, archive: Path) -> None:
    """Run the download stage on `archive`, unless what it holds is already the raw data."""
    from ferflow.download import fingerprint

    receipt = read_json(RECEIPT) if RECEIPT.is_file() else {}
    same = receipt.get("dataset") == config.dataset and receipt.get("sha256") == fingerprint(archive)
    os.environ["FERFLOW_ARCHIVE"] = str(archive.resolve())
    if not same or not Path("data/raw").is_dir():
        _dvc("repro", "--force", "--single-item", "download")


def _dvc(*arguments: str) -> None:
    """Run dvc with this environment's Python first on the path, since stages are started as `python`."""
    folder = Path(sys.executable).parent
    path = f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"
    command: Sequence[str] = [str(folder / "dvc"), *arguments]
    status = subprocess.run(command, env={**os.environ, "PATH": path}, check=False).returncode
    if status:
        raise FerflowError(f"dvc {' '.join(arguments)} ended with status {status}; its message stands above.")


if __name__ == "__main__":
    main()
