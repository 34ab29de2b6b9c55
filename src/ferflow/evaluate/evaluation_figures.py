"""The figures of one result, in reports/evaluate/<result>/figures/."""

from collections.abc import Iterator, Mapping

import numpy as np
from matplotlib.figure import Figure

from ferflow import reporting as figures
from ferflow.evaluate.calibration import calibration
from ferflow.evaluate.ranking import Curve, precision_recall_curves, roc_curves
from ferflow.evaluate.scores import COVERAGE
from ferflow.evaluate.selective import risk_coverage
from ferflow.reporting.confusion import confusion
from ferflow.reporting.curve_figures import ClassCurve, precision_recall_figure, risk_coverage_figure, roc_figure
from ferflow.reporting.part_figures import agreement_figure, thirds_figure
from ferflow.reporting.result_contracts import Metrics
from ferflow.reporting.set_names import whole_sets
from ferflow.scoring.predictions import Predictions
from ferflow.scoring.temperature import calibrate


def draw_figures(metrics: Metrics, predictions: Mapping[str, Predictions]) -> Iterator[tuple[str, Figure]]:
    """Yield the figures by file name without suffix.

    Args:
        metrics: Content of metrics.json.
        predictions: Predictions on each set of images, by the set's name, not yet calibrated.
    """
    name, block, test = f"{metrics.model}, test", metrics.sets["test"], predictions["test"]
    served = calibrate(test.probabilities, metrics.temperature)
    for set_name in whole_sets(predictions):
        part = predictions[set_name]
        counts = confusion(part.labels, part.predicted, len(part.classes))
        yield f"confusion_{set_name}", figures.confusion_matrix(counts, part.classes, f"{metrics.model}, {set_name}")
    per_class = {label: scores.model_dump() for label, scores in block.per_class.items()}
    yield "per_class", figures.per_class_bars(per_class, name)
    areas = {label: scores.roc_auc for label, scores in block.per_class.items()}
    yield "roc", roc_figure(_curves(roc_curves(test.labels, served), areas), name)
    precisions = {label: scores.average_precision for label, scores in block.per_class.items()}
    curves = _curves(precision_recall_curves(test.labels, served), precisions)
    yield "precision_recall", precision_recall_figure(curves, name)
    after, before = calibration(test.labels, served), calibration(test.labels, test.probabilities)
    yield "reliability", figures.reliability_diagram(after, name, before)
    coverage, risk = risk_coverage(test.labels, served)
    yield "risk_coverage", risk_coverage_figure(coverage, risk, block.aurc, COVERAGE, name)
    if block.thirds:
        yield "thirds", thirds_figure(block.thirds, name)
    if block.agreement:
        yield "agreement", agreement_figure(block.agreement.bins, name)
    if block.robustness:
        yield "corruptions", figures.corruption_map(block.robustness, block.accuracy, name)


def _curves(curves: list[Curve | None], areas: Mapping[str, float | None]) -> dict[str, ClassCurve | None]:
    """Join the curve of each class with its area."""
    joined: dict[str, ClassCurve | None] = {}
    for (label, area), curve in zip(areas.items(), curves, strict=True):
        joined[label] = None if curve is None or area is None else (np.asarray(curve[0]), np.asarray(curve[1]), area)
    return joined
