"""The command `ferflow export`."""

import argparse
from pathlib import Path

from ferflow.base.contracts import read_contract
from ferflow.base.errors import ConfigError
from ferflow.reporting.result_contracts import Champion
from ferflow.settings import load_config
from ferflow.ui.console import start_keras
from ferflow.ui.params_file import PARAMS
from ferflow.use.card_file import CARD


def add_export(parser: argparse.ArgumentParser) -> None:
    """Describe `ferflow export`."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--model", metavar="RESULT", help="a result of params.yaml (default: the champion)")
    which.add_argument("--checkpoint", type=Path, metavar="FILE", help="a Keras file trained on the prepared data")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument(
        "--views",
        choices=("single", "flip"),
        help="what an answer is the mean of: the face, or the face and its mirror image, which takes twice the time "
        "(default: as infer.views)",
    )
    parser.set_defaults(command=_export)


def _export(arguments: argparse.Namespace) -> None:
    config = load_config(PARAMS)
    _check_folder(arguments.out)
    if arguments.model:
        config.result(arguments.model)
    checkpoint: Path | None = arguments.checkpoint
    name = checkpoint.stem if checkpoint else arguments.model or _champion()
    network = checkpoint or Path("models") / name / "model.keras"
    start_keras(config.backend)  # before anything that imports Keras
    from ferflow.export.folder import Origin, export, served_views

    card = export(
        Origin(name=name, network=network, dataset=config.dataset, licence=config.dataset_entry.licence),
        data=Path("data/prepare"),
        out=arguments.out,
        views=arguments.views or served_views(config.infer.views),
        confidence=config.evaluate.confidence,
        settings=config.export,
    )
    for file, entry in card.files.items():
        accuracy, size = entry.sets["test"].accuracy, entry.bytes / 1e6
        print(f"{arguments.out / file}: {size:.2f} MB, test accuracy {100 * accuracy:.1f} %")
    for file, reason in card.left_out.items():
        print(f"no {file}: {reason}")
    print(f"Use it: ferflow predict PHOTO --model {arguments.out}")


def _champion() -> str:
    return read_contract(Path("reports/compare/champion.json"), Champion, "compare").model


def _check_folder(out: Path) -> None:
    """Refuse a folder that holds something else, since the old one is replaced."""
    if out.is_dir() and any(out.iterdir()) and not (out / CARD).is_file():
        raise ConfigError(
            f"{out} holds other files, which an export would delete. Name a new folder, or one that `ferflow export` "
            "wrote: --out DIR."
        )
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out must be a folder. Received a file: {out}.")
