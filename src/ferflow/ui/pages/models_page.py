"""docs/models.md: a table of the models in params.yaml."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import keras

from ferflow.base.files import read_json, write_text
from ferflow.reporting.text import listed, markdown_table
from ferflow.settings import Model
from ferflow.train.architectures import build_network, find_architecture
from ferflow.train.costs import count_macs

HEADER = ("model", "architecture", "description", "source", "input", "parameters", "MACs", "seconds per epoch")
_LEFT = 5  # columns of text, which are aligned left
_PAPER = re.compile(r"[A-Z]\w+(?: &\s+[A-Z]\w+|\s+et\s+al\.)?\s+(?:19|20)\d\d")


def models_page(page: Path, models: Mapping[str, Model], side: int, classes: int, bench: Path) -> None:
    """Write the page.

    Args:
        page: File to write.
        models: Blocks of `models:` in params.yaml, by name.
        side: Side of the images in pixels.
        classes: Number of classes.
        bench: reports/bench/train.json, the source of the seconds per epoch. If it is missing, the table has no such
            column.

    Raises:
        ConfigError: Architecture or options of a block are invalid.
        ModelError: A network cannot be built.
    """
    measured = read_json(bench)["seconds_an_epoch"] if bench.is_file() else {}
    parts = [
        "# Models",
        "<!-- `make models` writes this page from params.yaml and the networks. -->",
        f"These are the blocks of `models:` in params.yaml, as the `full` budget trains them on {side}x{side} images "
        f"of {classes} classes. An architecture is a module in src/ferflow/models; its docstring describes it, and "
        "[CONTRIBUTING.md](../CONTRIBUTING.md) describes how to add one. [Results](results) has the accuracies.",
        models_table(models, side, classes, measured.get("models")),
    ]
    if measured:
        parts.append(
            f"An epoch has {measured['images']:,} images. Its time is that of the training steps alone on two cores "
            f"({measured['processor']}), measured by `make bench`."
        )
    parts.append("A MAC is one multiplication and addition in a convolution or dense layer, for one image.")
    transfer = [f"`{name}`" for name, model in models.items() if _has_pretrained(find_architecture(model.architecture))]
    if transfer:
        parts.append(
            f"ImageNet weights exist for {listed(transfer)}: `weights: imagenet` downloads them, "
            "`weights: path/to/file` reads them from a file, and `weights: none` starts from random ones. With "
            "pretrained weights, the head is trained first (`head_epochs`), and then also the upper part of the base "
            "(`unfreeze_from`) at a lower learning rate (`fine_tune_rate`), with its batch normalization frozen."
        )
    write_text(page, "\n\n".join(parts) + "\n")


def models_table(
    models: Mapping[str, Model], side: int, classes: int, seconds: Mapping[str, float] | None = None
) -> str:
    """Return a Markdown table with one row per model, in the given order.

    Args:
        models: Blocks of `models:` in params.yaml, by name. Networks are built with random weights, so that nothing is
            downloaded.
        side: Side of the images in pixels.
        classes: Number of classes.
        seconds: Measured seconds per epoch, by model. Defaults to none, which leaves the column out.

    Raises:
        ConfigError: Architecture or options of a block are invalid.
        ModelError: A network cannot be built.
    """
    rows = []
    for name, block in models.items():
        module = find_architecture(block.architecture)
        changes = {"weights": "none"} if _has_pretrained(module) else {}
        model = build_network(block.architecture, {**block.network, **changes}, side, classes, name)
        row = [f"`{name}`", f"`{block.architecture}`", block.description, paper(module), _input(model)]
        row += [f"{model.count_params():,}", f"{count_macs(model) / 1e6:,.1f} M"]
        if seconds:
            row.append(f"{seconds[name]:.0f}" if name in seconds else "")
        rows.append(row)
    return markdown_table(HEADER if seconds else HEADER[:-1], rows, left=_LEFT)


def paper(module: ModuleType) -> str:
    """Return the first paper in an architecture's docstring, such as "He et al. 2016"; empty if there is none."""
    found = _PAPER.search(module.__doc__ or "")
    return " ".join(found.group().split()) if found else ""


def _has_pretrained(module: ModuleType) -> bool:
    return hasattr(module, "freeze")


def _input(model: keras.Model) -> str:
    """Return the side of the image and, if the network enlarges it, the side of its base's input."""
    side = model.input_shape[1]
    inner = next((layer.input_shape[1] for layer in model.layers if isinstance(layer, keras.Model)), side)
    return f"{side}x{side}" + (f", enlarged to {inner}x{inner}" if inner != side else "")
