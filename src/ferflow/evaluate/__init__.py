"""Stage evaluate: the metrics of one trained network on validation and test, with predictions and figures."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ferflow.base.arrays import Split, read_split
from ferflow.base.errors import DataError, ModelError
from ferflow.base.network import load_model
from ferflow.evaluate.evaluation_report import read_training, write_report
from ferflow.evaluate.predictions import Predictions, evaluation_sets, predict_views
from ferflow.evaluate.scores import score
from ferflow.reporting.result_contracts import Metrics
from ferflow.settings.judging import Evaluate

if TYPE_CHECKING:
    import keras

__all__ = ["evaluate"]


def evaluate(
    name: str, model_path: Path, training: Path, data: Path, out: Path, settings: Evaluate, seed: int
) -> Metrics:
    """Measure a trained network and write the results into a folder.

    Args:
        name: Name of the result, such as `cnn_tuned`.
        model_path: Saved network (.keras).
        training: Folder of the training's history.csv and summary.json.
        data: Folder that prepare wrote.
        out: Folder to write: metrics.json, headline.json (the few numbers for `dvc metrics`), confusion.csv (test, for
            `dvc plots`), predictions_validation.csv, predictions_test.csv, classification_report.csv and .txt, and in
            figures/ learning_curves.png, confusion_<set>.png, per_class.png and reliability.png.
        settings: `evaluate:` of params.yaml.
        seed: Seed of the bootstrap.

    Returns:
        The content of metrics.json.

    Raises:
        DataError: The arrays, the network or the training's report are missing, or a split has no images.
        ModelError: The network cannot be loaded, was trained for other data, or predicts NaN.
    """
    splits = {split: read_split(data, split) for split in ("validation", "test")}
    for split_name, split in splits.items():
        if not len(split):
            raise DataError(f"{data} has no {split_name} images, so nothing can be measured. Run: dvc repro prepare.")
    report = read_training(training, name)
    model = load_model(model_path)
    predictions = {
        split_name: _predict(model, name, split, settings, f"{name} on {split_name}")
        for split_name, split in splits.items()
    }
    sets = evaluation_sets(**predictions)
    metrics = Metrics(
        model=name,
        sets={
            set_name: score(
                part.labels, part.probabilities, part.classes, settings.bootstrap, settings.confidence, seed
            )
            for set_name, part in sets.items()
        },
    )
    write_report(out, metrics, sets, report)
    return metrics


def _predict(model: "keras.Model", name: str, split: Split, settings: Evaluate, label: str) -> Predictions:
    """Predict the classes of a split, after checking that network and data belong together."""
    side, classes = split.images.shape[1], len(split.classes)
    model_side, model_classes = model.input_shape[1], model.output_shape[-1]
    if (model_side, model_classes) != (side, classes):
        raise ModelError(
            f"{name} was trained for {model_classes} classes and images of {model_side} pixels, but the prepared "
            f"data has {classes} classes ({', '.join(split.classes)}) and images of {side} pixels. Train it again: "
            f"dvc repro train@{name}."
        )
    probabilities = predict_views(model, split.images, settings.views, settings.batch_size, label)
    if invalid := int((~np.isfinite(probabilities)).any(axis=1).sum()):
        raise ModelError(
            f"{name} predicts NaN on {invalid} of {len(split)} images: its training diverged. Lower its learning_rate "
            f"or set clip_norm in params.yaml, then run: dvc repro."
        )
    return Predictions.on(split, probabilities)
