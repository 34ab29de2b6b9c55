"""`ferflow evaluate` and `ferflow corrupt` on real networks and folders."""

import hashlib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cross_helpers import CODES
from PIL import Image
from sklearn.metrics import accuracy_score, recall_score

from defaults import ROOT
from ferflow.base.arrays import Split, write_split
from ferflow.base.files import read_json
from ferflow.infer.corruptions import CORRUPTIONS, corrupt
from ferflow.raw.images import fit
from ferflow.ui.cli import main

Save = Callable[..., Path]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ferflow(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["ferflow", *map(str, arguments)])
    try:
        main()
    except SystemExit as end:
        return int(str(end.code))
    return 0


def test_a_foreign_network_on_a_foreign_folder(
    project: Path, save_network: Save, grey_faces: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    # The outputs are named one place off, so that every answer is wrong but the order is used as given.
    for classes, expected in ((CODES, 1.0), ((*CODES[1:], CODES[0]), 0.0)):
        path = save_network("net.h5", activation=None)
        arguments = ("--checkpoint", path, "--data", grey_faces, "--classes", " ".join(classes), "--out", "out")
        assert ferflow(monkeypatch, "evaluate", *arguments) == 0
        shown = capsys.readouterr().out
        assert "note: The outputs are logits" in shown
        assert f"{100 * expected:.1f} %" in shown
        metrics = read_json(project / "out/metrics.json")
        assert metrics["scores"]["accuracy"] == expected
        assert (metrics["model"], metrics["data"], metrics["views"]) == ("net", grey_faces.name, "flip")
        table = pd.read_csv(project / "out/predictions.csv", keep_default_na=False)
        assert accuracy_score(table["label"], table["predicted"]) == expected
    names = {path.relative_to(project / "out").as_posix() for path in (project / "out").rglob("*") if path.is_file()}
    assert names == {
        "metrics.json", "predictions.csv", "index.html", "figures/confusion.png", "figures/per_class.png",
        "figures/reliability.png",
    }  # fmt: skip
    assert str(grey_faces) not in "".join(
        (project / "out" / name).read_text() for name in ("metrics.json", "predictions.csv", "index.html")
    )


def test_classes_that_one_side_lacks_are_left_out_and_said(
    project: Path, save_network: Save, grey_faces: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    data = project / "CK"
    shutil.copytree(grey_faces / "angry", data / "anger")
    shutil.copytree(grey_faces / "happy", data / "contempt")
    shutil.copytree(grey_faces / "sad", data / "sadness")
    path = save_network()
    status = ferflow(monkeypatch, "evaluate", "--checkpoint", path, "--data", data, "--classes", ",".join(CODES))
    shown = capsys.readouterr().out
    assert status == 0
    assert "Left out, because the network has no such class: contempt (3 images)." in shown
    assert "The data has no images of disgust, fear, happy, surprise and neutral" in shown
    folder = project / "cross_dataset" / f"{path.parent.name}_on_CK"
    scores = read_json(folder / "metrics.json")["scores"]
    table = pd.read_csv(folder / "predictions.csv")
    assert scores["images"] == len(table) == 6
    expected = recall_score(table["label"], table["predicted"], labels=["angry", "sad"], average="macro")
    assert scores["balanced_accuracy"] == pytest.approx(expected)
    assert read_json(folder / "metrics.json")["left_out"] == {"contempt": 3}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--classes", "a b c d e f g"), "No image of {data} has a class that {model} knows."),
        (("--classes", "angry happy"), "has 7 outputs, but --classes names 2 classes"),
        ((), "there is no classes.json next to it"),
        (("--map", "nowhere.yaml"), "--map: nowhere.yaml is neither a file nor one of"),
    ],
)
def test_mistakes_end_with_a_message(
    project: Path, save_network: Save, grey_faces: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str,
) -> None:  # fmt: skip
    path = save_network()
    assert ferflow(monkeypatch, "evaluate", "--checkpoint", path, "--data", grey_faces, *arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message.format(data=grey_faces.name, model=path.parent.name) in error
    assert [path.name for path in project.iterdir()] == ["params.yaml"], "nothing half-written"


def test_corrupt_writes_arrays_with_checksums(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 48, 48), dtype=np.uint8)
    index = pd.DataFrame({"id": list("abcde"), "subset": "test", "group": range(5), "copy_in_train": False})
    write_split(project / "data/prepare", "test", Split(images, np.array([0, 1, 1, 0, 1]), index, ("happy", "sad")))
    status = ferflow(monkeypatch, "corrupt", "--out", "c", "--kinds", "jpeg shift", "--severities", "2", "5")
    assert status == 0
    assert "5 images under 2 kinds of corruption at 2 severities: 20 images." in capsys.readouterr().out
    for kind in ("jpeg", "shift"):
        for severity in (2, 5):
            assert np.array_equal(np.load(project / f"c/{kind}/{severity}.npy"), corrupt(images, kind, severity))
    assert np.load(project / "c/labels.npy").tolist() == [0, 1, 1, 0, 1]
    assert pd.read_csv(project / "c/index.csv")["label"].tolist() == ["happy", "sad", "sad", "happy", "sad"]
    sums = (project / "c/SHA256SUMS").read_text().splitlines()
    files = [path for path in (project / "c").rglob("*") if path.is_file() and path.name != "SHA256SUMS"]
    assert len(sums) == len(files) == 8
    for line in sums:
        digest, name = line.split("  ")
        assert hashlib.sha256((project / "c" / name).read_bytes()).hexdigest() == digest


def test_corrupt_writes_images_of_a_folder(
    project: Path, grey_faces: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = project / "faces"
    shutil.copytree(grey_faces / "happy", data / "happy")
    (data / "happy/broken.png").write_bytes(b"none")
    status = ferflow(monkeypatch, "corrupt", "--data", data, "--out", "c", "--kinds", "contrast", "--severities", "3")
    assert status == 0
    assert "Left out: 1 image that cannot be read." in capsys.readouterr().out
    for number in range(3):
        original = fit(np.asarray(Image.open(data / f"happy/{number}.png")), 48)
        copy = np.asarray(Image.open(project / f"c/contrast/3/happy/{number}.png.png"))
        assert np.array_equal(copy, corrupt(original[None], "contrast", 3)[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Say what to write: --out FOLDER for the copies"),
        (("--out", "c", "--kinds", "jpg"), "--kinds: 'jpg' is unknown. Did you mean jpeg?"),
        (("--out", "c", "--data", "nowhere"), "nowhere is not a folder"),
        (("--out", "c", "--data", "."), "has no image that can be read"),
        (("--sheet", "s.png"), "dvc repro prepare"),
    ],
)
def test_corrupt_says_what_is_wrong(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...],
    message: str,
) -> None:  # fmt: skip
    assert ferflow(monkeypatch, "corrupt", *arguments) == 1
    assert message in capsys.readouterr().err
    assert [path.name for path in project.iterdir()] == ["params.yaml"]


def test_the_sheet_shows_every_kind(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(0).integers(0, 256, (1, 48, 48), dtype=np.uint8)
    index = pd.DataFrame({"id": ["a"], "subset": "test", "group": [0], "copy_in_train": False})
    write_split(project / "data/prepare", "test", Split(images, np.array([0]), index, ("happy", "sad")))
    assert ferflow(monkeypatch, "corrupt", "--sheet", "sheet.png") == 0
    width, height = Image.open(project / "sheet.png").size
    assert height > width, f"{len(CORRUPTIONS)} rows of six faces"
