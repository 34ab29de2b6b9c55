"""The commands that run the pipeline or check its settings: `ferflow run` and `ferflow check`."""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ferflow.base.dotted import merge
from ferflow.base.errors import ConfigError
from ferflow.base.files import read_json
from ferflow.settings import Config, load_config, parse_config
from ferflow.settings.resolve import resolve_search
from ferflow.settings.training import NO_SEARCH
from ferflow.ui.console import start_keras
from ferflow.ui.dvc_process import only_run, run_dvc
from ferflow.ui.params_file import PARAMS, results_of, set_params
from ferflow.ui.tracking_commands import track, warn_of_unusable_store

RECEIPT = Path("reports/download/receipt.json")


def add_run(run: argparse.ArgumentParser) -> None:
    """Describe `ferflow run`."""
    run.add_argument("--dataset", help="an entry of `datasets`; stays set in params.yaml")
    run.add_argument("--budget", help="an entry of `budgets`; stays set in params.yaml")
    run.add_argument("--backend", help="keras backend: tensorflow, jax or torch; stays set in params.yaml")
    run.add_argument("--models", help="models to train, separated by spaces; stays set in params.yaml")
    run.add_argument("--tune", help="models to tune, separated by spaces, or `none`; stays set in params.yaml")
    run.add_argument(
        "--repeats", type=int, help="trainings of each model, each with another seed; stays set in params.yaml"
    )
    run.add_argument("--archive", type=Path, help="an archive or folder to use instead of the download")
    run.add_argument("--stage", help="stop after this stage, such as clean, train or train@cnn")
    run.add_argument("--force", action="store_true", help="run every stage even if nothing has changed")
    run.set_defaults(command=_run)


def add_check(check: argparse.ArgumentParser) -> None:
    """Describe `ferflow check`."""
    check.set_defaults(command=_check)


def _run(arguments: argparse.Namespace) -> None:
    with only_run():
        _run_alone(arguments)


def _run_alone(arguments: argparse.Namespace) -> None:
    changes: dict[str, Any] = {}
    for key in ("dataset", "budget", "backend"):
        if getattr(arguments, key):
            changes[key] = getattr(arguments, key)
    config = load_config(PARAMS)
    if arguments.models or arguments.tune or arguments.repeats is not None:
        changes |= results_of(
            config,
            arguments.models.split() if arguments.models else None,
            None if arguments.tune is None else [] if arguments.tune == NO_SEARCH else arguments.tune.split(),
            arguments.repeats,
        )
    config = set_params(PARAMS, changes)
    print(f"dataset {config.dataset}, budget {config.budget}, results {' '.join(config.results)}", flush=True)
    warn_of_unusable_store()
    _check_apart()  # now, not hours later when a model's stage is reached
    if arguments.archive:
        _take_archive(config, arguments.archive)
    run_dvc("repro", *(["--force"] if arguments.force else []), *([arguments.stage] if arguments.stage else []))
    if not arguments.stage:
        track(config)
        print(Path("reports/compare/leaderboard.md").read_text(encoding="utf-8"))
        print(
            "Next: `make ui` shows every run; reports/compare/index.html shows all results, reports/eda/index.html "
            "the data."
        )
        if advice := _branch_advice(config.dataset):
            print(advice)


def _branch_advice(dataset: str) -> str:
    """Return how to keep results of another dataset than the last commit's apart, or nothing if they are not."""
    command = ["git", "show", f"HEAD:./{PARAMS}"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:  # no git, or nothing committed
        return ""
    try:
        committed = parse_config(done.stdout).dataset
    except ConfigError:  # an older layout
        return ""
    if committed == dataset:
        return ""
    return (
        f"dvc.lock, params.yaml, settings/ and reports/ now describe {dataset}; the last commit has those of "
        f"{committed}. To keep both: git switch -c {dataset}, then commit. To return to {committed}: "
        "git restore . && dvc checkout."
    )


def _check(_arguments: argparse.Namespace) -> None:
    config = load_config(PARAMS)
    _check_networks(config)
    print(f"{PARAMS} is valid: {len(config.models)} models, {len(config.datasets)} datasets.")


def _check_apart() -> None:
    """Run `ferflow check` in its own process, so that Keras does not occupy this one's memory for hours."""
    status = subprocess.run([sys.executable, "-m", "ferflow.ui.cli", "check"], stdout=subprocess.DEVNULL, check=False)
    if status.returncode:
        raise SystemExit(status.returncode)  # it has printed its message


def _check_networks(config: Config) -> None:
    """Check each model's own options under the budget, and both ends of every range that is searched.

    Raises:
        ConfigError: An option is not allowed, or a model has no module.
    """
    start_keras(config.backend)
    from ferflow.train.architectures import check_options

    for name, model in config.models.items():
        special = model.budgets.get(config.budget)
        check_options(model.architecture, merge(model.network, special.network if special else {}), name)
    if config.tune.models:
        from ferflow.tune.space import corners

        for name in config.tune.models:
            search = resolve_search(config, name)
            for corner in corners(search.space):
                check_options(search.architecture, search.trial(corner).network, name)


def _take_archive(config: Config, archive: Path) -> None:
    """Run the download stage on `archive`, unless its content already is the raw data."""
    from ferflow.download import fingerprint

    archive = _with_home(archive)
    receipt = read_json(RECEIPT) if RECEIPT.is_file() else {}
    same = receipt.get("dataset") == config.dataset and receipt.get("sha256") == fingerprint(archive)
    os.environ["FERFLOW_ARCHIVE"] = str(archive.resolve())
    if not same or not Path("data/raw").is_dir():
        run_dvc("repro", "--force", "--single-item", "download")


def _with_home(path: Path) -> Path:
    """Return a path with ~ replaced, which not every shell does in ARCHIVE=~/faces; a file that has that name wins."""
    if path.exists():
        return path
    try:
        return path.expanduser()
    except RuntimeError:  # there is no such user
        return path
