"""What the labels of other datasets mean."""

from pathlib import Path

import pytest

from ferflow.base.errors import DataError
from ferflow.cross_dataset.label_codes import jaffe_label, meaning_of, read_map, subject_of


def test_names_of_emotions_and_own_classes() -> None:
    assert meaning_of(["Anger", "Happiness", "smirk"], None) == (
        {"Anger": "angry", "Happiness": "happy", "smirk": "smirk"},
        "",
    )


@pytest.mark.parametrize(
    ("labels", "dataset", "first"),
    [("1234567", "rafdb", "surprise"), ("01234567", "affectnet", "neutral"), ("0123456", "fer2013", "angry")],
)
def test_a_complete_set_of_codes_has_one_reading(labels: str, dataset: str, first: str) -> None:
    meaning, note = meaning_of(labels, None)
    assert meaning[labels[0]] == first
    assert set(meaning) == set(labels)
    assert f"codes of {dataset}" in note


@pytest.mark.parametrize("labels", ["123456", "12", "0", "89"])
def test_an_incomplete_set_is_asked_for(labels: str) -> None:
    with pytest.raises(DataError, match=r"datasets count the emotions in different ways. Say which is meant: --map "):
        meaning_of(labels, None)


def test_a_map_decides(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    path.write_text("1: Happiness\n2: wide awake\n")
    assert meaning_of(["1", "2", "3"], read_map(str(path))) == ({"1": "happy", "2": "wide awake"}, "")
    assert meaning_of(["1", "2"], read_map("rafdb"))[0] == {"1": "surprise", "2": "fear"}


@pytest.mark.parametrize(
    ("content", "message"),
    [("- 1\n- 2\n", "must map labels to classes"), ("{1: ", "is not valid YAML"), ("", "Received: None")],
)
def test_a_map_that_is_none(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "map.yaml"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        read_map(str(path))


def test_a_map_that_is_missing() -> None:
    with pytest.raises(DataError, match="--map: raf is neither a file nor one of fer2013, rafdb, affectnet"):
        read_map("raf")


@pytest.mark.parametrize(
    ("name", "label", "subject"),
    [
        ("KA.AN1.39.tiff", "angry", "KA"),
        ("YM.SU3.60.png", "surprise", "YM"),
        ("ka.ne2.27.TIFF", "neutral", "KA"),
        ("KA.AN1.tiff", "", ""),
        ("S010_004_00000017.png", "", "S010"),
        ("Training_17.jpg", "", ""),
    ],
)
def test_names_of_files(name: str, label: str, subject: str) -> None:
    assert (jaffe_label(name), subject_of(name)) == (label, subject)
