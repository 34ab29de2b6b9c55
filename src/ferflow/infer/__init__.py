"""Stage infer: everything of a result's evaluation that needs its network; the numbers follow from it without Keras."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ferflow.base.arrays import Split, read_split
from ferflow.base.errors import DataError, ModelError
from ferflow.base.files import whole_folder, write_csv, write_json
from ferflow.base.network import load_model
from ferflow.infer.corrupted_images import predict_corrupted
from ferflow.infer.explanations import explain, worst_mistakes, write_explanations
from ferflow.infer.views import predict_views
from ferflow.scoring.corrupted_predictions import write_corrupted
from ferflow.scoring.predictions import InferSummary, Predictions, ViewedPredictions, Views, write_viewed
from ferflow.settings.judging import Infer

if TYPE_CHECKING:
    import keras

__all__ = ["infer"]


def infer(name: str, model_path: Path, data: Path, out: Path, settings: Infer) -> InferSummary:
    """Predict validation and test with a trained network, explain its worst mistakes, and write the results.

    Args:
        name: Name of the result, such as `cnn_tuned`.
        model_path: Saved network (.keras).
        data: Folder that prepare wrote.
        out: Folder to write: predictions_validation.csv, predictions_test.csv, explanations.npz,
            corruptions.npz, views.npz and summary.json.
        settings: `infer:` of params.yaml.

    Returns:
        The content of summary.json.

    Raises:
        DataError: The arrays or the network are missing, or a split has no images.
        ModelError: The network cannot be loaded, was trained for other data, or predicts NaN.
    """
    splits = {split: read_split(data, split) for split in ("validation", "test")}
    for split_name, split in splits.items():
        if not len(split):
            raise DataError(f"{data} has no {split_name} images, so nothing can be measured. Run: dvc repro prepare.")
    model = load_model(model_path)
    with whole_folder(out) as folder:
        viewed: dict[str, npt.NDArray[np.uint8]] = {}
        for split_name, split in splits.items():
            probabilities = _predict(model, name, split, settings, settings.views, f"{name} on {split_name}")
            predictions = Predictions.on(split, probabilities)
            write_csv(folder / f"predictions_{split_name}.csv", predictions.table())
            viewed[split_name] = _by_views(model, name, split, settings, predictions)
        rows = worst_mistakes(predictions, settings.mistakes)
        explanations = explain(model, np.asarray(splits["test"].images[rows]), predictions.predicted[rows], rows)
        write_explanations(folder / "explanations.npz", explanations)
        corrupted = predict_corrupted(model, splits["test"].images, settings, name)
        write_corrupted(folder / "corruptions.npz", corrupted)
        write_viewed(folder / "views.npz", ViewedPredictions(settings.compared_views, viewed))
        summary = InferSummary(model=name, views=settings.views, layer=explanations.layer)
        write_json(folder / "summary.json", summary.to_json())
    return summary


def _by_views(
    model: "keras.Model", name: str, split: Split, settings: Infer, known: Predictions
) -> npt.NDArray[np.uint8]:
    """Return the classes predicted over each kind of compared views, uint8 (views, N); `known` has those served."""
    predicted = np.zeros((len(settings.compared_views), len(split)), np.uint8)
    for row, views in enumerate(settings.compared_views):
        if views == settings.views:
            predicted[row] = known.predicted
        else:
            label = f"{name}, {views.replace('_', ' ')}"
            predicted[row] = Predictions.on(split, _predict(model, name, split, settings, views, label)).predicted
    return predicted


def _predict(
    model: "keras.Model", name: str, split: Split, settings: Infer, views: Views, label: str
) -> npt.NDArray[np.float32]:
    """Predict the classes of a split, after checking that network and data belong together."""
    side, classes = split.images.shape[1], len(split.classes)
    model_side, model_classes = model.input_shape[1], model.output_shape[-1]
    if (model_side, model_classes) != (side, classes):
        raise ModelError(
            f"{name} was trained for {model_classes} classes and images of {model_side} pixels, but the prepared "
            f"data has {classes} classes ({', '.join(split.classes)}) and images of {side} pixels. Train it again: "
            f"dvc repro train@{name}."
        )
    probabilities = predict_views(model, split.images, views, settings.batch_size, label)
    if invalid := int((~np.isfinite(probabilities)).any(axis=1).sum()):
        raise ModelError(
            f"{name} predicts NaN on {invalid} of {len(split)} images: its training diverged. Lower its learning_rate "
            f"or set clip_norm in params.yaml, then run: dvc repro."
        )
    return probabilities
