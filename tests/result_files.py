"""Results of train and evaluate on disk, for the tests of what reads them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ferflow.base.files import write_json, write_text
from ferflow.base.hashing import sha256
from ferflow.evaluate.scores import score
from ferflow.reporting.result_contracts import Metrics
from ferflow.scoring.evaluation_sets import evaluation_sets
from ferflow.scoring.predictions import InferSummary, Predictions, as_written
from ferflow.scoring.temperature import fit_temperature

BEST = {"val_loss": 0.9, "val_accuracy": 0.7, "val_macro_f1": 0.6}
CLASSES = ("angry", "happy", "sad")
MODELS = {"cnn": 0.70, "cnn_augmented": 0.80, "vgg16": 0.55}
PARAMETERS = {"cnn": 1_200_000, "cnn_augmented": 1_200_000, "vgg16": 14_900_000}
MACS = {"cnn": 29_000_000, "cnn_augmented": 29_000_000, "vgg16": 720_000_000}


def predictions(
    split: str, images: int, share_right: float, seed: int, subsets: tuple[str, ...], copies: bool
) -> Predictions:
    """The same images for every network, and predictions of which about this share is correct."""
    labels = np.arange(images) % len(CLASSES)
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 0.3, (images, len(CLASSES)))
    picked = np.where(rng.random(images) < share_right, labels, (labels + rng.integers(1, 3, images)) % 3)
    logits[np.arange(images), picked] += 3
    odds = np.exp(logits)
    index = pd.DataFrame(
        {
            "id": [f"{split}/{number}.jpg" for number in range(images)],
            "subset": [subsets[number % len(subsets)] for number in range(images)],
            "group": range(images),
            "copy_in_train": [copies and number % 5 == 0 for number in range(images)],
        }
    )
    return Predictions(index, labels, as_written(odds / odds.sum(axis=1, keepdims=True)), CLASSES)


def write_result(
    root: Path,
    name: str,
    share_right: float,
    seed: int,
    subsets: tuple[str, ...] = ("PublicTest", "PrivateTest"),
    copies: bool = True,
    parameters: int = 1000,
    macs: int = 50_000,
    test_share: float | None = None,
) -> None:
    """Write the files of train, infer and evaluate for one network: 300 validation and 200 test images."""
    validation = predictions("validation", 300, share_right, seed, ("Training",), False)
    test = predictions("test", 200, share_right if test_share is None else test_share, seed + 1, subsets, copies)
    sets = evaluation_sets(validation, test)
    temperature = fit_temperature(validation.labels, validation.probabilities)
    blocks = {part: score(found, temperature, resamples=200, confidence=0.95, seed=0) for part, found in sets.items()}
    metrics = Metrics(model=name, views="flip", temperature=temperature, sets=blocks)
    write_json(root / "reports/evaluate" / name / "metrics.json", metrics.to_json())
    folder = root / "reports/infer" / name
    write_json(folder / "summary.json", InferSummary(model=name, views="flip", layer="conv").to_json())
    for split, found in (("validation", validation), ("test", test)):
        write_text(folder / f"predictions_{split}.csv", found.table().to_csv(index=False))
    training = root / "reports/train" / name
    write_text(training / "history.csv", f"epoch,val_accuracy\n1,{share_right}\n")
    summary = {"model": name, "architecture": "cnn", "trainable_parameters": parameters, "images": 300, "best": BEST}
    summary |= {"parameters": parameters, "macs": macs, "epochs_run": 12, "best_epoch": 9}
    write_json(training / "summary.json", {**summary, "stopped": "patience"})
    machine = {"cores": 2, "cpu": "A Processor", "backend": "tensorflow", "versions": {"python": "3.11.2"}}
    digest = sha256(training / "history.csv")
    write_json(root / f"logs/train/{name}.json", {"seconds": 90.0, "history_sha256": digest, **machine})


def write_results(root: Path, models: Mapping[str, float] = MODELS, **options: object) -> Path:
    """Write the results of several networks, by name and share of correct predictions."""
    for seed, (name, share_right) in enumerate(models.items()):
        costs = {"parameters": PARAMETERS.get(name, 1000), "macs": MACS.get(name, 50_000)}
        write_result(root, name, share_right, seed * 10, **{**costs, **options})
    return root
