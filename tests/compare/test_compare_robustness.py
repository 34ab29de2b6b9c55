"""The mean corruption error, its baseline, and the page's section."""

from pathlib import Path

import numpy as np
import pytest

from ferflow.base.files import read_json, write_json
from ferflow.compare.result_reader import Result, read_results
from ferflow.compare.robustness import baseline_of, robustness_section, robustness_table
from ferflow.evaluate.robustness import score_robustness
from ferflow.reporting.page import ReportFiles
from ferflow.reporting.robustness import mean_corruption_error
from ferflow.scoring.corrupted_predictions import CorruptedPredictions
from result_files import write_results

KINDS, SEVERITIES = ("jpeg", "shift"), (1, 3, 5)


def two_results(root: Path, architecture: str = "cnn") -> list[Result]:
    """Two results with corrupted predictions: the first is the better one under corruption as well."""
    write_results(root, {"good": 0.9, "poor": 0.6})
    summary = root / "reports/train/poor/summary.json"
    write_json(summary, {**read_json(summary), "architecture": architecture})
    results = read_results(["good", "poor"], *(root / "reports" / name for name in ("evaluate", "infer", "train")))
    changed = []
    for seed, result in enumerate(results):
        found, rng = result.predictions["test"], np.random.default_rng(seed)
        right = rng.random((2, 3, 200)) < np.array([0.8, 0.6, 0.4])[:, None] - 0.2 * seed
        answers = np.where(right, found.labels, (found.labels + 1) % 3).astype(np.uint8)
        scores = score_robustness(found, CorruptedPredictions(KINDS, SEVERITIES, answers), np.ones(200, bool))
        block = result.metrics.sets["test"].model_copy(update={"robustness": scores})
        metrics = result.metrics.model_copy(update={"sets": {**result.metrics.sets, "test": block}})
        changed.append(Result(result.name, metrics, result.summary, result.predictions, result.history))
        expected = right.mean(axis=2)
        assert scores is not None
        assert scores.mean_accuracy == pytest.approx(expected.mean(), abs=1e-6)
        assert scores.relative == pytest.approx(expected.mean() / block.accuracy, abs=1e-5)
        assert [scores.kinds[kind].mean for kind in KINDS] == pytest.approx(expected.mean(axis=1), abs=1e-6)
    return changed


def errors(result: Result, kind: str) -> float:
    scores = result.metrics.sets["test"].robustness
    assert scores is not None
    return sum(1 - value for value in scores.kinds[kind].accuracy)


def test_mini_xception_among_the_results_is_the_baseline(tmp_path: Path) -> None:
    good, poor = two_results(tmp_path, "mini_xception")
    baseline = baseline_of([good, poor], "sample", tmp_path / "none.json")
    assert baseline is not None
    assert baseline.name == "poor"
    table = robustness_table([good, poor], baseline).set_index(["model", "kind"])["corruption_error"]
    ratios = [errors(good, kind) / errors(poor, kind) for kind in KINDS]
    assert [table["good", kind] for kind in KINDS] == pytest.approx(ratios)
    assert table["good", "all"] == pytest.approx(np.mean(ratios))
    assert table["poor", "all"] == pytest.approx(1)
    assert table["good", "all"] < 1


def test_the_stored_reference_is_of_fer2013_alone(tmp_path: Path) -> None:
    results = two_results(tmp_path)
    reference = tmp_path / "reference.json"
    assert baseline_of(results, "fer2013", reference) is None, "there is no file"
    stored = {kind: [0.1, 0.2, 0.3, 0.4, 0.5] for kind in KINDS}
    write_json(reference, {"severities": [1, 2, 3, 4, 5], "errors": stored})
    assert baseline_of(results, "sample", reference) is None
    baseline = baseline_of(results, "fer2013", reference)
    assert baseline is not None
    assert baseline.errors["jpeg"] == [0.1, 0.3, 0.5], "those of the severities that were tested"
    write_json(reference, {"severities": [1, 2], "errors": {kind: [0.1, 0.2] for kind in KINDS}})
    assert baseline_of(results, "fer2013", reference) is None, "severity 3 and 5 are not known"


def test_without_a_baseline_the_error_is_missing(tmp_path: Path) -> None:
    results = two_results(tmp_path)
    table = robustness_table(results, None)
    assert table["corruption_error"].isna().all()
    assert len(table) == 2 * (1 + len(KINDS))
    files = ReportFiles()
    section = robustness_section(results, None, files)
    assert section is not None
    assert "good is best" in section.findings[0]
    assert "no mean corruption error" in section.findings[1]
    assert list(files.images) == ["corruptions.png"]


def test_what_was_not_tested_has_no_section(tmp_path: Path) -> None:
    write_results(tmp_path, {"good": 0.9})
    results = read_results(["good"], *(tmp_path / "reports" / name for name in ("evaluate", "infer", "train")))
    assert baseline_of(results, "fer2013") is None
    assert len(robustness_table(results, None)) == 0
    assert robustness_section(results, None, ReportFiles()) is None


def test_a_baseline_that_lacks_a_kind_gives_no_error(tmp_path: Path) -> None:
    scores = two_results(tmp_path)[0].metrics.sets["test"].robustness
    assert scores is not None
    assert mean_corruption_error(scores, {"jpeg": [0.1, 0.2, 0.3]}) is None
    assert mean_corruption_error(scores, {kind: [0.0, 0.0, 0.0] for kind in KINDS}) is None
    assert mean_corruption_error(scores, {kind: [0.1, 0.2] for kind in KINDS}) is None
