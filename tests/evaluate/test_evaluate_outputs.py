import json
import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from defaults import section
from ferflow.base.arrays import read_split, write_split
from ferflow.base.errors import DataError, ModelError
from ferflow.base.network import load_model, predict
from ferflow.evaluate import evaluate

ROOT = Path(__file__).parents[2]
BLOCK = [
    "images", "accuracy", "accuracy_low", "accuracy_high", "macro_f1", "macro_f1_low", "macro_f1_high",
    "balanced_accuracy", "macro_precision", "macro_recall", "log_loss", "ece", "top2_accuracy", "per_class",
]  # fmt: skip
SETS = [
    "validation", "test", "PublicTest", "PrivateTest",
    "test_without_copies", "PublicTest_without_copies", "PrivateTest_without_copies",
]  # fmt: skip
SETTINGS = section("evaluate", views="flip", bootstrap=200, batch_size=32)


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, model_path: Path, training: Path, write_data: Callable[..., Path]
) -> Path:
    """A folder with data/prepare and two evaluations of the same network."""
    folder = tmp_path_factory.mktemp("project")
    write_data(folder / "data/prepare")
    for name in ("one", "two"):
        evaluate("cnn", model_path, training, folder / "data/prepare", folder / name, SETTINGS, seed=7)
    return folder


def metrics_of(folder: Path) -> dict:
    return json.loads((folder / "metrics.json").read_text())


def test_the_folder_holds_every_declared_file(project: Path) -> None:
    one = project / "one"
    assert sorted(str(path.relative_to(one)) for path in one.rglob("*") if path.is_file()) == [
        "classification_report.csv",
        "classification_report.txt",
        "confusion.csv",
        "figures/confusion_PrivateTest.png",
        "figures/confusion_PublicTest.png",
        "figures/confusion_validation.png",
        "figures/learning_curves.png",
        "figures/per_class.png",
        "figures/reliability.png",
        "headline.json",
        "metrics.json",
        "predictions_test.csv",
        "predictions_validation.csv",
    ]


def test_the_same_inputs_give_the_same_bytes(project: Path) -> None:
    one, two = project / "one", project / "two"
    for path in one.rglob("*.*"):
        assert path.read_bytes() == (two / path.relative_to(one)).read_bytes(), path.name


def test_metrics_have_every_set_and_every_figure(project: Path) -> None:
    metrics = metrics_of(project / "one")
    assert list(metrics) == ["model", *SETS]
    assert metrics["model"] == "cnn"
    for name in SETS:
        assert list(metrics[name]) == BLOCK
    test = metrics["test"]
    assert test["images"] == 121 == metrics["PublicTest"]["images"] + metrics["PrivateTest"]["images"]
    right = sum(round(metrics[part]["accuracy"] * metrics[part]["images"]) for part in ("PublicTest", "PrivateTest"))
    assert right == round(test["accuracy"] * 121)
    copies = read_split(project / "data/prepare", "test").index["copy_in_train"].sum()
    assert metrics["test_without_copies"]["images"] == 121 - copies
    assert 0.4 < test["accuracy"] < 1


def test_predictions_are_those_of_the_network(project: Path, model_path: Path) -> None:
    split = read_split(project / "data/prepare", "test")
    table = pd.read_csv(project / "one/predictions_test.csv")
    classes = list(split.classes)
    assert list(table.columns) == ["id", "subset", "label", "predicted", *(f"p_{name}" for name in classes)]
    assert table["id"].tolist() == split.index["id"].tolist()
    assert table["subset"].tolist() == split.index["subset"].tolist()
    assert [classes.index(name) for name in table["label"]] == split.labels.tolist()
    network = load_model(model_path)
    images = np.array(split.images)
    expected = (predict(network, images) + predict(network, images[:, :, ::-1])) / 2
    written = table[[f"p_{name}" for name in classes]].to_numpy()
    assert np.abs(written - expected).max() < 2e-6
    assert table["predicted"].tolist() == [classes[place] for place in written.argmax(axis=1)]
    metrics = metrics_of(project / "one")
    assert metrics["test"]["accuracy"] == pytest.approx((table["label"] == table["predicted"]).mean(), abs=1e-6)


def test_confusion_table_is_what_dvc_plots_takes(project: Path) -> None:
    table = pd.read_csv(project / "one/confusion.csv")
    predictions = pd.read_csv(project / "one/predictions_test.csv")
    assert list(table.columns) == ["actual", "predicted"]
    assert table["actual"].tolist() == predictions["label"].tolist()
    assert table["predicted"].tolist() == predictions["predicted"].tolist()


def test_reports_agree_with_the_metrics(project: Path) -> None:
    metrics = metrics_of(project / "one")
    table = pd.read_csv(project / "one/classification_report.csv").set_index(["set", "class"])
    for name in SETS:
        assert table.loc[(name, "macro"), "f1"] == metrics[name]["macro_f1"]
        assert table.loc[(name, "macro"), "support"] == metrics[name]["images"]
        for label, values in metrics[name]["per_class"].items():
            assert table.loc[(name, label)].to_dict() == pytest.approx(values)
    text = (project / "one/classification_report.txt").read_text()
    assert [line.split()[1] for line in text.splitlines() if line.startswith("cnn, ")] == [f"{name}:" for name in SETS]
    accuracy = [float(line.split()[1]) for line in text.splitlines() if line.strip().startswith("accuracy")]
    assert accuracy == pytest.approx([metrics[name]["accuracy"] for name in SETS], abs=5e-4)


def test_headline_is_the_few_numbers(project: Path) -> None:
    metrics, headline = metrics_of(project / "one"), json.loads((project / "one/headline.json").read_text())
    few = ["validation", "PublicTest", "PrivateTest", "PrivateTest_without_copies"]
    assert headline == {
        name: {"accuracy": metrics[name]["accuracy"], "macro_f1": metrics[name]["macro_f1"]} for name in few
    }


def test_pictures_are_pictures(project: Path) -> None:
    for path in (project / "one/figures").glob("*.png"):
        with Image.open(path) as image:
            assert image.size[0] == 1024
            image.load()


@pytest.mark.parametrize(
    ("subsets", "copies", "sets", "pictures"),
    [
        (("test",), False, ["validation", "test"], ["confusion_test.png", "confusion_validation.png"]),
        (
            ("test",), True, ["validation", "test", "test_without_copies"],
            ["confusion_test.png", "confusion_validation.png"],
        ),
        (
            ("PublicTest", "PrivateTest"), False, ["validation", "test", "PublicTest", "PrivateTest"],
            ["confusion_PrivateTest.png", "confusion_PublicTest.png", "confusion_validation.png"],
        ),
    ],
)  # fmt: skip
def test_sets_follow_the_data_and_a_second_run_leaves_no_old_file(
    tmp_path: Path, model_path: Path, training: Path, write_data: Callable[..., Path],
    subsets: tuple[str, ...], copies: bool, sets: list[str], pictures: list[str],
) -> None:  # fmt: skip
    data = write_data(tmp_path / "prepare", subsets, copies)
    out = tmp_path / "out"
    (out / "figures").mkdir(parents=True)
    (out / "figures/confusion_old.png").write_bytes(b"old")
    metrics = evaluate("cnn", model_path, training, data, out, SETTINGS, seed=7)
    assert list(metrics.sets) == sets
    assert sorted(path.name for path in (out / "figures").glob("confusion_*.png")) == pictures


def test_missing_model_data_and_images_are_reported(
    tmp_path: Path, model_path: Path, training: Path, write_data: Callable[..., Path]
) -> None:
    with pytest.raises(DataError, match="dvc repro prepare"):
        evaluate("cnn", model_path, training, tmp_path / "nowhere", tmp_path / "out", SETTINGS, seed=7)
    data = write_data(tmp_path / "prepare")
    with pytest.raises(DataError, match=r"model.keras is missing.*dvc repro train@cnn"):
        evaluate("cnn", tmp_path / "cnn/model.keras", training, data, tmp_path / "out", SETTINGS, seed=7)
    with pytest.raises(DataError, match=r"history.csv is missing.*dvc repro train@cnn"):
        evaluate("cnn", model_path, tmp_path, data, tmp_path / "out", SETTINGS, seed=7)
    write_split(data, "test", read_split(data, "test").take(np.arange(0)))
    with pytest.raises(DataError, match="no test images"):
        evaluate("cnn", model_path, training, data, tmp_path / "out", SETTINGS, seed=7)
    assert not (tmp_path / "out").exists()


def test_a_network_made_for_other_data_is_refused(
    tmp_path: Path, model_path: Path, training: Path, write_data: Callable[..., Path]
) -> None:
    data = write_data(tmp_path / "prepare")
    split = read_split(data, "validation")
    (data / "classes.json").write_text('["angry", "fear", "happy", "sad"]')
    with pytest.raises(ModelError, match=r"3 classes .* 16 pixels, but the prepared data has 4 classes .*fear"):
        evaluate("cnn", model_path, training, data, tmp_path / "out", SETTINGS, seed=7)
    assert len(split) == 60


def test_a_network_that_diverged_is_refused(
    tmp_path: Path, model_path: Path, training: Path, write_data: Callable[..., Path]
) -> None:
    network = load_model(model_path)
    network.layers[-1].set_weights([np.full((4, 3), np.nan), np.zeros(3)])
    network.save(tmp_path / "model.keras")
    data = write_data(tmp_path / "prepare")
    with pytest.raises(ModelError, match="NaN on 60 of 60 images"):
        evaluate("cnn", tmp_path / "model.keras", training, data, tmp_path / "out", SETTINGS, seed=7)


def run_stage(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str) -> None:
    """Run stages/evaluate.py as dvc does, in this process, since a new one needs seconds to import keras."""
    shutil.copy(ROOT / "params.yaml", folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["stages/evaluate.py", *arguments])
    runpy.run_path(str(ROOT / "stages/evaluate.py"), run_name="__main__")


def test_the_stage_writes_the_folder_and_prints_the_result(
    tmp_path: Path,
    model_path: Path,
    training: Path,
    write_data: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_data(tmp_path / "data/prepare")
    shutil.copytree(training, tmp_path / "reports/train/cnn")
    (tmp_path / "models/cnn").mkdir(parents=True)
    shutil.copy(model_path, tmp_path / "models/cnn/model.keras")
    run_stage(monkeypatch, tmp_path, "cnn")
    block = metrics_of(tmp_path / "reports/evaluate/cnn")["validation"]
    assert f"cnn on validation: accuracy {100 * block['accuracy']:.1f} % (" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "the following arguments are required: result"),
        (("alexnet_of_nobody",), 1, "results: 'alexnet_of_nobody' is unknown. Allowed: "),
        (("cnn", "vgg16"), 2, "unrecognized arguments: vgg16"),
    ],
)
def test_the_stage_refuses_what_is_no_result(
    arguments: tuple[str, ...],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        run_stage(monkeypatch, tmp_path, *arguments)
    assert ended.value.code == code
    assert message in capsys.readouterr().err
