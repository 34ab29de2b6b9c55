"""Stage evaluate: what one trained network reaches on validation and test, with everything that shows it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ferflow.base.arrays import Split, read_split
from ferflow.base.errors import DataError, ModelError
from ferflow.base.network import load_model
from ferflow.evaluate.outputs import read_training, write_outputs
from ferflow.evaluate.scores import score
from ferflow.evaluate.sets import Answers, answers_of, evaluation_sets
from ferflow.evaluate.views import predict_views
from ferflow.settings import Evaluate

if TYPE_CHECKING:
    import keras

__all__ = ["evaluate"]


def evaluate(
    name: str, model_path: Path, training: Path, data: Path, out: Path, settings: Evaluate, seed: int
) -> dict[str, Any]:
    """Measure a trained network and write what shows it into the folder `out`.

    Args:
        name: of the result, such as `cnn_tuned`.
        model_path: the saved network (.keras).
        training: the folder of its history.csv and summary.json.
        data: the folder that prepare wrote.
        out: the folder to write: metrics.json, headline.json (the few numbers for `dvc metrics`), confusion.csv (test,
            for `dvc plots`), predictions_validation.csv, predictions_test.csv, classification_report.csv and .txt,
            and in figures/ learning_curves.png, confusion_<set>.png, per_class.png and reliability.png.
        settings: of `evaluate:`.
        seed: of the bootstrap.

    Returns:
        What metrics.json holds: "model" and, for each set of images (see evaluation_sets), the block that
        ferflow.evaluate.scores.score describes.

    Raises:
        DataError: the arrays or the training's report are missing, or the arrays are empty.
        ModelError: the network is missing, cannot be loaded, was made for other data, or answers NaN.
    """
    splits = {split: read_split(data, split) for split in ("validation", "test")}
    for split_name, split in splits.items():
        if not len(split):
            raise DataError(f"{data} has no {split_name} images: nothing can be measured. Run: dvc repro prepare.")
    report = read_training(training, name)
    model = load_model(model_path)
    answers = {
        split_name: _answers(model, name, split, settings, f"{name} on {split_name}")
        for split_name, split in splits.items()
    }
    sets = evaluation_sets(**answers)
    metrics: dict[str, Any] = {"model": name}
    for set_name, part in sets.items():
        metrics[set_name] = score(
            part.labels, part.probabilities, part.classes, settings.bootstrap, settings.confidence, seed
        )
    write_outputs(out, metrics, sets, report)
    return metrics


def _answers(model: "keras.Model", name: str, split: Split, settings: Evaluate, label: str) -> Answers:
    """Let the network answer on a split, after checking that the two belong together."""
    side, classes = split.images.shape[1], len(split.classes)
    made_for = (model.input_shape[1], model.output_shape[-1])
    if made_for != (side, classes):
        raise ModelError(
            f"{name} was trained for {made_for[1]} classes and images of {made_for[0]} pixels; the prepared "
            f"data has {classes} classes ({', '.join(split.classes)}) and {side} pixels. Train it again: "
            f"dvc repro train@{name}."
        )
    probabilities = predict_views(model, split.images, settings.views, settings.batch_size, label)
    if broken := int((~np.isfinite(probabilities)).any(axis=1).sum()):
        raise ModelError(
            f"{name} answers NaN on {broken} of {len(split)} images: its training diverged. Give it a lower "
            f"learning_rate or a clip_norm in params.yaml, then: dvc repro."
        )
    return answers_of(split, probabilities)
