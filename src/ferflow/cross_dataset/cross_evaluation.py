"""Measure a network on faces from elsewhere, and write what was found."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ferflow import reporting as figures
from ferflow.base.contracts import Contract
from ferflow.base.errors import DataError
from ferflow.base.files import whole_folder, write_csv, write_json, write_text
from ferflow.cross_dataset.checkpoint import LoadedNetwork, as_probabilities
from ferflow.cross_dataset.cross_page import cross_page
from ferflow.cross_dataset.face_folder import Faces
from ferflow.evaluate.calibration import calibration
from ferflow.evaluate.scores import score
from ferflow.evaluate.sets import ImageFacts, brightness_and_contrast
from ferflow.evaluate.thirds import Limits, score_thirds
from ferflow.infer.views import predict_views
from ferflow.reporting.confusion import confusion
from ferflow.reporting.set_metrics import SetMetrics
from ferflow.reporting.text import count, listed
from ferflow.scoring.predictions import Predictions, Views
from ferflow.scoring.temperature import calibrate


class CrossMetrics(Contract):
    """metrics.json of `ferflow evaluate`.

    Attributes:
        model: Name of the network.
        data: Name of the data.
        views: Test-time views that each prediction is the mean over.
        temperature: Temperature that the logits are divided by; 1 if none is known.
        grouped_by: What the bootstrap draws together: `person` or `identical image`.
        left_out: Images of classes that the network lacks, by class.
        scores: Metrics on the other images; `balanced_accuracy` is the mean recall of the classes that occur.
    """

    model: str
    data: str
    views: str
    temperature: float
    grouped_by: str
    left_out: dict[str, int]
    scores: SetMetrics


@dataclass(frozen=True)
class CrossEvaluation:
    """What was measured.

    Attributes:
        metrics: Content of metrics.json.
        predictions: Predictions on the images that count, not yet calibrated.
        notes: Sentences on what was left out, and how inputs, outputs and labels were read.
    """

    metrics: CrossMetrics
    predictions: Predictions
    notes: tuple[str, ...]


def evaluate_network(
    network: LoadedNetwork,
    faces: Faces,
    model: str,
    data: str,
    views: Views,
    batch_size: int,
    temperature: float = 1.0,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> CrossEvaluation:
    """Measure a network on labelled faces; nothing is fitted or chosen on them.

    Args:
        network: The network.
        faces: Faces of the network's side.
        model: Name of the network for people.
        data: Name of the data for people.
        views: Test-time views.
        batch_size: Images per step.
        temperature: Temperature that was fitted for this network on its own validation images. Defaults to 1.
        resamples: Number of bootstrap resamples. Defaults to 1,000.
        confidence: Confidence level of the intervals. Defaults to 0.95.
        seed: Seed of the bootstrap. Defaults to 0.

    Raises:
        DataError: No image has a class of the network's.
        ModelError: The network answers with NaN.
    """
    position = {name: number for number, name in enumerate(network.classes)}
    known = np.array([label in position for label in faces.labels])
    left_out = {name: faces.labels.count(name) for name in sorted(set(faces.labels) - set(position))}
    if not known.any():
        raise DataError(
            f"No image of {data} has a class that {model} knows. The images: {listed(sorted(set(faces.labels)))}; the "
            f"network: {listed(network.classes)}. Name what the labels mean with --map, or the outputs with --classes."
        )
    labels = np.array([position[label] for label in faces.labels if label in position], np.int64)
    images = faces.images[known]
    outputs = predict_views(network.model, images, views, batch_size, f"{model} on {data}")
    probabilities, made = as_probabilities(outputs)
    index = faces.index[known].reset_index(drop=True)
    predictions = Predictions(index, labels, probabilities, network.classes)
    drawing = (resamples, confidence, seed)
    thirds = score_thirds(predictions, ImageFacts(*brightness_and_contrast(images), None), Limits.of(images), *drawing)
    scores = score(predictions, temperature, *drawing).model_copy(update={"thirds": thirds})
    notes = [*network.notes, *faces.notes, *([made] if made else [])]
    if left_out:
        words = listed([f"{name} ({count(number, 'image')})" for name, number in left_out.items()])
        notes.append(f"Left out, because the network has no such class: {words}.")
    if scores.absent_classes:
        notes.append(
            f"The data has no images of {listed(scores.absent_classes)}, which the network can answer as well."
        )
    metrics = CrossMetrics(
        model=model,
        data=data,
        views=views,
        temperature=temperature,
        grouped_by=faces.grouped_by,
        left_out=left_out,
        scores=scores,
    )
    return CrossEvaluation(metrics, predictions, tuple(notes))


def write_evaluation(out: Path, evaluation: CrossEvaluation) -> None:
    """Write the results to a folder, which is replaced as a whole.

    Args:
        out: Folder: metrics.json, predictions.csv (calibrated), index.html, and in figures/ confusion.png,
            per_class.png and reliability.png.
        evaluation: What was measured.
    """
    metrics, part = evaluation.metrics, evaluation.predictions
    title = f"{metrics.model} on {metrics.data}"
    served = Predictions(part.index, part.labels, calibrate(part.probabilities, metrics.temperature), part.classes)
    counts = confusion(part.labels, part.predicted, len(part.classes))
    per_class = {name: scores.model_dump() for name, scores in metrics.scores.per_class.items()}
    with whole_folder(out) as folder:
        write_json(folder / "metrics.json", metrics.to_json())
        write_csv(folder / "predictions.csv", served.table(), float_format="%.6g")
        for name, figure in (
            ("confusion", figures.confusion_matrix(counts, part.classes, title)),
            ("per_class", figures.per_class_bars(per_class, title)),
            ("reliability", figures.reliability_diagram(calibration(part.labels, served.probabilities), title)),
        ):
            figures.save_figure(figure, folder / "figures" / f"{name}.png")
        write_text(folder / "index.html", cross_page(metrics, evaluation.notes, folder / "figures"))
