"""Stage infer on a real small network: its files, their bytes, and what it refuses."""

import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from defaults import section
from evaluation_data import SIDE, write_data
from ferflow.base.arrays import read_split, write_split
from ferflow.base.errors import DataError, ModelError
from ferflow.base.files import read_json
from ferflow.base.network import load_model, predict
from ferflow.infer import infer
from ferflow.infer.views import predict_views
from ferflow.scoring.predictions import read_predictions, read_viewed

ROOT = Path(__file__).parents[2]
SETTINGS = section(
    "infer", views="flip", batch_size=32, mistakes=6, corruptions={"kinds": ["contrast"], "severities": [1, 5]}
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, model_path: Path) -> Path:
    """A folder with data/prepare and two inferences of the same network."""
    folder = tmp_path_factory.mktemp("project")
    write_data(folder / "data/prepare")
    for name in ("one", "two"):
        infer("cnn", model_path, folder / "data/prepare", folder / name / "cnn", SETTINGS)
    return folder


def test_the_folder_holds_every_file_and_the_same_bytes_each_time(project: Path) -> None:
    names = [
        "corruptions.npz", "explanations.npz", "predictions_test.csv", "predictions_validation.csv", "summary.json",
        "views.npz",
    ]  # fmt: skip
    for folder in ("one", "two"):
        assert sorted(path.name for path in (project / folder / "cnn").iterdir()) == names
    for name in names:
        assert (project / "one/cnn" / name).read_bytes() == (project / "two/cnn" / name).read_bytes(), name
    assert read_json(project / "one/cnn/summary.json") == {"model": "cnn", "views": "flip", "layer": "pooling"}


def test_predictions_are_those_of_the_network(project: Path, model_path: Path) -> None:
    split = read_split(project / "data/prepare", "test")
    table = pd.read_csv(project / "one/cnn/predictions_test.csv")
    classes = list(split.classes)
    facts = ["id", "subset", "group", "copy_in_train"]
    assert list(table.columns) == [*facts, "label", "predicted", *(f"p_{name}" for name in classes)]
    pd.testing.assert_frame_equal(table[facts], split.index[facts], check_dtype=False)
    assert [classes.index(name) for name in table["label"]] == split.labels.tolist()
    network, images = load_model(model_path), np.array(split.images)
    expected = (predict(network, images) + predict(network, images[:, :, ::-1])) / 2
    written = table[[f"p_{name}" for name in classes]].to_numpy()
    assert np.allclose(written, expected, rtol=2e-5, atol=0)
    assert table["predicted"].tolist() == [classes[place] for place in written.argmax(axis=1)]


def test_each_kind_of_views_has_its_own_answers(project: Path, model_path: Path) -> None:
    network = load_model(model_path)
    splits = {name: read_split(project / "data/prepare", name) for name in ("validation", "test")}
    found = read_viewed(project / "one/cnn", {name: len(split) for name, split in splits.items()})
    assert found.views == ("single", "flip", "ten_crop")
    for name, split in splits.items():
        images = np.array(split.images)
        assert np.array_equal(found.splits[name][0], predict(network, images).argmax(axis=1))
        assert np.array_equal(found.splits[name][1], read_predictions(project / "one/cnn", name).predicted)
        for row, views in enumerate(found.views):
            expected = predict_views(network, images, views, 32, "").argmax(axis=1)
            assert np.array_equal(found.splits[name][row], expected), views
    assert len({row.tobytes() for row in found.splits["test"]}) == 3, "ten crops answer otherwise for some image"


def test_the_most_confident_mistakes_are_explained(project: Path) -> None:
    predictions = read_predictions(project / "one/cnn", "test")
    with np.load(project / "one/cnn/explanations.npz") as file:
        rows, maps = file["rows"], file["maps"]
    assert maps.shape == (6, SIDE, SIDE)
    assert maps.dtype == np.uint8
    wrong = np.flatnonzero(predictions.predicted != predictions.labels)
    top = predictions.probabilities.max(axis=1)
    assert set(rows) <= set(wrong)
    assert top[rows].min() >= max(top[row] for row in set(wrong) - set(rows))
    assert (np.diff(top[rows]) <= 0).all()


def test_other_data_and_missing_files_are_refused(tmp_path: Path, project: Path, model_path: Path) -> None:
    data = project / "data/prepare"
    with pytest.raises(DataError, match="dvc repro prepare"):
        infer("cnn", model_path, tmp_path, tmp_path / "out", SETTINGS)
    with pytest.raises(DataError, match="dvc repro train@cnn"):
        infer("cnn", tmp_path / "cnn/model.keras", data, tmp_path / "out", SETTINGS)
    shutil.copytree(data, tmp_path / "larger")
    split = read_split(data, "test")
    large = np.repeat(np.repeat(split.images, 2, axis=1), 2, axis=2)
    for name in ("validation", "test"):
        write_split(tmp_path / "larger", name, type(split)(large, split.labels, split.index, split.classes))
    with pytest.raises(ModelError, match=r"images of 16 pixels.*images of 32 pixels.*dvc repro train@cnn"):
        infer("cnn", model_path, tmp_path / "larger", tmp_path / "out", SETTINGS)
    write_split(tmp_path / "larger", "test", split.take(np.zeros(0, np.int64)))
    with pytest.raises(DataError, match="has no test images"):
        infer("cnn", model_path, tmp_path / "larger", tmp_path / "out", SETTINGS)
    assert not (tmp_path / "out").exists(), "nothing half-written"


def test_a_network_that_diverged_is_refused(tmp_path: Path, project: Path, model_path: Path) -> None:
    network = load_model(model_path)
    network.layers[-1].set_weights([np.full((4, 3), np.nan), np.zeros(3)])
    network.save(tmp_path / "model.keras")
    with pytest.raises(ModelError, match="NaN on 60 of 60 images"):
        infer("cnn", tmp_path / "model.keras", project / "data/prepare", tmp_path / "out", SETTINGS)


def test_a_network_without_mistakes_has_nothing_to_explain(tmp_path: Path, project: Path, model_path: Path) -> None:
    data = tmp_path / "prepare"
    shutil.copytree(project / "data/prepare", data)
    predicted = read_predictions(project / "one/cnn", "test").predicted
    split = read_split(data, "test")
    write_split(data, "test", type(split)(np.array(split.images), predicted, split.index, split.classes))
    assert infer("cnn", model_path, data, tmp_path / "cnn", SETTINGS).layer is None
    with np.load(tmp_path / "cnn/explanations.npz") as file:
        assert file["maps"].shape == (0, SIDE, SIDE)


def run_stage(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str) -> None:
    """Run stages/infer.py as dvc does, in this process, since a new one needs seconds to import keras."""
    text = (ROOT / "params.yaml").read_text()
    (folder / "params.yaml").write_text(text.replace("kinds: [gaussian_noise, ", "kinds: [] #"))
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["stages/infer.py", *arguments])
    runpy.run_path(str(ROOT / "stages/infer.py"), run_name="__main__")


def test_the_stage_writes_the_folder(
    tmp_path: Path, project: Path, model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(project / "data/prepare", tmp_path / "data/prepare")
    shutil.copytree(model_path.parent, tmp_path / "models/cnn")
    run_stage(monkeypatch, tmp_path, "cnn")
    assert len(read_predictions(tmp_path / "reports/infer/cnn", "test").labels) == 121


def test_the_stage_refuses_what_is_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run_stage(monkeypatch, tmp_path, "alexnet_of_nobody")
    assert ended.value.code == 1
    assert "results: 'alexnet_of_nobody' is unknown. Allowed: " in capsys.readouterr().err
