"""docs/models.md: a table of the zoo."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import keras

from ferflow.base.files import read_json, write_text
from ferflow.settings import Model
from ferflow.train.architectures import build_network, find_architecture
from ferflow.train.costs import count_macs

HEAD = ("name", "what it is", "parameters", "MACs", "input", "source", "seconds an epoch")
_RIGHT = ("parameters", "MACs", "seconds an epoch")
_PAPER = re.compile(r"[A-Z]\w+(?: &\s+[A-Z]\w+|\s+et\s+al\.)?\s+(?:19|20)\d\d")


def models_page(page: Path, models: Mapping[str, Model], side: int, classes: int, bench: Path) -> None:
    """Write the page of the zoo.

    Args:
        page: the file to write.
        models: as in models_table, as are `side`, `classes` and what is raised.
        side: of the images.
        classes: how many.
        bench: reports/bench/train.json, from which the seconds an epoch come; where it is missing, there are none.
    """
    measured = read_json(bench)["seconds_an_epoch"] if bench.is_file() else {}
    write_text(
        page,
        "# Models\n\n"
        "<!-- Made by `make models` from params.yaml and the networks themselves. -->\n\n"
        f"Every block of `models:` in params.yaml, as the `full` budget trains it on {side}x{side} images of {classes} "
        "classes. Each is a module in src/ferflow/models, whose docstring tells how it was made; "
        "[CONTRIBUTING.md](../CONTRIBUTING.md) tells how to add one. What they reach is in "
        "[results](results).\n\n"
        + models_table(models, side, classes, measured.get("models"))
        + (
            f"\nAn epoch is {measured['images']:,} images, by bare training steps of the whole network on two cores "
            f"({measured['processor']}), measured by `make bench`."
            if measured
            else ""
        )
        + "\nA MAC is one multiplication with its addition, counted in convolutions and dense layers for one image."
        + _transfer(models)
        + "\n",
    )


def models_table(
    models: Mapping[str, Model], side: int, classes: int, seconds: Mapping[str, float] | None = None
) -> str:
    """Return a Markdown table with a row for each model, in the order given.

    Args:
        models: the blocks of params.yaml. Networks are built with random weights: nothing is fetched.
        side: of the images, in pixels.
        classes: how many.
        seconds: an epoch takes, by model, where it was measured.

    Raises:
        ConfigError, ModelError: a network cannot be built.
    """
    head = HEAD if seconds else HEAD[:-1]
    rows = [head, tuple("---:" if name in _RIGHT else "---" for name in head)]
    for name, block in models.items():
        module = find_architecture(name)
        network = {**block.network, **({"weights": "none"} if hasattr(module, "freeze") else {})}
        model = build_network(name, network, side, classes)
        taken = (f"{seconds[name]:.0f}" if name in seconds else "",) if seconds else ()
        cost = f"{count_macs(model) / 1e6:,.1f} M"
        rows.append(
            (f"`{name}`", block.description, f"{model.count_params():,}", cost, _input(model), paper(module), *taken)
        )
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def paper(module: ModuleType) -> str:
    """Return the first paper that an architecture's docstring names, as authors and year; empty where none is."""
    found = _PAPER.search(module.__doc__ or "")
    return " ".join(found.group().split()) if found else ""


def _transfer(models: Mapping[str, Model]) -> str:
    names = [f"`{name}`" for name in models if hasattr(find_architecture(name), "freeze")]
    if not names:
        return ""
    return (
        f" Made to start from ImageNet weights: {', '.join(names)}. `weights: imagenet` fetches them, "
        "`weights: path/of/file` reads them, `weights: none` starts from random ones. With pretrained weights the head "
        "is trained first (`head_epochs`), then the upper part of the base too (`unfreeze_from`) at a lower rate "
        "(`fine_tune_rate`), with its BatchNormalization frozen."
    )


def _input(model: keras.Model) -> str:
    """Return the side of the image and, where the network enlarges it, the side that its base sees."""
    side = model.input_shape[1]
    inner = next((layer.input_shape[1] for layer in model.layers if isinstance(layer, keras.Model)), side)
    return f"{side}x{side}" + (f", enlarged to {inner}x{inner}" if inner != side else "")
