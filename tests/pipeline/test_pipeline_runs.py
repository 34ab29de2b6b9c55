"""The real graph, run by the real dvc, tracked by the real MLflow. The tests run in this order."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pipeline_project import Project

pytestmark = [pytest.mark.pipeline, pytest.mark.slow, pytest.mark.timeout(1800)]

ALL = {
    "download",
    "clean",
    "eda",
    "prepare",
    "train@cnn",
    "train@cnn_augmented",
    "tune@cnn",
    "train@cnn_tuned",
    "settings@cnn",
    "settings@cnn_augmented",
    "settings@cnn_tuned",
    "search@cnn",
    "study@cnn",
    "infer@cnn",
    "infer@cnn_augmented",
    "infer@cnn_tuned",
    "evaluate@cnn",
    "evaluate@cnn_augmented",
    "evaluate@cnn_tuned",
    "compare",
    "export",
    "register",
}
RESULTS = ("cnn", "cnn_augmented", "cnn_tuned")


def trained_runs(folder: Path) -> pd.DataFrame:
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    runs = mlflow.search_runs(experiment_names=["sample"])
    return runs[runs["tags.mlflow.runName"].isin(RESULTS)]


def test_one_command_runs_every_stage(first_run: str) -> None:
    assert all(f"Running stage '{stage}'" in first_run for stage in ALL)
    assert "cnn_augmented" in first_run.split("Running stage 'register'")[1], "the leaderboard comes at the end"


def test_every_machine_readable_output_is_there(finished: Project) -> None:
    reports = finished.folder / "reports"
    named = ["download/receipt.json", "clean/summary.json", "prepare/summary.json", "register/registration.json"]
    named += [f"evaluate/{name}/metrics.json" for name in RESULTS]
    for name in named:
        assert json.loads((reports / name).read_text()), name
    for name in RESULTS:
        history = pd.read_csv(reports / "train" / name / "history.csv")
        assert history["epoch"].tolist() == [1, 2]
        assert np.isfinite(history.to_numpy()).all()
    assert set(pd.read_csv(reports / "compare/leaderboard.csv")["model"]) == set(RESULTS)


def test_no_output_tells_where_or_when_it_was_made(finished: Project) -> None:
    text = [
        p for p in (finished.folder / "reports").rglob("*") if p.suffix in (".json", ".csv", ".md", ".txt", ".html")
    ]
    assert len(text) > 20
    assert not [p for p in [*text, finished.folder / "dvc.lock"] if str(finished.folder) in p.read_text()]


def test_nothing_to_do_runs_nothing(finished: Project) -> None:
    assert finished.repro() == set()
    assert "up to date" in finished.run("dvc", "status")


def test_dvc_shows_graph_metrics_and_plots(finished: Project) -> None:
    assert "train@cnn_augmented" in finished.run("dvc", "dag")
    shown = finished.run("dvc", "metrics", "show")
    assert "compare/headline.json" in shown
    assert all(f"evaluate/{name}/headline.json" in shown.replace("\\", "/") for name in RESULTS)
    page = finished.run("dvc", "plots", "show", "--out", "plots-page")
    assert "index.html" in page
    html = (finished.folder / "plots-page/index.html").read_text()
    assert "cnn: validation" in html
    assert "confusion" in html


def test_every_result_is_a_run_in_mlflow(finished: Project) -> None:
    runs = trained_runs(finished.folder)
    assert sorted(runs["tags.mlflow.runName"]) == sorted(RESULTS)
    assert set(runs["status"]) == {"FINISHED"}
    metrics = json.loads((finished.folder / "reports/evaluate/cnn/metrics.json").read_text())
    cnn = runs[runs["tags.mlflow.runName"] == "cnn"].iloc[0]
    assert cnn["metrics.validation/accuracy"] == pytest.approx(metrics["validation"]["accuracy"])


def test_the_champion_answers_with_class_probabilities(finished: Project) -> None:
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{finished.folder}/mlflow.db")
    mlflow.set_registry_uri(f"sqlite:///{finished.folder}/mlflow.db")
    model = mlflow.pyfunc.load_model("models:/ferflow-sample@champion")
    faces = np.load(finished.folder / "data/prepare/test_images.npy")[:5]
    answer = model.predict(faces)
    assert list(answer.columns) == ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
    assert np.allclose(answer.sum(axis=1), 1, atol=1e-4)
    champion = json.loads((finished.folder / "reports/compare/champion.json").read_text())["model"]
    kept = pd.read_csv(finished.folder / f"reports/infer/{champion}/predictions_test.csv")
    assert set(kept["label"]) == set(answer.columns)


def test_mlflow_is_rebuilt_from_what_dvc_holds(finished: Project) -> None:
    before = sorted(trained_runs(finished.folder)["tags.mlflow.runName"])
    for path in finished.folder.glob("mlflow.db*"):
        path.unlink()
    finished.run("ferflow", "track")
    assert sorted(trained_runs(finished.folder)["tags.mlflow.runName"]) == before
    finished.run("ferflow", "track")
    assert sorted(trained_runs(finished.folder)["tags.mlflow.runName"]) == before, "never twice"


def test_a_forced_second_training_changes_no_byte(finished: Project) -> None:
    lock = finished.lock()
    assert finished.repro("--force", "--single-item", "train@cnn_augmented") == {"train@cnn_augmented"}
    assert finished.lock() == lock


def test_a_change_in_one_model_reruns_that_model_and_what_follows(finished: Project) -> None:
    finished.edit_params(models__cnn_augmented__train={"learning_rate": 0.004, "augment": {"flip": "random"}})
    ran = finished.repro()
    follows = {f"{stage}@cnn_augmented" for stage in ("settings", "train", "infer", "evaluate")} | {"compare"}
    assert follows <= ran
    assert ran <= follows | {"export", "register"}


def test_a_result_restored_from_the_cache_appears_as_a_run(finished: Project) -> None:
    finished.run("git", "checkout", "--quiet", "params.yaml")
    ran = finished.repro()
    assert "train@cnn_augmented" not in ran, "the run cache holds it"
    finished.run("ferflow", "track")
    assert set(RESULTS) <= set(trained_runs(finished.folder)["tags.mlflow.runName"])


def test_words_retrain_nothing_and_a_value_retrains_what_uses_it(finished: Project) -> None:
    """`dvc repro` after the settings stage: an unchanged file of settings ends the chain there."""
    try:
        finished.edit_params(models__cnn__description="Other words.", datasets__sample__licence="CC0")
        assert finished.repro() == {"settings@cnn", "settings@cnn_tuned", "search@cnn", "export", "register"}
        assert "CC0" in (finished.folder / "reports/register/model_card.md").read_text()
        finished.edit_params(models__cnn_augmented__network__dropout=0.2)
        ran = finished.repro()
        assert {"settings@cnn_augmented", "train@cnn_augmented", "evaluate@cnn_augmented"} <= ran
        assert not ran & {"train@cnn", "train@cnn_tuned", "tune@cnn"}
    finally:
        finished.run("git", "checkout", "--quiet", "params.yaml")
        finished.run("dvc", "repro")
