"""The files of reports/evaluate/<result>/, and what evaluate refuses."""

import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from defaults import section
from evaluation_data import MISTAKES, write_data, write_inference
from ferflow.base.arrays import read_split
from ferflow.base.errors import DataError
from ferflow.base.files import read_json, write_json
from ferflow.evaluate import evaluate
from ferflow.scoring.predictions import read_predictions

ROOT = Path(__file__).parents[2]
BLOCK = [
    "images", "accuracy", "accuracy_low", "accuracy_high", "macro_f1", "macro_f1_low", "macro_f1_high",
    "balanced_accuracy", "macro_precision", "macro_recall", "kappa", "top2_accuracy", "log_loss", "brier", "ece",
    "classwise_ece", "uncalibrated", "roc_auc", "average_precision", "aurc", "accuracy_at_80", "absent_classes",
    "per_class", "thirds", "agreement",
]  # fmt: skip
SETS = [
    "validation", "test", "PublicTest", "PrivateTest",
    "test_without_copies", "PublicTest_without_copies", "PrivateTest_without_copies",
]  # fmt: skip
SETTINGS = section("evaluate", bootstrap=200)


def metrics_of(folder: Path) -> dict:
    return json.loads((folder / "metrics.json").read_text())


def test_the_folder_holds_every_declared_file(evaluated: Path) -> None:
    assert sorted(str(path.relative_to(evaluated)) for path in evaluated.rglob("*") if path.is_file()) == [
        "classification_report.csv",
        "classification_report.txt",
        "confusion.csv",
        "faces/grad_cam.png",
        "faces/mistakes.png",
        "figures/agreement.png",
        "figures/confusion_PrivateTest.png",
        "figures/confusion_PublicTest.png",
        "figures/confusion_validation.png",
        "figures/corruptions.png",
        "figures/learning_curves.png",
        "figures/per_class.png",
        "figures/precision_recall.png",
        "figures/reliability.png",
        "figures/risk_coverage.png",
        "figures/roc.png",
        "figures/thirds.png",
        "headline.json",
        "index.html",
        "metrics.json",
    ]


def test_the_same_inputs_give_the_same_bytes(
    tmp_path: Path, evaluated: Path, data: Path, inferred: Path, training: Path
) -> None:
    evaluate("cnn", inferred, training, data, tmp_path / "cnn", SETTINGS, seed=7)
    for path in evaluated.rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "cnn" / path.relative_to(evaluated)).read_bytes(), path.name


def test_metrics_have_every_set_and_every_number(evaluated: Path, data: Path) -> None:
    metrics = metrics_of(evaluated)
    assert list(metrics) == ["model", "views", "temperature", *SETS]
    assert (metrics["model"], metrics["views"]) == ("cnn", "flip")
    for name in SETS:
        assert list(metrics[name])[: len(BLOCK)] == BLOCK
        assert ("robustness" in metrics[name]) == (name != "validation")
    test = metrics["test"]
    assert test["images"] == 121 == metrics["PublicTest"]["images"] + metrics["PrivateTest"]["images"]
    right = sum(round(metrics[part]["accuracy"] * metrics[part]["images"]) for part in ("PublicTest", "PrivateTest"))
    assert right == round(test["accuracy"] * 121)
    copies = read_split(data, "test").index["copy_in_train"].sum()
    assert metrics["test_without_copies"]["images"] == 121 - copies
    assert 0.4 < test["accuracy"] < 1


def test_the_temperature_makes_overconfident_probabilities_better(evaluated: Path) -> None:
    metrics = metrics_of(evaluated)
    assert metrics["temperature"] > 1.2
    validation = metrics["validation"]
    for kind in ("log_loss", "brier", "ece"):
        assert validation[kind] < validation["uncalibrated"][kind], kind


def test_confusion_table_is_what_dvc_plots_takes(evaluated: Path, inferred: Path) -> None:
    table = pd.read_csv(evaluated / "confusion.csv")
    predictions = pd.read_csv(inferred / "predictions_test.csv")
    assert list(table.columns) == ["actual", "predicted"]
    assert table["actual"].tolist() == predictions["label"].tolist()
    assert table["predicted"].tolist() == predictions["predicted"].tolist()


def test_reports_agree_with_the_metrics(evaluated: Path) -> None:
    metrics = metrics_of(evaluated)
    table = pd.read_csv(evaluated / "classification_report.csv").set_index(["set", "class"])
    for name in SETS:
        assert table.loc[(name, "macro"), "f1"] == metrics[name]["macro_f1"]
        assert table.loc[(name, "macro"), "support"] == metrics[name]["images"]
        for label, values in metrics[name]["per_class"].items():
            row = table.loc[(name, label)].to_dict()
            assert row == pytest.approx({key: values[key] for key in ("precision", "recall", "f1", "support")})
    text = (evaluated / "classification_report.txt").read_text()
    assert [line.split()[1] for line in text.splitlines() if line.startswith("cnn, ")] == [f"{name}:" for name in SETS]
    accuracy = [float(line.split()[1]) for line in text.splitlines() if line.strip().startswith("accuracy")]
    assert accuracy == pytest.approx([metrics[name]["accuracy"] for name in SETS], abs=5e-4)


def test_headline_is_the_few_numbers(evaluated: Path) -> None:
    metrics, headline = metrics_of(evaluated), json.loads((evaluated / "headline.json").read_text())
    few = ["validation", "PublicTest", "PrivateTest", "PrivateTest_without_copies"]
    assert headline == {
        name: {"accuracy": metrics[name]["accuracy"], "macro_f1": metrics[name]["macro_f1"]} for name in few
    }


def test_pictures_are_pictures(evaluated: Path) -> None:
    for path in evaluated.rglob("*.png"):
        with Image.open(path) as image:
            assert image.size[0] == 1024
            image.load()


@pytest.mark.parametrize(
    ("subsets", "copies", "sets", "pictures"),
    [
        (("test",), True, ["validation", "test", "test_without_copies"],
         ["confusion_test.png", "confusion_validation.png"]),
        (("PublicTest", "PrivateTest"), False, ["validation", "test", "PublicTest", "PrivateTest"],
         ["confusion_PrivateTest.png", "confusion_PublicTest.png", "confusion_validation.png"]),
    ],
)  # fmt: skip
def test_sets_follow_the_data_and_a_second_run_leaves_no_old_file(
    tmp_path: Path, training: Path, subsets: tuple[str, ...], copies: bool, sets: list[str], pictures: list[str]
) -> None:
    data = write_data(tmp_path / "prepare", subsets, copies)
    (tmp_path / "cnn").mkdir()
    inferred = write_inference(tmp_path / "cnn", data, kinds=())
    out = tmp_path / "out"
    (out / "figures").mkdir(parents=True)
    (out / "figures/confusion_old.png").write_bytes(b"old")
    metrics = evaluate("cnn", inferred, training, data, out, SETTINGS, seed=7)
    assert list(metrics.sets) == sets
    assert sorted(path.name for path in (out / "figures").glob("confusion_*.png")) == pictures
    block = metrics_of(out)["test"]
    assert "agreement" not in block, "no votes, no block"
    assert "robustness" not in block, "no corruptions, no block"
    assert "by_views" not in block, "no views compared, no block"
    assert not (out / "figures/agreement.png").exists()


def test_the_faces_are_the_mistakes(evaluated: Path, inferred: Path) -> None:
    with np.load(inferred / "explanations.npz") as file:
        assert len(file["rows"]) == MISTAKES
    heights = [Image.open(evaluated / f"faces/{name}.png").height for name in ("mistakes", "grad_cam")]
    assert heights[0] == pytest.approx(heights[1], abs=80), "two rows of four, and a title of one or two lines"


def test_files_that_do_not_belong_together_are_refused(
    tmp_path: Path, data: Path, inferred: Path, training: Path
) -> None:
    def refused(says: str, name: str = "cnn", folder: Path = inferred, arrays: Path = data) -> None:
        with pytest.raises(DataError, match=says):
            evaluate(name, folder, training, arrays, tmp_path / "out", SETTINGS, seed=7)
        assert not (tmp_path / "out").exists()

    refused("dvc repro prepare", arrays=tmp_path)
    refused("dvc repro infer@nobody", folder=tmp_path / "nobody")
    refused("is about 'cnn', not 'vgg16'", name="vgg16")
    other = write_data(tmp_path / "prepare", copies=False)
    index = pd.read_parquet(other / "test_index.parquet")
    index.assign(id=index["id"] + "x").to_parquet(other / "test_index.parquet")
    refused(r"predictions_test\.csv is not about the test images.*dvc repro infer@cnn", arrays=other)
    broken = tmp_path / "cnn"
    shutil.copytree(inferred, broken)
    (broken / "explanations.npz").write_bytes(b"no archive")
    refused(r"explanations\.npz cannot be read.*dvc repro -f infer@cnn", folder=broken)
    np.savez(broken / "explanations.npz", rows=np.array([9999]), maps=np.zeros((1, 16, 16), np.uint8))
    refused("is about other images", folder=broken)
    write_json(broken / "summary.json", {"model": "cnn"})
    refused("views: missing", folder=broken)


def test_everything_right_has_no_faces_to_show(tmp_path: Path, training: Path, data: Path, inferred: Path) -> None:
    folder = tmp_path / "cnn"
    shutil.copytree(inferred, folder)
    shutil.copytree(data, tmp_path / "prepare")
    predicted = read_predictions(folder, "test").predicted
    np.save(tmp_path / "prepare/test_labels.npy", predicted)
    table = pd.read_csv(folder / "predictions_test.csv")
    table.assign(label=table["predicted"]).to_csv(folder / "predictions_test.csv", index=False)
    np.savez(folder / "explanations.npz", rows=np.zeros(0, np.int64), maps=np.zeros((0, 16, 16), np.uint8))
    metrics = evaluate("cnn", folder, training, tmp_path / "prepare", tmp_path / "out", SETTINGS, seed=7)
    assert metrics.sets["test"].accuracy == 1
    assert metrics.sets["test"].aurc == 0
    assert (tmp_path / "out/faces").is_dir()
    assert not list((tmp_path / "out/faces").iterdir())


def run_stage(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str) -> None:
    """Run stages/evaluate.py as dvc does, in this process."""
    shutil.copy(ROOT / "params.yaml", folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["stages/evaluate.py", *arguments])
    runpy.run_path(str(ROOT / "stages/evaluate.py"), run_name="__main__")


def test_the_stage_writes_the_folder_and_prints_the_result(
    tmp_path: Path,
    data: Path,
    inferred: Path,
    training: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(data, tmp_path / "data/prepare")
    shutil.copytree(training, tmp_path / "reports/train/cnn")
    shutil.copytree(inferred, tmp_path / "reports/infer/cnn")
    run_stage(monkeypatch, tmp_path, "cnn")
    block = read_json(tmp_path / "reports/evaluate/cnn/metrics.json")["validation"]
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


def test_the_stage_needs_no_keras() -> None:
    """Importing everything that the stage imports loads no deep-learning library."""
    code = (
        "import runpy, sys; runpy.run_path('stages/evaluate.py', run_name='imported');"
        "print(sorted({'keras', 'tensorflow', 'jax', 'torch', 'mlflow'} & set(sys.modules)))"
    )
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert printed.stdout.strip() == "[]"
