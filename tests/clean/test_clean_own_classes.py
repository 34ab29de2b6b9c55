"""Classes that the user names are kept under the user's names, and no class vanishes without a word."""

import json
from pathlib import Path

import pytest
from clean_helpers import Raw, pattern

from ferflow.base.errors import ConfigError, DataError
from ferflow.base.explain import validate
from ferflow.raw.class_names import requested_class
from ferflow.settings.datasets import Labels


def fill(raw: Raw, *folders: str, images: int = 4, start: int = 0) -> None:
    for at, folder in enumerate(folders):
        for number in range(images):
            raw.put(f"{folder}/{number}.jpg", start + at * images + number)


def labels(**changes: object) -> Labels:
    return validate(Labels, {"kind": "folder", **changes}, "params.yaml", "labels.")


def test_the_users_classes_beside_emotions_are_all_kept(raw: Raw) -> None:
    fill(raw, "happy", "neutral", "bored", "confused")
    classes = ("happy", "neutral", "bored", "confused")
    assert raw.clean(classes=classes).summary.classes == dict.fromkeys(sorted(classes), 4)


def test_each_class_has_the_name_that_the_user_gives_it(raw: Raw) -> None:
    fill(raw, "anger", "calm", "Happy", "1_wide awake")
    cleaned = raw.clean(classes=("anger", "calm", "happiness", "1 Wide Awake"))
    assert cleaned.summary.classes == {"1 Wide Awake": 4, "anger": 4, "calm": 4, "happiness": 4}


def test_the_same_in_splits_with_other_spellings(raw: Raw) -> None:
    fill(raw, "train/Anger", "train/calm")
    fill(raw, "test/angry", "test/CALM", start=50)
    rows = raw.clean(classes=("anger", "calm")).manifest
    assert set(zip(rows["split"], rows["label"], strict=True)) == {
        (split, label) for split in ("train", "test") for label in ("anger", "calm")
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("anger", "anger"),
        ("angry", "angry"),  # the same text goes before the same emotion
        ("Angry ", "angry"),
        ("furious", ""),
        ("0_fearful", "scared"),
        ("wide-awake", "Wide awake"),
        ("", ""),
        ("...", ""),
    ],
)
def test_what_a_name_means_among_the_requested_classes(name: str, expected: str) -> None:
    assert requested_class(name, ("anger", "angry", "scared", "Wide awake")) == expected


@pytest.mark.parametrize("folders", [("happy", "neutral", "bored", "confused"), ("train/happy", "train/bored")])
def test_an_unknown_class_beside_emotions_stops_with_the_line_to_write(raw: Raw, folders: tuple[str, ...]) -> None:
    fill(raw, *folders)
    with pytest.raises(DataError) as error:
        raw.clean()
    message = str(error.value)
    assert "bored (4)" in message
    names = sorted(Path(folder).name for folder in folders)
    assert f"labels: {{kind: folder, classes: [{', '.join(names)}]}}" in message
    known = [name for name in names if name in ("happy", "neutral")]
    assert f"labels: {{kind: folder, classes: [{', '.join(known)}]}}" in message
    assert raw.clean(classes=tuple(names)).summary.dropped == 0
    cleaned = raw.clean(classes=tuple(known))
    assert cleaned.summary.dropped_by_reason == {"unknown_class": 4 * (len(names) - len(known))}
    assert "bored (4)" in cleaned.notes[0]


@pytest.mark.parametrize(("folder", "meant"), [("hapy", "happy"), ("Suprise", "surprise"), ("4_nuetral", "neutral")])
def test_a_likely_misspelling_is_named(raw: Raw, folder: str, meant: str) -> None:
    fill(raw, "train/angry", "train/sad", f"train/{folder}")
    with pytest.raises(DataError, match=f"Did you mean {meant} by {folder}"):
        raw.clean()


def test_a_single_stray_file_is_a_note(raw: Raw) -> None:
    fill(raw, "train/angry", "train/happy")
    raw.put("train/hapy/a.jpg", 90)
    cleaned = raw.clean()
    assert cleaned.summary.kept == 8
    assert "Not used: images of classes that are unknown or not requested, 1 in all: hapy (1)." in cleaned.notes[0]
    assert "Did you mean happy by hapy?" in cleaned.notes[0]


def test_a_requested_class_without_images_stops(raw: Raw) -> None:
    fill(raw, "happy", "bored")
    with pytest.raises(DataError, match=r"without any image: boredd\. Did you mean bored by boredd\? Received: bored"):
        raw.clean(classes=("happy", "boredd"))


def test_images_in_no_class_are_said_with_their_folders(raw: Raw) -> None:
    fill(raw, "train/angry", "train/happy", "test/happy", "test/angry")
    fill(raw, "unlabelled", images=100, start=100)
    assert raw.clean().notes == ("Not used: images in no class folder, 100 in all: unlabelled (100).",)
    fill(raw, "happy", start=300)
    notes = "\n".join(raw.clean(classes=("angry", "happy")).notes)
    assert "Not used: images in class folders next to the train and test folders, 4 in all: happy (4)." in notes


def test_links_and_many_unreadable_files_are_said(raw: Raw) -> None:
    fill(raw, "happy", "sad")
    for number in range(12):
        raw.put(f"happy/broken{number}.jpg", b"no image")
    (raw.folder / "sad/link.jpg").symlink_to(raw.folder / "happy/0.jpg")
    notes = "\n".join(raw.clean().notes)
    assert "Not used: links, which are not followed, 1 in all: sad (1)." in notes
    assert "Not used: unreadable files or rows, 12 in all: not an image of a known format (12)." in notes


def test_data_without_any_loss_has_no_notes(raw: Raw) -> None:
    fill(raw, "train/happy", "test/sad")
    raw.put("readme.txt", b"no image and none meant")
    assert raw.clean().notes == ()


def rows_of(*emotions: str) -> bytes:
    rows = [f"{emotion},{' '.join(map(str, pattern(at).ravel()))}" for at, emotion in enumerate(emotions)]
    return "\n".join(["emotion,pixels", *rows]).encode()


def test_the_same_holds_for_the_labels_of_a_table(raw: Raw) -> None:
    raw.put("own.csv", rows_of("3", "bored", "bored", "Anger", "7"))
    with pytest.raises(DataError, match=r"no known emotion: bored \(2\)"):
        raw.clean()
    cleaned = raw.clean(classes=("happiness", "bored"))
    assert cleaned.summary.classes == {"bored": 2, "happiness": 1}
    assert cleaned.summary.dropped_by_reason == {"table": 1, "unknown_class": 1, "no_label": 1}


def test_a_table_of_the_users_own_classes_alone(raw: Raw) -> None:
    raw.put("own.csv", rows_of("calm", "bored", "bored", "9"))
    assert raw.clean().summary.classes == {"bored": 2, "calm": 1}


@pytest.mark.parametrize("names", [["anger", "wide awake"], ["café"], ["Bored", "1"], []])
def test_params_take_any_name_of_a_folder(names: list[str]) -> None:
    assert list(labels(classes=names).classes) == names


@pytest.mark.parametrize("names", [[""], [" a"], ["a/b"], ["a\nb"], ["a", "A"], ["x" * 61]])
def test_params_refuse_names_that_no_folder_can_have(names: list[str]) -> None:
    with pytest.raises(ConfigError):
        labels(classes=names)
    json.dumps(names)
