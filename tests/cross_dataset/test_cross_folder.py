"""Faces of folders in the layouts of other datasets, and folders that are none."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from defaults import section
from ferflow.base.arrays import Split, write_split
from ferflow.base.errors import DataError
from ferflow.cross_dataset.face_folder import read_faces
from ferflow.raw.images import fit

CLEAN = section("clean")
RNG = np.random.default_rng(2)


def save(path: Path, side: int = 48, colour: bool = False) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RNG.integers(0, 256, (side, side, 3) if colour else (side, side), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


def test_a_folder_for_each_class_at_any_size_and_colour(tmp_path: Path) -> None:
    exact = save(tmp_path / "Anger/a.png")
    save(tmp_path / "happy/b.png", side=100)
    save(tmp_path / "happy/c.jpg", colour=True)
    faces = read_faces(tmp_path, 48, CLEAN)
    assert faces.labels == ("angry", "happy", "happy")
    assert faces.index["id"].tolist() == ["Anger/a.png", "happy/b.png", "happy/c.jpg"]
    assert (faces.images.dtype, faces.images.shape) == (np.uint8, (3, 48, 48))
    assert np.array_equal(faces.images[0], exact)
    assert faces.notes == ()
    assert faces.grouped_by == "identical image"


def test_enlargement_is_that_of_prepare_or_the_bilinear_one_of_other_pipelines(tmp_path: Path) -> None:
    small = save(tmp_path / "happy/a.png")
    usual, bilinear = (read_faces(tmp_path, 64, CLEAN, resampling=name).images[0] for name in ("lanczos", "bilinear"))
    assert np.array_equal(usual, fit(small, 64))
    theirs = cv2.resize(small, (64, 64), interpolation=cv2.INTER_LINEAR)
    assert np.abs(bilinear.astype(int) - theirs).max() <= 1, "but for rounding"
    assert np.abs(usual.astype(int) - theirs).max() > 20


def test_ckplus_has_contempt_and_subjects(tmp_path: Path) -> None:
    for name in ("anger/S010_004_00000017.png", "contempt/S010_005_00000018.png", "sadness/S011_001_00000016.png"):
        save(tmp_path / "CK+48" / name)
    faces = read_faces(tmp_path, 48, CLEAN)
    assert faces.labels == ("angry", "contempt", "sad")
    assert (faces.grouped_by, faces.index["group"].tolist()) == ("person", [0, 0, 1])


@pytest.mark.parametrize("folder", ["", "jaffe"])
def test_jaffe_has_labels_in_the_names_of_files(tmp_path: Path, folder: str) -> None:
    for name in ("KA.AN1.39.tiff", "KA.HA1.29.tiff", "YM.SU1.58.tiff"):
        save(tmp_path / folder / name, side=256)
    save(tmp_path / folder / "KA.tiff")
    faces = read_faces(tmp_path, 48, CLEAN)
    assert faces.labels == ("angry", "happy", "surprise")
    assert (faces.grouped_by, faces.index["group"].tolist()) == ("person", [0, 0, 1])
    assert faces.notes == ("Left out: 1 image without a label.",)


def test_rafdb_has_numbers_and_splits(tmp_path: Path) -> None:
    for code in "1234567":
        save(tmp_path / f"DATASET/train/{code}/train_{code}.jpg", side=100)
        save(tmp_path / f"DATASET/test/{code}/test_{code}.jpg", side=100)
    faces = read_faces(tmp_path, 48, CLEAN)
    assert faces.labels == ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")
    assert all("/test/" in name for name in faces.index["id"])
    assert faces.notes[0].startswith("Used: the 7 test images of 14; --split chooses another.")
    assert "codes of rafdb" in faces.notes[1]
    assert all("/train/" in name for name in read_faces(tmp_path, 48, CLEAN, "train").index["id"])
    with pytest.raises(DataError, match=r"has no validation images, but test and train\. Choose one with --split"):
        read_faces(tmp_path, 48, CLEAN, "validation")


def test_a_map_leaves_out_what_it_does_not_name(tmp_path: Path) -> None:
    for code in "127":
        save(tmp_path / code / "1.png")
    faces = read_faces(tmp_path, 48, CLEAN, labels={"1": "happy", "2": "Sadness"})
    assert faces.labels == ("happy", "sad")
    assert faces.notes == ("Left out: 1 image of a label that --map does not name (7).",)
    with pytest.raises(DataError, match="no label is one of those that --map names"):
        read_faces(tmp_path, 48, CLEAN, labels={"9": "happy"})


def test_a_table_of_pixels(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, (3, 48 * 48))
    table = pd.DataFrame({"emotion": [3, 4, 0], "pixels": [" ".join(map(str, row)) for row in pixels]})
    table.assign(Usage=["PublicTest", "PrivateTest", "Training"]).to_csv(tmp_path / "fer2013.csv", index=False)
    faces = read_faces(tmp_path, 48, CLEAN)
    assert faces.labels == ("happy", "sad")
    assert faces.index["subset"].tolist() == ["PublicTest", "PrivateTest"]
    assert np.array_equal(faces.images.reshape(2, -1), pixels[:2])


def test_what_cannot_be_used_is_counted(tmp_path: Path) -> None:
    save(tmp_path / "happy/good.png")
    save(tmp_path / "happy/small.png", side=12)
    Image.new("L", (48, 48), 90).save(tmp_path / "happy/blank.png")
    (tmp_path / "happy/broken.png").write_bytes((tmp_path / "happy/good.png").read_bytes()[:200])
    (tmp_path / "happy/page.jpg").write_text("<html>")
    save(tmp_path / "stray.png")
    save(tmp_path / "smirk/1.png")
    faces = read_faces(tmp_path, 48, CLEAN)
    assert faces.labels == ("happy",)
    (note,) = faces.notes
    for part in ("2 unreadable images", "1 blank image", "1 image smaller than 20 pixels", "1 image of class smirk"):
        assert part in note


def test_copies_count_as_one_group_and_stay(tmp_path: Path) -> None:
    save(tmp_path / "happy/1.png")
    for name in ("happy/2.png", "sad/3.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((tmp_path / "happy/1.png").read_bytes())
    faces = read_faces(tmp_path, 48, CLEAN)
    assert faces.labels == ("happy", "happy", "sad")
    assert faces.index["group"].nunique() == 1


def test_prepared_arrays(tmp_path: Path) -> None:
    index = pd.DataFrame({"id": ["a", "b"], "subset": "test", "group": [0, 1], "copy_in_train": False})
    images = RNG.integers(0, 256, (2, 48, 48), dtype=np.uint8)
    write_split(tmp_path, "test", Split(images, np.array([1, 0]), index, ("happy", "sad")))
    faces = read_faces(tmp_path, 48, CLEAN)
    assert faces.labels == ("sad", "happy")
    assert np.array_equal(faces.images, images)
    with pytest.raises(DataError, match="images of 48 pixels, but the network takes 64"):
        read_faces(tmp_path, 64, CLEAN)


def test_folders_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing is not a folder"):
        read_faces(tmp_path / "missing", 48, CLEAN)
    with pytest.raises(DataError, match=r"has no face with a label\. It has no image"):
        read_faces(tmp_path, 48, CLEAN)
    save(tmp_path / "1.png")
    with pytest.raises(DataError, match=r"has no face with a label\. Found: 1 image in no class folder"):
        read_faces(tmp_path, 48, CLEAN)
