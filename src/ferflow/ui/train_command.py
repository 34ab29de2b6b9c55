"""`ferflow train`: one training without DVC, for those who come from scripts; the pipeline trains by `ferflow run`."""

import argparse
from pathlib import Path
from typing import Any

import yaml

from ferflow.base.arrays import SPLITS
from ferflow.base.errors import ConfigError, DataError
from ferflow.base.explain import did_you_mean
from ferflow.base.files import read_json, write_yaml
from ferflow.base.hashing import digest_of
from ferflow.settings import Config, load_config
from ferflow.settings.resolve import resolve_result
from ferflow.settings.training import NO_SEARCH, Result
from ferflow.train.recipe import NO_TEACHER, ResultSettings
from ferflow.ui.console import start_keras
from ferflow.ui.params_file import PARAMS
from ferflow.ui.twins import NONE

DATA = Path("data/prepare")


def add_train(parser: argparse.ArgumentParser) -> None:
    """Describe `ferflow train`."""
    parser.epilog = (
        "The settings are those of params.yaml under its budget, with --epochs and --set on top. Nothing enters the "
        "pipeline, its reports or MLflow. An interrupted training resumes when the same command runs again."
    )
    parser.add_argument("--model", required=True, help="an entry of `models` in params.yaml, such as cnn")
    parser.add_argument("--epochs", type=int, help="maximum number of epochs; default: as in params.yaml")
    parser.add_argument("--data", type=Path, default=DATA, help="folder that prepare wrote; default: data/prepare")
    parser.add_argument("--out", type=Path, help="folder for the results; default: trained/<model>")
    parser.add_argument(
        "--set", dest="changes", action="append", default=[], metavar="KEY=VALUE",
        help="another setting, such as train.learning_rate=0.001 or network.dropout=0.3; can be repeated",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, help="default: as in params.yaml")
    parser.add_argument("--force", action="store_true", help="train again where --out holds a finished training")
    parser.set_defaults(command=_train)


def _train(arguments: argparse.Namespace) -> None:
    config = load_config(PARAMS)
    changes = changes_of(arguments.changes, arguments.epochs)
    settings = settings_of(config, arguments.model, changes, arguments.seed)
    _check_data(arguments.data)
    out = arguments.out or Path("trained") / arguments.model
    _check_out(out, arguments.force)
    start_keras(config.backend)
    from ferflow.train.training_run import train_result

    written = out / "settings.yaml"
    write_yaml(written, settings.model_dump(mode="json"))
    train_result(
        settings,
        written,
        data=arguments.data,
        teachers=Path("reports/teach"),
        model=out,
        report=out,
        log=out / "training.json",
        checkpoints=Path("checkpoints/scripts")
        / digest_of([str(out.resolve()), settings.model_dump(mode="json")])[:16],
        twins=NONE,
        stage=None,
        tracking_uri=None,
    )
    summary = read_json(out / "summary.json")
    best = summary["best"]
    print(
        f"{arguments.model}: validation accuracy {100 * best['val_accuracy']:.1f} % in epoch "
        f"{summary['best_epoch']} of {summary['epochs_run']}; wrote {out}"
    )
    print(f"To measure it: ferflow evaluate --checkpoint {out / 'model.keras'} --data {arguments.data}")
    print(_advice(config, arguments.model, changes))


def settings_of(config: Config, model: str, changes: dict[str, Any], seed: int | None) -> ResultSettings:
    """Return the settings of one training: those of params.yaml with changes on top.

    Args:
        config: params.yaml.
        model: A key of `models`.
        changes: Values by dotted key, such as {"train.epochs": 30}.
        seed: Seed, or None for that of params.yaml.

    Raises:
        ConfigError: The model, a key or a value is not allowed, or a library is missing.
    """
    if model not in config.models:
        hint = did_you_mean(model, config.models)
        raise ConfigError(f"--model: {model!r} is unknown.{hint} Allowed: {', '.join(config.models)}.")
    # A result of its own, whether or not params.yaml has one of this model.
    entry = Result(
        model=model, architecture=config.models[model].architecture, search=NO_SEARCH, teacher=NO_TEACHER, repeat=0
    )
    alone = config.model_copy(update={"results": {model: entry}})
    if seed is not None:
        alone = alone.model_copy(update={"seed": seed})
    return resolve_result(alone, model, changes)


def changes_of(texts: list[str], epochs: int | None) -> dict[str, Any]:
    """Return the values of `--set` by dotted key, read as YAML, and `--epochs` as one of them.

    >>> changes_of(["train.augment.flip=random", "network.dropout=0.5"], 3)
    {'train.augment.flip': 'random', 'network.dropout': 0.5, 'train.epochs': 3}

    Raises:
        ConfigError: A text is not KEY=VALUE, or the key belongs neither to the network nor to the training.
    """
    changes: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or key.partition(".")[0] not in ("train", "network") or not key.partition(".")[2]:
            raise ConfigError(
                f"--set takes KEY=VALUE with a key of train or network, such as train.learning_rate=0.001. "
                f"Received: {text!r}."
            )
        try:
            changes[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {key}: the value is not valid YAML: {error}. Received: {value!r}.") from None
    return changes if epochs is None else changes | {"train.epochs": epochs}


def _check_data(data: Path) -> None:
    missing = [name for name in SPLITS[:2] if not (data / f"{name}_images.npy").is_file()]
    if missing or not (data / "classes.json").is_file():
        raise DataError(
            f"{data} has no prepared images to train on. Prepare those of params.yaml: ferflow run --stage prepare; "
            "for other images: ferflow run --dataset own --archive FOLDER --stage prepare."
        )


def _check_out(out: Path, force: bool) -> None:
    if out.resolve().parent in (Path("models").resolve(), Path("reports").resolve()):
        raise ConfigError(
            f"--out: {out.parent} belongs to the pipeline. Choose another folder, such as trained/{out.name}."
        )
    if (out / "model.keras").exists() and not force:
        raise ConfigError(f"{out} holds a finished training. Choose another --out, or replace it: --force.")


def _advice(config: Config, model: str, changes: dict[str, Any]) -> str:
    """Return how the same training becomes a result of the pipeline."""
    values = "".join(f"\n  models.{model}.{key}: {value}" for key, value in changes.items())
    first = f"set in params.yaml{values}\nand run" if changes else "run"
    names = [result.model for result in config.results.values() if result.search == NO_SEARCH]
    models = " ".join(dict.fromkeys([*names, model]))
    return (
        f'To make it a result of the pipeline, with tracking and comparison, {first}: ferflow run --models "{models}"'
    )
