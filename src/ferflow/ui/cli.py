"""The command line: `ferflow run`, `check`, `track`, `ui`, `promote`, `results`, `models`, `ablate` and more."""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from ferflow.base.dotted import merge
from ferflow.base.errors import ConfigError, FerflowError
from ferflow.base.explain import did_you_mean
from ferflow.base.files import read_json, whole_file
from ferflow.settings import Config, load_config, parse_config
from ferflow.settings.resolve import resolve_search
from ferflow.settings.training import NO_SEARCH
from ferflow.train.recipe import NO_TEACHER
from ferflow.ui.console import run_command, start_keras
from ferflow.ui.tracking_commands import add_tracking_commands, track, warn_of_unusable_store

PARAMS = Path("params.yaml")
RECEIPT = Path("reports/download/receipt.json")


def main() -> None:
    """Run the command that the command line names, from the project's folder."""
    parser = argparse.ArgumentParser(prog="ferflow", description="Facial emotion recognition, reproducibly.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="set params, run the pipeline, bring MLflow up to date")
    run.add_argument("--dataset", help="an entry of `datasets`; stays set in params.yaml")
    run.add_argument("--budget", help="an entry of `budgets`; stays set in params.yaml")
    run.add_argument("--backend", help="keras backend: tensorflow, jax or torch; stays set in params.yaml")
    run.add_argument("--models", help="models to train, separated by spaces; stays set in params.yaml")
    run.add_argument("--tune", help="models to tune, separated by spaces, or `none`; stays set in params.yaml")
    run.add_argument("--archive", type=Path, help="an archive or folder to use instead of the download")
    run.add_argument("--stage", help="stop after this stage, such as clean, train or train@cnn")
    run.add_argument("--force", action="store_true", help="run every stage even if nothing has changed")
    run.set_defaults(command=_run)
    check = commands.add_parser("check", help="check params.yaml, with every model's own options")
    check.set_defaults(command=_check)
    add_tracking_commands(commands)
    results = commands.add_parser("results", help="write docs/results/<dataset>.md from the reports")
    results.set_defaults(command=_results)
    models = commands.add_parser("models", help="write docs/models.md from params.yaml and the networks")
    models.set_defaults(command=_models)
    ablate = commands.add_parser("ablate", help="train variants on folds of the training images and compare them")
    ablate.add_argument("file", type=Path, help="what to compare, such as ablations/ferflow_flash.yaml")
    ablate.set_defaults(command=_ablate)
    arguments = parser.parse_args()
    run_command(lambda: arguments.command(arguments))


def _run(arguments: argparse.Namespace) -> None:
    changes: dict[str, Any] = {}
    for key in ("dataset", "budget", "backend"):
        if getattr(arguments, key):
            changes[key] = getattr(arguments, key)
    config = load_config(PARAMS)
    if arguments.models or arguments.tune:
        changes |= results_of(
            config,
            arguments.models.split() if arguments.models else None,
            None if arguments.tune is None else [] if arguments.tune == NO_SEARCH else arguments.tune.split(),
        )
    config = set_params(PARAMS, changes)
    print(f"dataset {config.dataset}, budget {config.budget}, results {' '.join(config.results)}", flush=True)
    warn_of_unusable_store()
    _check_apart()  # now, not hours later when a model's stage is reached
    if arguments.archive:
        _take_archive(config, arguments.archive)
    _dvc("repro", *(["--force"] if arguments.force else []), *([arguments.stage] if arguments.stage else []))
    if not arguments.stage:
        track(config)
        print(Path("reports/compare/leaderboard.md").read_text(encoding="utf-8"))
        print("Next: `make ui` shows every run; reports/eda/index.html shows the data.")
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


def results_of(config: Config, models: Sequence[str] | None, tuned: Sequence[str] | None) -> dict[str, Any]:
    """Return the values of `results` and `tune.models` for the models to train and to search.

    Args:
        config: params.yaml as it is.
        models: Models to train with the settings of params.yaml. None: those that are trained now.
        tuned: Models to search; each gives a further result `<model>_tuned`. None: those that are searched now, as far
            as `models` still names them.

    Raises:
        ConfigError: A model is unknown, named twice, or searched without being trained.
    """
    if models is None:
        models = [result.model for result in config.results.values() if result.search == NO_SEARCH]
    if tuned is None:
        tuned = [name for name in config.tune.models if name in models]
    for option, names, allowed in (("--models", models, list(config.models)), ("--tune", tuned, models)):
        if len(set(names)) != len(names):
            raise ConfigError(f"{option}: a model is named twice. Received: {' '.join(names)}.")
        for name in names:
            if name not in allowed:
                hint = did_you_mean(name, allowed)
                raise ConfigError(f"{option}: {name!r} is unknown.{hint} Allowed: {', '.join(allowed)}.")
    plain = {name: (name, NO_SEARCH) for name in models}
    searched = {f"{name}_tuned": (name, name) for name in tuned}
    return {
        "results": {
            result: {
                "model": name,
                "architecture": config.models[name].architecture,
                "search": search,
                "teacher": NO_TEACHER,
            }
            for result, (name, search) in (plain | searched).items()
        },
        "tune.models": {name: config.models[name].architecture for name in tuned},
    }


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


def _results(_arguments: argparse.Namespace) -> None:
    from ferflow.ui.pages.results_page import results_page

    config = load_config(PARAMS)
    page = Path("docs/results") / f"{config.dataset}.md"
    results_page(Path(), config, page)
    print(f"wrote {page}")


def _models(_arguments: argparse.Namespace) -> None:
    config = load_config(PARAMS)
    start_keras(config.backend)
    from ferflow.ui.pages.models_page import models_page

    page = Path("docs/models.md")
    models_page(page, config.models, side=config.image_size, classes=7, bench=Path("reports/bench/train.json"))
    print(f"wrote {page}")


def _ablate(arguments: argparse.Namespace) -> None:
    from ferflow.ablate.ablation_file import read_ablation

    config = load_config(PARAMS)
    read_ablation(arguments.file)  # before Keras, because its import takes seconds
    start_keras(config.backend)
    from ferflow.ablate.ablation_run import Places, run_ablation

    run_ablation(arguments.file, config)
    print(f"wrote {Places.page}")


def set_params(path: Path, changes: dict[str, Any]) -> Config:
    """Set keys (dotted) of params.yaml, keeping comments and order, and return the resulting config.

    The file is written only if a value differs and the result is valid.

    Raises:
        ConfigError: A value is not allowed; the file is left unchanged.
    """
    config = load_config(path)
    editor = YAML()
    editor.width = 4096
    editor.preserve_quotes = True
    editor.indent(mapping=2, sequence=4, offset=2)
    # ruamel would write null as nothing at all.
    null = "tag:yaml.org,2002:null"
    editor.representer.add_representer(type(None), lambda writer, _: writer.represent_scalar(null, "null"))
    with path.open(encoding="utf-8") as handle:
        content = editor.load(handle)
    changed = []
    for key, value in changes.items():
        *sections, last = key.split(".")
        section = content
        for name in sections:
            section = section.get(name)
            if section is None:
                raise ConfigError(f"{path}: {key} cannot be set because there is no section {name!r}.")
        if section.get(last) != value:
            changed.append(f"{key}: {_short(section.get(last))} -> {_short(value)}")
            if isinstance(value, dict) and isinstance(section.get(last), dict):
                _replace(section[last], value)
            else:
                section[last] = value
    if not changed:
        return config
    with whole_file(path) as temporary:
        with temporary.open("w", encoding="utf-8") as handle:
            editor.dump(content, handle)
        config = parse_config(temporary.read_text(encoding="utf-8"), str(path))
    print(f"{path} now says " + "; ".join(changed), flush=True)
    return config


def _replace(mapping: CommentedMap, value: dict[str, Any]) -> None:
    """Give a mapping of the file new entries; entries that stay keep how they are written, as does what follows."""
    # A comment or blank line after the mapping hangs on the mapping's last key: it moves to the new last key.
    trailing = mapping.ca.items.pop(next(reversed(mapping)), None) if mapping else None
    for key in [key for key in mapping if key not in value]:
        del mapping[key]
    for place, (key, item) in enumerate(value.items()):
        if mapping.get(key) == item:
            kept = mapping.pop(key)
        elif isinstance(item, dict):
            kept = CommentedMap(item)
            kept.fa.set_flow_style()
        else:
            kept = item
        mapping.insert(place, key, kept)
    if not any(isinstance(item, dict) for item in value.values()):
        mapping.fa.set_flow_style()  # an empty mapping has no style to keep
    if trailing and mapping:
        mapping.ca.items[next(reversed(mapping))] = trailing


def _short(value: Any) -> str:
    return " ".join(value) or "none" if isinstance(value, list | dict) else str(value)


def _take_archive(config: Config, archive: Path) -> None:
    """Run the download stage on `archive`, unless its content already is the raw data."""
    from ferflow.download import fingerprint

    archive = _with_home(archive)
    receipt = read_json(RECEIPT) if RECEIPT.is_file() else {}
    same = receipt.get("dataset") == config.dataset and receipt.get("sha256") == fingerprint(archive)
    os.environ["FERFLOW_ARCHIVE"] = str(archive.resolve())
    if not same or not Path("data/raw").is_dir():
        _dvc("repro", "--force", "--single-item", "download")


def _with_home(path: Path) -> Path:
    """Return a path with ~ replaced, which not every shell does in ARCHIVE=~/faces; a file that has that name wins."""
    if path.exists():
        return path
    try:
        return path.expanduser()
    except RuntimeError:  # there is no such user
        return path


def _dvc(*arguments: str) -> None:
    """Run dvc with this environment's Python first on the path, because stages are started as `python`."""
    folder = Path(sys.executable).parent
    path = f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"
    command: Sequence[str] = [str(folder / "dvc"), *arguments]
    status = subprocess.run(command, env={**os.environ, "PATH": path}, check=False).returncode
    if status:
        raise FerflowError(f"dvc {' '.join(arguments)} failed with exit status {status}; see the output above.")


if __name__ == "__main__":
    main()
