"""What prepare, train and infer leave, in small, for the tests of infer and evaluate."""

from pathlib import Path

import numpy as np
import pandas as pd

from ferflow.base.arrays import Split, read_split, write_split
from ferflow.base.contracts import TrainSummary, ValidationScores
from ferflow.base.files import write_csv, write_json
from ferflow.scoring.corrupted_predictions import CorruptedPredictions, write_corrupted
from ferflow.scoring.predictions import InferSummary, Predictions, ViewedPredictions, write_viewed

CLASSES = ("angry", "happy", "sad")
SIDE = 16
KINDS = ("gaussian_noise", "jpeg")
VIEWS = ("single", "flip", "ten_crop")
MISTAKES = 5


def make_split(name: str, images: int, subsets: tuple[str, ...], copies: bool, seed: int, votes: bool = False) -> Split:
    """Noise whose brightness tells the class, in part. Each third image has the group of the image before it."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(images) % len(CLASSES))
    brightness = labels * 30 + rng.normal(0, 25, images)
    levels = brightness[:, None, None] + rng.integers(0, 190, (images, SIDE, SIDE))
    numbers = np.arange(images)
    index = pd.DataFrame(
        {
            "id": [f"{name}/{number}.jpg" for number in range(images)],
            "subset": [subsets[number % len(subsets)] for number in range(images)],
            "group": numbers - (numbers % 3 == 2),
            "copy_in_train": [copies and number % 7 == 0 for number in range(images)],
        }
    )
    shares = None
    if votes:
        for_label = rng.integers(3, 11, images) / 10
        shares = np.repeat(((1 - for_label) / (len(CLASSES) - 1))[:, None], len(CLASSES), axis=1)
        shares[numbers, labels] = for_label
        shares = shares.astype(np.float32)
    return Split(np.clip(levels, 0, 255).astype(np.uint8), labels.astype(np.int64), index, CLASSES, shares)


def write_data(
    folder: Path, subsets: tuple[str, ...] = ("PrivateTest", "PublicTest"), copies: bool = True, votes: bool = False
) -> Path:
    """Write data/prepare as prepare does: 90 images for training, 60 for validation, 121 for test."""
    write_split(folder, "train", make_split("train", 90, ("Training",), False, 0, votes))
    write_split(folder, "validation", make_split("validation", 60, ("Training",), False, 1, votes))
    write_split(folder, "test", make_split("test", 121, subsets, copies, 2, votes))
    return folder


def write_training(folder: Path) -> Path:
    """Write reports/train/<model>/ as train does."""
    folder.mkdir(parents=True)
    figures = ("loss", "accuracy", "val_loss", "val_accuracy", "val_macro_f1", "learning_rate")
    rows = [{"epoch": epoch, **dict.fromkeys(figures, 0.5 / epoch)} for epoch in (1, 2, 3)]
    pd.DataFrame(rows).to_csv(folder / "history.csv", index=False)
    best = ValidationScores(val_accuracy=0.5, val_macro_f1=0.4, val_loss=1.0)
    summary = TrainSummary(
        model="cnn",
        architecture="cnn",
        parameters=15,
        trainable_parameters=15,
        macs=12,
        images=240,
        epochs_run=3,
        best_epoch=2,
        best=best,
        stopped="patience",
    )
    write_json(folder / "summary.json", summary.to_json())
    return folder


def answers(split: Split, seed: int, sharpness: float = 3.0) -> Predictions:
    """Overconfident probabilities by the brightness of an image."""
    brightness = np.asarray(split.images, np.float64).mean(axis=(1, 2))
    levels = 95 + 30 * np.arange(len(CLASSES))
    noise = np.random.default_rng(seed).normal(0, 0.3, (len(split), len(CLASSES)))
    logits = sharpness * (noise - ((brightness[:, None] - levels) / 25) ** 2)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return Predictions.on(split, odds / odds.sum(axis=1, keepdims=True))


def answers_by_views(found: dict[str, Predictions], kinds: tuple[str, ...]) -> ViewedPredictions:
    """The answers that are served for `flip`; others, at random, for each other kind."""
    rng = np.random.default_rng(9)
    splits = {}
    for name, part in found.items():
        rows = [part.predicted if kind == "flip" else rng.integers(0, len(CLASSES), len(part.labels)) for kind in kinds]
        splits[name] = np.array(rows, np.uint8).reshape(len(kinds), len(part.labels))
    return ViewedPredictions(kinds, splits)


def write_inference(folder: Path, data: Path, seed: int = 0, kinds: tuple[str, ...] = KINDS) -> Path:
    """Write reports/infer/<result>/ as infer does; without kinds of corruption, views are not compared either."""
    found = {name: answers(read_split(data, name), seed) for name in ("validation", "test")}
    for name, predictions in found.items():
        write_csv(folder / f"predictions_{name}.csv", predictions.table())
    test = found["test"]
    rows = np.flatnonzero(test.predicted != test.labels)[:MISTAKES]
    maps = np.random.default_rng(seed).integers(0, 256, (len(rows), SIDE, SIDE), dtype=np.uint8)
    np.savez_compressed(folder / "explanations.npz", rows=rows, maps=maps)
    corrupted = np.random.default_rng(seed).integers(0, len(CLASSES), (len(kinds), 2, 121), dtype=np.uint8)
    write_corrupted(folder / "corruptions.npz", CorruptedPredictions(kinds, (1, 5), corrupted))
    write_viewed(folder / "views.npz", answers_by_views(found, VIEWS if kinds else ()))
    write_json(folder / "summary.json", InferSummary(model=folder.name, views="flip", layer="conv").to_json())
    return folder
