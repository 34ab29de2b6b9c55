"""The model card (Mitchell et al. 2019): what the champion is, what it can and cannot do, in its own numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ferflow.base.errors import DataError
from ferflow.base.files import read_json
from ferflow.register.gates import percent
from ferflow.settings import Config

_VIEWS = {
    "single": "Answers are to each image as it is.",
    "flip": "Answers are the mean over each image and its mirror image; the registered model sees the image alone.",
    "ten_crop": "Answers are the mean over ten crops of each image; the registered model sees the image alone.",
}


@dataclass(frozen=True)
class Sources:
    """What the card tells besides the champion's results.

    Attributes:
        drawn: whether the faces are drawn by the program.
        description: of the dataset.
        receipt: reports/download/receipt.json.
        prepared: reports/prepare/summary.json.
        training: reports/train/<model>/summary.json.
        config: models/<model>/config.yaml.
        budget: its name.
        views: how the evaluation looked at each image.
        confidence: of the intervals.
    """

    drawn: bool
    description: str
    receipt: Mapping[str, Any]
    prepared: Mapping[str, Any]
    training: Mapping[str, Any]
    config: Mapping[str, Any]
    budget: str
    views: str
    confidence: float


def read_sources(root: Path, model: str, config: Config) -> Sources:
    """Read what the card tells besides the champion's results.

    Args:
        root: the project's folder.
        model: name of the champion.
        config: params.yaml.

    Raises:
        DataError: a file is missing.
    """
    try:
        return Sources(
            drawn=config.source.source == "sample",
            description=config.source.description,
            receipt=read_json(root / "reports/download/receipt.json"),
            prepared=read_json(root / "reports/prepare/summary.json"),
            training=read_json(root / "reports/train" / model / "summary.json"),
            config=yaml.safe_load((root / "models" / model / "config.yaml").read_text(encoding="utf-8")),
            budget=config.budget,
            views=config.evaluate.views,
            confidence=config.evaluate.confidence,
        )
    except FileNotFoundError as error:
        raise DataError(f"{error.filename} is missing. Run the stage that makes it: dvc repro.") from None


def model_card(registration: Mapping[str, Any], champion: Mapping[str, Any], sources: Sources) -> str:
    """Write the card as Markdown, the same bytes from the same values.

    Args:
        registration: as from ferflow.register.describe.
        champion: what champion.json holds: with a block for each set of images.
        sources: the rest.
    """
    sections = [
        _head(registration, champion, sources),
        _use(registration, sources),
        _results(champion, sources),
        _classes(champion),
        _data(champion, sources),
        _training(registration, sources),
        _limits(champion, sources),
        _gates(registration),
    ]
    return "\n\n".join(sections) + "\n"


def _head(registration: Mapping[str, Any], champion: Mapping[str, Any], sources: Sources) -> str:
    classes = list(champion["validation"]["per_class"])
    side = sources.prepared["image_size"]
    return (
        f"# {registration['model']}: which emotion does a face show?\n\n"
        f"A network ({sources.training['architecture']}, {sources.training['parameters']:,} parameters) that takes a "
        f"grey picture of a face, {side} x {side} pixels, and answers with the probabilities of {len(classes)} "
        f"expressions: {_listed(classes)}. {champion.get('reason', '')}".rstrip()
    )


def _use(registration: Mapping[str, Any], sources: Sources) -> str:
    side = sources.prepared["image_size"]
    uri = f"models:/{registration['name']}@{registration['alias']}"
    return f"""## How to use it

```python
import mlflow

model = mlflow.pyfunc.load_model("{uri}")
probabilities = model.predict(faces)  # faces: uint8, (N, {side}, {side}), grey levels 0 to 255
```

`probabilities` is a table with a row for each face and a column for each expression; each row sums to 1. The pictures
are to show one face each, upright, cut closely, as the training images do.

**Meant for** research and teaching on facial expressions, and as a measured baseline. **Not meant for** decisions about
people: hiring, school, police, insurance, health, or watching workers and pupils (which the EU's AI Act forbids)."""


def _results(champion: Mapping[str, Any], sources: Sources) -> str:
    rows = [
        [
            name.replace("_without_copies", " without copies"),
            f"{block['images']:,}",
            f"{percent(block['accuracy'])} ({_interval(block, 'accuracy')})",
            f"{percent(block['macro_f1'])} ({_interval(block, 'macro_f1')})",
            percent(block["balanced_accuracy"]),
            f"{block['log_loss']:.3f}",
            f"{block['ece']:.3f}",
        ]
        for name, block in _blocks(champion).items()
    ]
    header = ["images of", "number", "accuracy", "macro F1", "balanced accuracy", "log loss", "calibration error"]
    return (
        f"## Results\n\n{_table(header, rows)}\n\nIn brackets the {100 * sources.confidence:g} % interval (bootstrap). "
        f"{_VIEWS[sources.views]} Validation chose the model and its epoch, and so flatters it; the test sets decided "
        'nothing. "Without copies" leaves out test images whose very pixels also stand in the raw training images.'
    )


def _classes(champion: Mapping[str, Any]) -> str:
    rows = [
        [name, percent(scores["precision"]), percent(scores["recall"]), percent(scores["f1"]), f"{scores['support']:,}"]
        for name, scores in champion["test"]["per_class"].items()
    ]
    return f"## Each expression, on test\n\n{_table(['expression', 'precision', 'recall', 'F1', 'images'], rows)}"


def _data(champion: Mapping[str, Any], sources: Sources) -> str:
    receipt, images = sources.receipt, sources.prepared["images"]
    counts = _listed([f"{number:,} for {name}" for name, number in images.items()])
    return (
        f"## Data\n\n`{champion['dataset']}`: {sources.description} From {receipt['origin']} (SHA-256 "
        f"`{receipt['sha256']}`); licence: {receipt['licence']}. Of {receipt['files']:,} files, the images kept are "
        f"{counts}. reports/clean/summary.json counts what was left out and why."
    )


def _training(registration: Mapping[str, Any], sources: Sources) -> str:
    training, train = sources.training, sources.config["train"]
    told = ("optimizer", "learning_rate", "schedule", "batch_size", "loss", "label_smoothing", "imbalance")
    params = ", ".join(f"{key} {train[key]}" for key in told if key in train)
    augment = ", ".join(f"{key} {value}" for key, value in train.get("augment", {}).items() if value)
    return (
        f"## Training\n\n{training['epochs_run']} epochs (ended by {training['stopped']}), the weights of epoch "
        f"{training['best_epoch']}; {training['macs']:,} MACs an image; budget `{sources.budget}`; {params}; "
        f"random changes: {augment or 'none'}. All params: models/{registration['model']}/config.yaml. SHA-256 of the "
        f"weights: `{registration['model_sha256']}`."
    )


def _limits(champion: Mapping[str, Any], sources: Sources) -> str:
    recalls = {name: scores["recall"] for name, scores in champion["test"]["per_class"].items()}
    worst, best = min(recalls, key=lambda name: recalls[name]), max(recalls, key=lambda name: recalls[name])
    lines = [
        f"It finds {percent(recalls[worst])} of the test images of {worst}, and {percent(recalls[best])} of those of "
        f"{best}: an answer is not equally good for every expression.",
        "It names the expression that a label-giver would, from one still picture. What a person feels cannot be read "
        "from that (Barrett et al. 2019), and label-givers disagree: on FER-2013, people reach about 65 %.",
        "Who is in the data, by age, sex, skin or culture, is not recorded. Whether the model is as good for everybody "
        "was not measured; such networks often are not.",
    ]
    if sources.drawn:
        lines.insert(0, "It was trained on faces drawn by a program. Its numbers say nothing about photographs.")
    copies = champion.get("test_without_copies")
    if copies:
        gap = 100 * (champion["test"]["accuracy"] - copies["accuracy"])
        lines.append(
            f"Test images with a copy among the raw training images change its test accuracy by {gap:+.1f} points."
        )
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _gates(registration: Mapping[str, Any]) -> str:
    verdict = "Promoted" if registration["promoted"] else "Not promoted"
    reasons = "\n".join(f"- {reason}" for reason in registration["because"])
    return f"## Gates\n\n{verdict}, because of validation alone:\n\n{reasons}"


def _blocks(champion: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the results of each set of images."""
    return {name: block for name, block in champion.items() if isinstance(block, Mapping) and "per_class" in block}


def _interval(block: Mapping[str, Any], figure: str) -> str:
    return f"{100 * block[f'{figure}_low']:.1f} to {100 * block[f'{figure}_high']:.1f}"


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
