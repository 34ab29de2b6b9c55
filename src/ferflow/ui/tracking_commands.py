"""The commands around MLflow: `ferflow track`, `tidy`, `ui`, `promote`, `rollback`, `reproduce`."""

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ferflow.base.errors import ConfigError, TrackingError
from ferflow.base.explain import did_you_mean
from ferflow.settings import Config, load_config
from ferflow.ui.params_file import PARAMS

if TYPE_CHECKING:
    from ferflow.ui.tracking import Store


def add_track(update: argparse.ArgumentParser) -> None:
    """Describe `ferflow track`."""
    update.set_defaults(command=lambda _arguments: track(load_config(PARAMS)))


def add_tidy(tidy: argparse.ArgumentParser) -> None:
    """Describe `ferflow tidy`."""
    tidy.add_argument("--yes", action="store_true", help="delete them")
    tidy.set_defaults(command=_tidy)


def add_ui(ui: argparse.ArgumentParser) -> None:
    """Describe `ferflow ui`."""
    ui.add_argument("--port", type=int, default=5000, help="port of the server, default 5000")
    ui.add_argument("--no-browser", action="store_true", help="only print the address")
    ui.set_defaults(command=_ui)


def add_promote(promote: argparse.ArgumentParser) -> None:
    """Describe `ferflow promote`."""
    promote.add_argument("version", help="number of the version, such as 3")
    promote.add_argument("--force", action="store_true", help="even if the version failed a gate")
    _add_dataset(promote)
    promote.set_defaults(command=_promote)


def add_rollback(rollback: argparse.ArgumentParser) -> None:
    """Describe `ferflow rollback`."""
    _add_dataset(rollback)
    rollback.set_defaults(command=_rollback)


def add_reproduce(reproduce: argparse.ArgumentParser) -> None:
    """Describe `ferflow reproduce`."""
    reproduce.add_argument("uri", help="such as models:/ferflow-fer2013/3 or models:/ferflow-fer2013@champion")
    reproduce.add_argument("--into", type=Path, help="folder to create; default: reproduced/<name>-<version>")
    reproduce.add_argument("--run", action="store_true", help="train it again and compare the weights")
    reproduce.set_defaults(command=_reproduce)


def _add_dataset(command: argparse.ArgumentParser) -> None:
    command.add_argument("--dataset", help="an entry of `datasets`; default: the selected one")


def track(config: Config) -> None:
    """Bring MLflow up to date, and print what was added.

    Raises:
        TrackingError: There is no dvc.lock, or the store cannot be used.
    """
    from ferflow.ui.tracking import sync

    print(sync(Path(), _uri(), dataset=config.dataset, budget=config.budget), flush=True)


def warn_of_unusable_store() -> None:
    """Print a warning if MLflow does not support the address that is set, before hours of work and not after them."""
    from ferflow.ui.tracking import check_uri

    try:
        check_uri(_uri())
    except TrackingError as error:
        print(f"warning: {error}\nThe pipeline runs, but MLflow shows nothing of it.", file=sys.stderr, flush=True)


def _uri() -> str:
    from ferflow.ui.tracking import DEFAULT_URI

    return os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI


def _store() -> "Store":
    from ferflow.ui.tracking import connect

    return connect(_uri(), Path())


def _tidy(arguments: argparse.Namespace) -> None:
    from ferflow.ui.tracking import read_lock

    leftovers = read_lock(Path()).leftovers
    for path in leftovers:
        print(path)
        if arguments.yes and Path(path).is_dir() and not Path(path).is_symlink():
            shutil.rmtree(path)
        elif arguments.yes:
            Path(path).unlink()
    if not leftovers:
        print("Nothing is left of results or searches that params.yaml no longer has.")
    elif arguments.yes:
        print("Deleted. What git or DVC's cache has of them can be restored: git checkout, dvc checkout.")
    else:
        print("To delete them: ferflow tidy --yes")


def _ui(arguments: argparse.Namespace) -> None:
    from ferflow.ui.tracking.mlflow_page import show

    config = load_config(PARAMS)
    if Path("dvc.lock").is_file():
        track(config)
    store = _store()
    show(store, store.experiment(config.dataset), arguments.port, browser=not arguments.no_browser)


def _registered_model(arguments: argparse.Namespace) -> tuple[str, str]:
    """Return the name of the registered model of a dataset and the champion's alias.

    Raises:
        ConfigError: params.yaml has no such dataset.
    """
    config = load_config(PARAMS)
    dataset = arguments.dataset or config.dataset
    if dataset not in config.datasets:
        hint = did_you_mean(dataset, config.datasets)
        raise ConfigError(f"--dataset: {dataset!r} is unknown.{hint} Allowed: {', '.join(config.datasets)}.")
    return config.promotion.registered_name(dataset), config.promotion.alias


def _promote(arguments: argparse.Namespace) -> None:
    from ferflow.ui.tracking import promote

    name, alias = _registered_model(arguments)
    print(promote(_store(), name, alias, arguments.version, force=arguments.force))


def _rollback(arguments: argparse.Namespace) -> None:
    from ferflow.ui.tracking import rollback

    name, alias = _registered_model(arguments)
    print(rollback(_store(), name, alias))


def _reproduce(arguments: argparse.Namespace) -> None:
    from ferflow.ui.tracking.reproduce import command, read_origin, restore, train_again

    store = _store()
    origin = read_origin(store, arguments.uri)
    folder = arguments.into or Path("reproduced") / f"{origin.name}-{origin.version}"
    for line in restore(store, Path(), origin, folder):
        print(line, flush=True)
    if arguments.run:
        print(train_again(origin, folder))
    else:
        print(f"It would run: cd {folder} && dvc {' '.join(command(origin))}\nTo run it and compare: add --run.")
