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
from ferflow.tune.crew import crew_of
from ferflow.ui.console import start_keras
from ferflow.ui.dvc_process import only_run, run_dvc
from ferflow.ui.params_file import PARAMS, results_of, set_params
from ferflow.ui.processor import LOCK, NOTE, note_processor, other_processor, processor_kind, processors_of
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
    run.add_argument(
        "--workers", type=int, metavar="N",
        help="processes that share a search's trials, which changes no result; default: $FERFLOW_TUNE_WORKERS or 1",
    )  # fmt: skip
    run.add_argument("--launcher", choices=("local", "ray"), help="what starts those workers; default: local")
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
    for variable, value in (("WORKERS", arguments.workers), ("LAUNCHER", arguments.launcher)):
        if value is not None:
            os.environ[f"FERFLOW_TUNE_{variable}"] = str(value)
    crew_of(os.environ)  # reports what is wrong with it before any work starts
    config = set_params(PARAMS, changes)
    print(f"dataset {config.dataset}, budget {config.budget}, results {' '.join(config.results)}", flush=True)
    warn_of_unusable_store()
    _check_apart()  # now, not hours later when a model's stage is reached
    if arguments.archive:
        _take_archive(config, arguments.archive)
    lock = _lock()
    try:
        run_dvc("repro", *(["--force"] if arguments.force else []), *([arguments.stage] if arguments.stage else []))
    finally:  # DVC writes dvc.lock after each stage
        note_processor(Path(), lock, processor_kind())
    if not arguments.stage:
        track(config)
        print(Path("reports/compare/leaderboard.md").read_text(encoding="utf-8"))
        print(
            "Next: `make ui` shows every run; reports/compare/index.html shows all results, reports/eda/index.html "
            "the data."
        )
        for advice in (_branch_advice(config.dataset), _processor_advice()):
            if advice:
                print(advice)


def _lock() -> bytes | None:
    path = Path(LOCK)
    return path.read_bytes() if path.is_file() else None


def _committed(path: str) -> bytes | None:
    """Return a file as the last commit has it; None if there is no git, nothing committed, or no such file."""
    try:
        done = subprocess.run(["git", "show", f"HEAD:./{path}"], capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return None if done.returncode else done.stdout


def _processor_advice() -> str:
    """Return why dvc.lock differs from the last commit's if that was made on another kind of processor, or nothing."""
    committed, kind = _committed(LOCK), processor_kind()
    made_on = processors_of(committed, _committed(NOTE))
    if committed == _lock() or made_on in ([], [kind]):
        return ""
    return (
        f"dvc.lock differs from the last commit's. {other_processor(made_on, kind)} To compare the "
        "metrics with the last commit's: ferflow verify."
    )


def _branch_advice(dataset: str) -> str:
    """Return how to keep results of another dataset than the last commit's apart, or nothing if they are not."""
    content = _committed(PARAMS.as_posix())
    if content is None:
        return ""
    try:
        committed = parse_config(content.decode()).dataset
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
