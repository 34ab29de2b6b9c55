"""Real trainings of a tiny network with a real MLflow store: resumption, new arms, the page, the runs."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from ablate_helpers import FILE
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, log_loss

from ferflow.ablate import fold_training
from ferflow.ablate.ablation_file import arm_settings, read_ablation
from ferflow.ablate.ablation_run import Places, run_ablation
from ferflow.ablate.fold_training import find_result, result_key
from ferflow.ablate.pooled_images import pool
from ferflow.base.arrays import read_split
from ferflow.base.errors import DataError, ModelError
from ferflow.settings import Config
from ferflow.train.folds import assign_folds
from ferflow.ui.tracking import Store, connect

pytestmark = pytest.mark.slow
STORE = "sqlite:///mlflow.db"


class StopNow(Exception):  # noqa: N818
    """The machine goes away."""


def places_in(root: Path, data: Path) -> Places:
    return Places(root, data, root / "checkpoints", root / "reports", root / "docs/ablations.md")


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the trainings that really begin."""
    begun: list[str] = []
    train = fold_training.train_network

    def counted(settings: Any, *arguments: Any) -> Any:
        begun.append(settings.result)
        return train(settings, *arguments)

    monkeypatch.setattr(fold_training, "train_network", counted)
    return begun


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, data: Path, config: Config) -> Path:
    """A finished ablation. Tests must not change it."""
    root = tmp_path_factory.mktemp("finished")
    (root / "flips.yaml").write_text(yaml.safe_dump(FILE, sort_keys=False))
    run_ablation(root / "flips.yaml", config, places_in(root, data))
    return root


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    root = tmp_path / "project"
    shutil.copytree(finished, root)
    return root


def runs_of_all(root: Path, config: Config) -> list[Any]:
    store = connect(STORE, root)
    return list(store.client.search_runs([store.experiment(config.dataset)]))


def runs_of(store: Store, config: Config) -> dict[str, Any]:
    found = store.client.search_runs([store.experiment(config.dataset)])
    named = {run.info.run_name: run for run in found}
    assert len(named) == len(found)
    return named


def summary_of(root: Path, config: Config, name: str = "flips") -> dict[str, Any]:
    content: dict[str, Any] = json.loads((root / "reports" / config.dataset / f"{name}.json").read_text())
    return content


def test_the_summary_holds_the_scores_of_all_held_out_images(finished: Path, data: Path, config: Config) -> None:
    """Each number is computed again from the answers on disk, with scikit-learn."""
    summary, ablation = summary_of(finished, config), read_ablation(finished / "flips.yaml")
    images = pool(*(read_split(data, name) for name in ("train", "validation")))
    groups = images.index["group"].to_numpy()
    assert (summary["images"], summary["groups"]) == (len(images), len(set(groups)))
    folds = assign_folds(images.labels, groups, ablation.folds, ablation.seed)
    answers = {arm: np.full((len(images), 3), np.nan) for arm in ablation.arms}
    for arm, shares in answers.items():
        settings = arm_settings(config, ablation, arm)
        for fold in ablation.fold_numbers:
            train, held_out = (images.take(np.flatnonzero(part)) for part in (folds != fold, folds == fold))
            key = result_key(settings, train, held_out, settings.seed + fold, ablation.views)
            result = find_result(finished / "checkpoints", key)
            assert result is not None
            shares[folds == fold] = result.probabilities
    correct = {arm: shares.argmax(axis=1) == images.labels for arm, shares in answers.items()}
    losses = {arm: log_loss(images.labels, shares / shares.sum(axis=1)[:, None]) for arm, shares in answers.items()}
    for arm in ablation.arms:
        scores = summary["arms"][arm]["scores"]
        assert scores["accuracy"] == pytest.approx(accuracy_score(images.labels, answers[arm].argmax(axis=1)), abs=1e-6)
        assert scores["log_loss"] == pytest.approx(losses[arm], abs=1e-5)
        assert scores["accuracy_by_fold"] == pytest.approx(
            [correct[arm][folds == n].mean() for n in (1, 2, 3)], abs=1e-6
        )
    scores = summary["arms"]["flip_random"]["scores"]
    gained = int((correct["flip_random"] & ~correct["baseline"]).sum())
    lost = int((~correct["flip_random"] & correct["baseline"]).sum())
    assert scores["accuracy_difference"]["value"] == pytest.approx((gained - lost) / len(images), abs=1e-6)
    assert scores["log_loss_difference"]["value"] == pytest.approx(losses["flip_random"] - losses["baseline"], abs=1e-5)
    assert scores["p_mcnemar"] == pytest.approx(binomtest(gained, gained + lost).pvalue if gained + lost else 1)
    assert scores["p_holm"] == scores["p_mcnemar"]
    assert not (finished / "checkpoints/unfinished").exists()


def test_an_ablation_that_is_run_again_trains_nothing_and_changes_no_byte(
    project: Path, data: Path, config: Config, trainings: list[str]
) -> None:
    files = [project / "docs/ablations.md", project / "reports" / config.dataset / "flips.json"]
    before = [file.read_bytes() for file in files]
    run_ablation(project / "flips.yaml", config, places_in(project, data))
    assert trainings == []
    assert [file.read_bytes() for file in files] == before


def test_a_new_arm_trains_what_is_new_and_a_renamed_one_nothing(
    project: Path, data: Path, config: Config, trainings: list[str]
) -> None:
    before = summary_of(project, config)
    arms = {"start": {}, "random": {"train.augment.flip": "random"}, "none": {"train.augment.flip": "none"}}
    (project / "flips.yaml").write_text(yaml.safe_dump({**FILE, "arms": arms}, sort_keys=False))
    run_ablation(project / "flips.yaml", config, places_in(project, data))
    assert trainings == [f"none, fold {fold} of 3" for fold in (1, 2, 3)]
    after = summary_of(project, config)["arms"]
    assert after["start"] == before["arms"]["baseline"]
    scores = [arm["scores"] for arm in (after["random"], before["arms"]["flip_random"])]
    for found in scores:
        found.pop("p_holm")  # there are more arms to correct for
    assert scores[0] == scores[1]


def test_a_killed_ablation_resumes_within_a_training(
    tmp_path: Path, finished: Path, data: Path, config: Config, trainings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(finished / "flips.yaml", tmp_path)
    places = places_in(tmp_path, data)
    train, stop = fold_training.train_network, [4]

    def stopped(settings: Any, part: Any, held_out: Any, seed: int, checkpoints: Path) -> Any:
        def on_epoch(row: dict[str, float]) -> None:
            stop[0] -= 1
            if stop[0] == 0:
                raise StopNow

        monkeypatch.undo()
        try:
            from ferflow.train.loop import train_network

            return train_network(settings, part, held_out, seed, checkpoints, on_epoch)
        finally:
            monkeypatch.setattr(fold_training, "train_network", stopped)

    monkeypatch.setattr(fold_training, "train_network", stopped)
    with pytest.raises(StopNow):
        run_ablation(tmp_path / "flips.yaml", config, places)
    monkeypatch.setattr(fold_training, "train_network", train)
    assert (tmp_path / "checkpoints/unfinished").is_dir()
    trainings.clear()
    run_ablation(tmp_path / "flips.yaml", config, places)
    assert len(trainings) == 5
    ours, whole = summary_of(tmp_path, config), summary_of(finished, config)
    for summary in (ours, whole):
        for arm in summary["arms"].values():
            arm.pop("seconds")
    assert ours == whole


def test_other_settings_seed_or_images_are_trained_anew(
    project: Path, data: Path, config: Config, trainings: list[str], write_file: Callable[..., Path], tmp_path: Path
) -> None:
    shorter = {"folds_to_run": 1, "arms": {"baseline": {}}}
    places = places_in(project, data)
    for changes, count in (
        ({}, 0),
        ({"seed": 4}, 1),
        ({"base": {**FILE["base"], "train.momentum": 0.8}}, 1),
        ({"views": "single"}, 1),
    ):
        trainings.clear()
        run_ablation(write_file("other", **{**shorter, **changes}), config, places)
        assert len(trainings) == count, changes
    run = next(run for run in runs_of_all(project, config) if run.data.params.get("views") == "single")
    (nested,) = [
        one for one in runs_of_all(project, config) if one.data.tags.get("mlflow.parentRunId") == run.info.run_id
    ]
    last_epoch = nested.data.metrics["epochs/val_accuracy"]
    assert nested.data.metrics["Best/fold_accuracy"] == pytest.approx(last_epoch, abs=1e-6)
    other = tmp_path / "prepare"
    shutil.copytree(data, other)
    images = np.load(other / "train_images.npy")
    images[0, 0, 0] ^= 1
    np.save(other / "train_images.npy", images)
    trainings.clear()
    run_ablation(write_file("other", **shorter), config, places_in(project, other))
    assert len(trainings) == 1


def test_the_page_has_a_section_per_ablation_and_no_path_or_time_of_day(
    project: Path, data: Path, config: Config, write_file: Callable[..., Path]
) -> None:
    file = write_file("another", folds_to_run=1, description="One fold to look.")
    run_ablation(file, config, places_in(project, data))
    page = (project / "docs/ablations.md").read_text()
    assert page.index("## another on sample") < page.index("## flips on sample")
    assert "1 of 3 folds" in page
    assert "In all arms: `train.epochs: 2`, `train.learning_rate: 0.05`." in page
    rows = [line for line in page.splitlines() if line.startswith("| `flip_random`")]
    assert len(rows) == 2
    assert "`train.augment.flip: random`" in rows[0]
    summary = summary_of(project, config)["arms"]["flip_random"]["scores"]
    difference = summary["accuracy_difference"]
    assert (
        f"{100 * difference['value']:+.2f} ({100 * difference['low']:+.2f} to {100 * difference['high']:+.2f})"
        in rows[1]
    )
    assert f"{summary['folds_ahead']} of 3" in rows[1]
    assert str(project) not in page
    assert os.uname().nodename not in page


def test_an_arm_that_diverges_does_not_end_the_others(
    tmp_path: Path, data: Path, config: Config, write_file: Callable[..., Path]
) -> None:
    arms = {"baseline": {}, "wild": {"train.learning_rate": 1e30}, "other": {"seed": 5}}
    summary = run_ablation(write_file(arms=arms, folds_to_run=1), config, places_in(tmp_path, data))
    assert summary.arms["wild"].scores is None
    assert "no longer finite" in summary.arms["wild"].failed
    assert summary.arms["other"].scores is not None
    page = (tmp_path / "docs/ablations.md").read_text()
    assert "`wild` could not be trained:" in page
    backwards = dict(reversed(arms.items()))
    backwards = {"wild": backwards.pop("wild"), **backwards}
    with pytest.raises(ModelError, match="The baseline cannot be trained"):
        run_ablation(write_file(arms=backwards), config, places_in(tmp_path, data))


def test_a_damaged_result_or_summary_says_what_to_delete(
    project: Path, data: Path, config: Config, write_file: Callable[..., Path]
) -> None:
    places = places_in(project, data)
    (project / "reports" / config.dataset / "old.json").write_text("{}")
    with pytest.raises(DataError, match="is not the summary of an ablation"):
        run_ablation(project / "flips.yaml", config, places)
    for path in places.results.glob("*.npz"):
        path.write_bytes(b"nothing")
    with pytest.raises(DataError, match="Delete it to train again: rm "):
        run_ablation(project / "flips.yaml", config, places)


def test_mlflow_shows_the_ablation_with_a_nested_run_per_training(finished: Path, config: Config) -> None:
    store = connect(STORE, finished)
    runs = runs_of(store, config)
    assert set(runs) == {"ablate flips", *(f"{arm} fold {fold}" for arm in FILE["arms"] for fold in (1, 2, 3))}
    parent, summary = runs["ablate flips"], summary_of(finished, config)
    assert parent.info.status == "FINISHED"
    assert "## flips on sample" in parent.data.tags["mlflow.note.content"]
    for arm, entry in summary["arms"].items():
        assert parent.data.metrics[f"accuracy/{arm}"] == entry["scores"]["accuracy"]
        for fold in (1, 2, 3):
            run = runs[f"{arm} fold {fold}"]
            assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
            assert run.info.status == "FINISHED"
            assert run.info.end_time > run.info.start_time
            accuracy = run.data.metrics["Best/fold_accuracy"]
            assert accuracy == pytest.approx(entry["scores"]["accuracy_by_fold"][fold - 1], abs=1e-6)
            history = store.client.get_metric_history(run.info.run_id, "epochs/val_loss")
            assert [point.step for point in history] == [1, 2]
            assert run.data.params["train.keep"] == "last"
            assert run.data.params["arm"] == arm
    assert [item.path for item in store.client.list_artifacts(parent.info.run_id)] == ["ablation"]


def test_a_lost_store_is_filled_again_without_training(
    finished: Path, tmp_path: Path, data: Path, config: Config, trainings: list[str]
) -> None:
    root = tmp_path / "lost"
    shutil.copytree(finished, root, ignore=shutil.ignore_patterns("mlflow.db*", "mlartifacts"))
    run_ablation(root / "flips.yaml", config, places_in(root, data))
    assert trainings == []
    assert len(runs_of(connect(STORE, root), config)) == 1 + 2 * FILE["folds"]


def test_a_store_that_fails_later_is_a_warning_and_is_filled_by_the_next_run(
    tmp_path: Path,
    data: Path,
    config: Config,
    write_file: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    from ferflow.ablate import ablation_runs
    from ferflow.base.errors import TrackingError

    def broken(*_: Any) -> None:
        raise TrackingError("MLflow at x cannot be used.")

    file = write_file(folds_to_run=1)
    with monkeypatch.context() as patch:
        patch.setattr(ablation_runs, "write_run", broken)
        summary = run_ablation(file, config, places_in(tmp_path, data))
    assert summary.arms["flip_random"].scores is not None
    assert capfd.readouterr().err.count("warning: MLflow at x cannot be used.") == 1
    run_ablation(file, config, places_in(tmp_path, data))
    runs = runs_of(connect(STORE, tmp_path), config)
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert len(runs) == 3


def test_the_command_reads_and_writes_the_places_of_the_project(
    finished: Path,
    data: Path,
    params: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    trainings: list[str],
) -> None:
    from ferflow.ui.cli import main

    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    shutil.copytree(data, tmp_path / "data/prepare")
    shutil.copytree(finished / "checkpoints", tmp_path / "checkpoints/ablate")
    shutil.copy(finished / "flips.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["ferflow", "ablate", "flips.yaml"])
    main()
    assert trainings == []
    assert (tmp_path / "docs/results/ablations.md").read_bytes() == (finished / "docs/ablations.md").read_bytes()
    assert (tmp_path / "reports/ablate/sample/flips.json").is_file()
    assert (tmp_path / "mlflow.db").is_file()
    output = capsys.readouterr().out
    assert "baseline, fold 1 of 3: accuracy" in output
    assert output.endswith("wrote docs/results/ablations.md\n")
    monkeypatch.setattr("sys.argv", ["ferflow", "ablate", "none.yaml"])
    with pytest.raises(SystemExit, match="1"):
        main()
    assert "error: none.yaml is missing." in capsys.readouterr().err
