"""The model card (Mitchell et al. 2019): what the champion is, what it can and cannot do, in its own numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ferflow.base.contracts import TrainSummary, read_contract
from ferflow.base.files import read_json, require
from ferflow.reporting.result_contracts import Champion, Registration
from ferflow.reporting.set_metrics import SetMetrics
from ferflow.reporting.set_names import set_label
from ferflow.reporting.text import listed, markdown_table
from ferflow.reporting.text import percent as percent_with

_VIEWS = {
    "single": "Each image is predicted as it is, by the evaluation and by the registered model.",
    "flip": "Predictions are averaged over each image and its mirror image, as the registered model does.",
    "ten_crop": "Predictions are averaged over ten crops of each image, as the registered model does.",
}
_OFF = (False, 0, None, "none")  # an augmentation that is off
_TRAIN_KEYS = ("optimizer", "learning_rate", "schedule", "batch_size", "loss", "label_smoothing", "imbalance")


@dataclass(frozen=True)
class CardSources:
    """What the card reports in addition to the champion's results.

    Attributes:
        drawn: Whether the faces are drawn by ferflow.faces.
        description: Description of the dataset.
        licence: Licence of the data.
        receipt: Content of reports/download/receipt.json.
        prepared: Content of reports/prepare/summary.json.
        training: Content of reports/train/<result>/summary.json.
        settings: Content of models/<result>/settings.yaml.
        exported: Content of export/card.json.
        budget: Name of the budget.
        confidence: Confidence level of the intervals, in (0, 1).
    """

    drawn: bool
    description: str
    licence: str
    receipt: Mapping[str, Any]
    prepared: Mapping[str, Any]
    training: TrainSummary
    settings: Mapping[str, Any]
    exported: Mapping[str, Any]
    budget: str
    confidence: float


def read_sources(
    root: Path,
    model: str,
    *,
    description: str,
    licence: str,
    drawn: bool,
    budget: str,
    confidence: float,
) -> CardSources:
    """Read what the card reports in addition to the champion's results.

    Args:
        root: Project root.
        model: Name of the champion.
        description: Description of the dataset in params.yaml.
        licence: Licence in params.yaml; the receipt's takes precedence if the publisher stated one.
        drawn: Whether the faces are drawn by ferflow.faces.
        budget: Name of the budget.
        confidence: Confidence level of the intervals, in (0, 1).

    Raises:
        DataError: A file is missing or invalid.
    """
    receipt = read_json(require(root / "reports/download/receipt.json", "download"))
    settings = require(root / "models" / model / "settings.yaml", f"train@{model}")
    return CardSources(
        drawn=drawn,
        description=description,
        licence=licence if receipt["licence"] is None else receipt["licence"],
        receipt=receipt,
        prepared=read_json(require(root / "reports/prepare/summary.json", "prepare")),
        training=read_contract(root / "reports/train" / model / "summary.json", TrainSummary, f"train@{model}"),
        settings=yaml.safe_load(settings.read_text(encoding="utf-8")),
        exported=read_json(require(root / "export/card.json", "export")),
        budget=budget,
        confidence=confidence,
    )


def model_card(registration: Registration, champion: Champion, sources: CardSources) -> str:
    """Return the card as Markdown, the same text from the same values.

    Args:
        registration: Content of registration.json.
        champion: Content of champion.json.
        sources: Everything else that the card reports.
    """
    sections = [
        _head(registration, champion, sources),
        _use(registration, sources),
        _results(champion, sources),
        _classes(champion),
        _data(champion, sources),
        _training(registration, sources),
        _files(registration, sources),
        _limits(champion, sources),
        _gates(registration),
    ]
    return "\n\n".join(sections) + "\n"


def _head(registration: Registration, champion: Champion, sources: CardSources) -> str:
    classes = list(champion.sets["validation"].per_class)
    side = sources.prepared["image_size"]
    return (
        f"# {registration.model}: facial expression recognition\n\n"
        f"A network ({sources.training.architecture}, {sources.training.parameters:,} parameters) that maps a grey "
        f"image of a face, {side} x {side} pixels, to the probabilities of {len(classes)} expressions: "
        f"{listed(classes)}. {champion.reason}".rstrip()
    )


def _use(registration: Registration, sources: CardSources) -> str:
    side = sources.prepared["image_size"]
    uri = f"models:/{registration.name}@{registration.alias}"
    return f"""## How to use it

```python
import mlflow

model = mlflow.pyfunc.load_model("{uri}")
probabilities = model.predict(faces)  # faces: uint8, (N, {side}, {side}), grey levels 0 to 255
```

`probabilities` is a table with a row for each face and a column for each expression; each row sums to 1. Each image
should show one upright face, tightly cropped, as in the training images.

**Intended for** research and teaching on facial expressions, and as a measured baseline. **Not intended for** decisions
about people: hiring, school, police, insurance, health, or monitoring employees and students (which the EU's AI Act
prohibits)."""


def _results(champion: Champion, sources: CardSources) -> str:
    rows = [
        [
            set_label(name),
            f"{block.images:,}",
            f"{_percent(block.accuracy)} ({_interval(block, 'accuracy')})",
            f"{_percent(block.macro_f1)} ({_interval(block, 'macro_f1')})",
            _percent(block.balanced_accuracy),
            f"{block.log_loss:.3f} ({block.uncalibrated.log_loss:.3f})",
            f"{block.ece:.3f} ({block.uncalibrated.ece:.3f})",
        ]
        for name, block in champion.sets.items()
    ]
    header = ["set", "images", "accuracy", "macro F1", "balanced accuracy", "log loss", "calibration error"]
    return (
        f"## Results\n\n{markdown_table(header, rows)}\n\nThe {100 * sources.confidence:g} % interval (bootstrap) "
        f"is in parentheses after accuracy and macro F1; images of one group of copies are drawn together. "
        f"{_VIEWS[champion.views]} The registered model divides the logits by a temperature of "
        f"{champion.temperature:.3f}, fitted on validation; log loss and calibration error are those of its "
        "probabilities, with the value before the temperature in parentheses. Model, epoch and temperature were chosen "
        'on validation, so its numbers are optimistic; the test sets influenced no decision. "Without copies" leaves '
        "out test images that have an exact copy among the raw training images."
    )


def _classes(champion: Champion) -> str:
    rows = [
        [name, _percent(scores.precision), _percent(scores.recall), _percent(scores.f1), f"{scores.support:,}"]
        for name, scores in champion.sets["test"].per_class.items()
    ]
    table = markdown_table(["expression", "precision", "recall", "F1", "images"], rows)
    return f"## Results on test by expression\n\n{table}"


def _data(champion: Champion, sources: CardSources) -> str:
    receipt, images = sources.receipt, sources.prepared["images"]
    counts = listed([f"{number:,} for {name}" for name, number in images.items()])
    return (
        f"## Data\n\n`{champion.dataset}`: {sources.description} Source: {receipt['origin']} (SHA-256 "
        f"`{receipt['sha256']}`). Licence: {sources.licence}. Of {receipt['files']:,} files, the images kept are "
        f"{counts}. reports/clean/summary.json counts the dropped files by reason."
    )


def _training(registration: Registration, sources: CardSources) -> str:
    training, train = sources.training, sources.settings["train"]
    params = ", ".join(f"{key} {train[key]}" for key in _TRAIN_KEYS if key in train)
    augment = ", ".join(f"{key} {value}" for key, value in train.get("augment", {}).items() if value not in _OFF)
    return (
        f"## Training\n\n{training.epochs_run} epochs (stopped by {training.stopped}); the weights are those of epoch "
        f"{training.best_epoch}. {training.macs:,} MACs per image; budget `{sources.budget}`; {params}; "
        f"augmentation: {augment or 'none'}. All settings: models/{registration.model}/settings.yaml. SHA-256 of the "
        f"weights: `{registration.model_sha256}`."
    )


def _files(registration: Registration, sources: CardSources) -> str:
    card = sources.exported
    rows = [
        [
            f"`{name}`",
            file["precision"],
            f"{file['bytes'] / 1e6:.2f} MB",
            *(f"{_percent(scores['accuracy'])} of {scores['images']:,}" for scores in file["sets"].values()),
        ]
        for name, file in card["files"].items()
    ]
    sets = next(iter(card["files"].values()))["sets"]
    table = markdown_table(["file", "precision", "size", *(f"accuracy on {name}" for name in sets)], rows)
    missing = "".join(f" `{name}` was left out: {reason}" for name, reason in card["left_out"].items())
    return (
        f"## Files that run without Keras\n\n{table}\n\nThe version in the registry carries them in its folder "
        f"`export`; `{card['default']}` is the default of `ferflow predict --model models:/{registration.name}@"
        f"{registration.alias}`. card.json, beside them, has the SHA-256 of each.{missing}"
    )


def _limits(champion: Champion, sources: CardSources) -> str:
    test = champion.sets["test"]
    recalls = {name: scores.recall for name, scores in test.per_class.items()}
    worst, best = min(recalls, key=lambda name: recalls[name]), max(recalls, key=lambda name: recalls[name])
    lines = [
        f"It finds {_percent(recalls[worst])} of the test images of {worst}, but {_percent(recalls[best])} of those of "
        f"{best}: it is not equally reliable for every expression.",
        "It predicts the expression that an annotator would name, from one still image. What a person feels cannot be "
        "inferred from that (Barrett et al. 2019), and annotators disagree: on FER-2013, people reach about 65 %.",
        "The data does not record age, sex, skin color or culture. Whether the model works equally well for all groups "
        "was not measured; such networks often do not.",
    ]
    if sources.drawn:
        lines.insert(0, "It was trained on faces drawn by a program. Its numbers say nothing about photographs.")
    copies = champion.sets.get("test_without_copies")
    if copies:
        gap = 100 * (test.accuracy - copies.accuracy)
        lines.append(
            f"Test images with a copy among the raw training images change its test accuracy by {gap:+.1f} points."
        )
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _gates(registration: Registration) -> str:
    verdict = "Passed" if registration.passed else "Not passed"
    reasons = "\n".join(f"- {reason}" for reason in registration.because)
    return (
        f"## Gates\n\n{verdict}, decided on validation alone:\n\n{reasons}\n\nWhere a version is registered, it must "
        f"also answer for one face within max_latency_ms ({registration.gates['max_latency_ms']:g} ms) and not be "
        f"significantly worse (p < {registration.gates['significance']:g}) than the present champion of "
        f"`{registration.name}`. The tag `ferflow.decision` of the version records the result."
    )


def _interval(block: SetMetrics, metric: str) -> str:
    return f"{100 * block.metric(f'{metric}_low'):.1f} to {100 * block.metric(f'{metric}_high'):.1f}"


def _percent(share: float) -> str:
    """Return a share in percent with an ordinary space, so that the card's source can be searched."""
    return percent_with(share, space=" ")
