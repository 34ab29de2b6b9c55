"""Every layout of folders that datasets come in."""

import pytest
from clean_helpers import Raw

from ferflow.clean.layout_parser import place_files, settle_splits


def places(*paths: str, classes: tuple[str, ...] = ()) -> list[tuple[str, str, str, str]]:
    return [(p.split, p.subset, p.label, p.reason) for p in settle_splits(place_files(paths, classes))]


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        *((name, "angry") for name in ("angry", "anger", "Angry", "ANGER", "0_angry", "angry ", "1. Anger")),
        *((name, "disgust") for name in ("disgust", "disgusted", "Disgusted")),
        *((name, "fear") for name in ("fear", "fearful", "Fearful")),
        *((name, "happy") for name in ("happy", "happiness", "HAPPINESS")),
        *((name, "sad") for name in ("sad", "sadness")),
        *((name, "surprise") for name in ("surprise", "surprised")),
        ("neutral", "neutral"),
        ("contempt", "contempt"),
        ("contemptuous", "contempt"),
    ],
)
def test_emotions_by_any_of_their_usual_names(folder: str, expected: str) -> None:
    assert places(f"train/{folder}/a.jpg", "test/happy/b.jpg")[0] == ("train", "train", expected, "")


@pytest.mark.parametrize(
    ("folder", "split", "subset"),
    [
        ("train", "train", "train"),
        ("Training", "train", "Training"),
        ("TRAIN", "train", "train"),
        ("train_set", "train", "train"),
        ("FER2013Train", "train", "train"),
        ("test", "test", "test"),
        ("Testing", "test", "test"),
        ("PublicTest", "test", "PublicTest"),
        ("PrivateTest", "test", "PrivateTest"),
        ("private_test", "test", "PrivateTest"),
        ("val", "validation", "validation"),
        ("valid", "validation", "validation"),
        ("validation", "validation", "validation"),
        ("FER2013Valid", "validation", "validation"),
    ],
)
def test_splits_by_any_of_their_usual_names(folder: str, split: str, subset: str) -> None:
    found = places(f"{folder}/angry/a.jpg", "train/happy/b.jpg", "test/happy/c.jpg")[0]
    assert found == (split, subset, "angry", "")


def test_file_names_separate_the_test_subsets() -> None:
    assert places(
        "train/sad/Training_1.jpg",
        "test/sad/PublicTest_2.jpg",
        "test/sad/PrivateTest_3.jpg",
        "test/sad/other.jpg",
        "validation/sad/PublicTest_4.jpg",
        "train/sad/PrivateTest_5.jpg",
    ) == [
        ("train", "Training", "sad", ""),
        ("test", "PublicTest", "sad", ""),
        ("test", "PrivateTest", "sad", ""),
        ("test", "test", "sad", ""),
        ("validation", "PublicTest", "sad", ""),
        ("train", "train", "sad", ""),  # the folder decides the split
    ]


def test_file_names_define_the_split_if_no_folder_does() -> None:
    assert places("fer/sad/Training_1.jpg", "fer/sad/PrivateTest_3.jpg") == [
        ("train", "Training", "sad", ""),
        ("test", "PrivateTest", "sad", ""),
    ]


def test_one_or_more_folders_above_the_splits() -> None:
    assert places("archive/v2/train/fear/a.jpg", "archive/v2/test/fear/b.jpg") == [
        ("train", "train", "fear", ""),
        ("test", "test", "fear", ""),
    ]


def test_a_top_folder_named_after_a_split_does_not_hide_the_real_ones() -> None:
    assert places("fer2013-test/train/fear/a.jpg", "fer2013-test/test/fear/b.jpg")[0][0] == "train"


def test_splits_below_the_classes() -> None:
    assert places("fear/train/a.jpg", "fear/test/b.jpg") == [
        ("train", "train", "fear", ""),
        ("test", "test", "fear", ""),
    ]


def test_folders_below_a_class_belong_to_it() -> None:
    assert places("train/fear/a/b/c/d/e/x.jpg", "test/fear/x.jpg")[0] == ("train", "train", "fear", "")


@pytest.mark.parametrize("only", ["", "test/", "validation/", "PrivateTest/"])
def test_one_folder_alone_defines_no_split(only: str) -> None:
    assert places(f"{only}happy/a.jpg", f"{only}sad/b.jpg") == [("", "", "happy", ""), ("", "", "sad", "")]


def test_a_training_folder_alone_is_training() -> None:
    assert places("train/happy/a.jpg", "train/sad/b.jpg")[0] == ("train", "train", "happy", "")


def test_files_in_no_class_or_in_an_unknown_one() -> None:
    assert places(
        "train/happy/a.jpg", "test/happy/b.jpg", "train/c.jpg", "d.jpg", "train/smirk/e.jpg", "docs/f.jpg"
    ) == [
        ("train", "train", "happy", ""),
        ("test", "test", "happy", ""),
        ("train", "train", "", "outside_class"),
        ("", "", "", "outside_class"),
        ("train", "train", "", "unknown_class"),
        ("", "", "", "outside_class"),
    ]


def test_a_class_next_to_the_splits_has_no_place() -> None:
    assert [p[3] for p in places("train/happy/a.jpg", "test/happy/b.jpg", "happy/c.jpg")] == ["", "", "no_split"]


def test_only_the_classes_asked_for() -> None:
    found = places("train/happy/a.jpg", "test/anger/b.jpg", "train/Contempt/c.jpg", classes=("happy", "angry"))
    assert [(label, reason) for _, _, label, reason in found] == [("happy", ""), ("angry", ""), ("", "unknown_class")]


@pytest.mark.parametrize("top", ["", "faces/", "my/own/faces/"])
def test_the_users_own_classes_without_splits(top: str) -> None:
    found = places(f"{top}Bored/a.jpg", f"{top}wide awake/b.jpg", f"{top}Bored/deep/c.jpg", f"{top}readme.txt")
    assert found == [
        ("", "", "Bored", ""),
        ("", "", "wide awake", ""),
        ("", "", "Bored", ""),
        ("", "", "", "outside_class"),
    ]


def test_the_users_own_classes_with_splits() -> None:
    assert places("x/train/bored/a.jpg", "x/test/awake/b.jpg", "x/train/c.jpg") == [
        ("train", "train", "bored", ""),
        ("test", "test", "awake", ""),
        ("train", "train", "", "outside_class"),
    ]


def test_the_users_own_classes_can_be_chosen() -> None:
    found = places("Bored/a.jpg", "Wide Awake/b.jpg", "asleep/c.jpg", classes=("bored", "wide_awake"))
    assert [label for _, _, label, _ in found] == ["bored", "wide_awake", ""]  # the names that params.yaml gives them


def test_one_folder_of_images_is_one_class_and_none_is_none() -> None:
    assert places("faces/a.jpg", "faces/b.jpg")[0] == ("", "", "faces", "")
    assert places("a.jpg", "b.jpg")[0] == ("", "", "", "outside_class")
    assert places() == []


def test_same_class_by_two_names_is_one(raw: Raw) -> None:
    raw.put("train/anger/a.jpg", 1)
    raw.put("train/Angry/b.jpg", 2)
    raw.put("test/ANGRY/c.jpg", 3)
    assert raw.clean().summary.classes == {"angry": 3}
