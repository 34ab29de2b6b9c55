"""From a manifest to arrays: the arrays hold exactly the kept images, and unusable data is reported before."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from prepare_helpers import manifest_of, pattern, png, raw_with

from defaults import section
from ferflow.base.arrays import SPLITS, Split, create_images, read_split, write_split
from ferflow.base.errors import DataError
from ferflow.base.hashing import sha256
from ferflow.prepare import array_writer, prepare_arrays
from ferflow.raw.ferplus import COLUMNS
from ferflow.raw.images import fit

CLASSES = ("angry", "happy", "sad")


def faces(split: str, count: int, **more: object) -> list[dict[str, object]]:
    return [{"split": split, "label": CLASSES[number % 3]} | more for number in range(count)]


def usual() -> pd.DataFrame:
    """60 training and 15 + 15 test images, some of them copies, of another size or mode, or dropped."""
    rows = faces("train", 60, subset="Training") + faces("test", 15, subset="PublicTest")
    rows += faces("test", 15, subset="PrivateTest")
    for number in range(0, 12, 2):
        rows[number + 1]["group"] = number
    rows[3] |= {"width": 60, "height": 50}
    rows[4] |= {"mode": "RGB"}
    rows[5] |= {"verdict": "drop", "reason": "exact_copy"}
    rows[62] |= {"copy_in_train": True}
    return manifest_of(rows)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "prepare"
    folder.mkdir()
    return folder


def test_the_arrays_hold_exactly_the_kept_images(tmp_path: Path, out: Path) -> None:
    manifest = usual()
    raw = raw_with(tmp_path / "raw", manifest)
    summary = prepare_arrays(raw, manifest, section("prepare"), out, seed=3).model_dump(mode="json")
    kept = manifest[manifest["verdict"] == "keep"].set_index("path")
    seen: set[str] = set()
    for name in SPLITS:
        split = read_split(out, name)
        assert split.classes == CLASSES
        assert split.votes is None
        for row, (image, label) in enumerate(zip(split.images, split.labels, strict=True)):
            index = split.index.iloc[row]
            source = kept.loc[index["id"]]
            number = int(index["id"][:5])
            assert np.array_equal(image, fit(pattern(number, int(source["height"]), int(source["width"])), 48))
            assert CLASSES[label] == source["label"]
            assert list(index[["subset", "group", "copy_in_train"]]) == list(
                source[["subset", "group", "copy_in_train"]]
            )
            seen.add(index["id"])
        assert split.index["id"].is_monotonic_increasing
    assert seen == set(kept.index)
    assert summary["images"] == {"train": 53, "validation": 6, "test": 30}
    assert summary["per_class"]["validation"] == {"angry": 2, "happy": 2, "sad": 2}
    assert summary["subsets"]["test"] == {"PrivateTest": 15, "PublicTest": 15}
    assert summary["copy_in_train"] == {"train": 0, "validation": 0, "test": 1}
    assert summary["cut"] == ["validation"]
    assert (summary["resized"], summary["converted"], summary["image_size"]) == (1, 1, 48)
    assert summary["sha256"] == {file.name: sha256(file) for file in sorted(out.iterdir())}


def test_groups_stay_together_and_the_bytes_are_reproducible(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = usual()
    raw = raw_with(tmp_path / "raw", manifest)
    first = prepare_arrays(raw, manifest, section("prepare", validation_fraction=0.3), out, workers=1)
    assert first.near_copies_in_train == {"validation": 0, "test": 0}
    monkeypatch.setattr(array_writer, "_PORTION", 7)
    shuffled = manifest.sample(frac=1, random_state=1).sort_values("path", ignore_index=True)
    assert prepare_arrays(raw, shuffled, section("prepare", validation_fraction=0.3), out, workers=3) == first
    assert (
        prepare_arrays(raw, manifest, section("prepare", validation_fraction=0.3), out, seed=1).sha256 != first.sha256
    )


@pytest.mark.parametrize(
    ("given", "cut"),
    [
        (("train", "validation", "test"), ()),
        (("train", "test"), ("validation",)),
        (("train", "validation"), ("test",)),
        (("train",), ("validation", "test")),
        (("",), ("validation", "test")),
    ],
)
def test_splits_that_the_data_does_not_define_are_made(
    tmp_path: Path, out: Path, given: tuple[str, ...], cut: tuple[str, ...]
) -> None:
    manifest = manifest_of([row for split in given for row in faces(split, 60)])
    raw = raw_with(tmp_path / "raw", manifest)
    summary = prepare_arrays(raw, manifest, section("prepare", validation_fraction=0.1, test_fraction=0.2), out)
    assert summary.cut == cut
    pool = 60
    test = 12 if "test" in cut else 60
    validation = round((pool - test * ("test" in cut)) * 0.1 / 3) * 3 if "validation" in cut else 60
    assert summary.images["test"] == test
    assert summary.images["validation"] == validation


def subsets(first: str, second: str) -> pd.DataFrame:
    """Training images, and test images in two subsets."""
    manifest = manifest_of(faces("train", 60) + faces("test", 30))
    halves = [first if number % 2 else second for number in range(len(manifest))]
    return manifest.assign(subset=np.where(manifest["split"] == "test", halves, ""))


def test_a_subset_of_the_test_images_can_be_the_validation_images(tmp_path: Path, out: Path) -> None:
    manifest = subsets("PublicTest", "PrivateTest")
    raw = raw_with(tmp_path / "raw", manifest)
    summary = prepare_arrays(raw, manifest, section("prepare", validation_subset="PublicTest"), out)
    assert summary.cut == ("validation",)
    assert summary.images == {"train": 60, "validation": 15, "test": 15}  # no training image is spent on validation
    assert summary.subsets["validation"] == {"PublicTest": 15}
    assert summary.subsets["test"] == {"PrivateTest": 15}


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (subsets("One", "Two"), "the subsets of the test images are: One, Two"),
        (subsets("PublicTest", "PublicTest"), "are: PublicTest"),  # nothing would be left to test on
        (manifest_of(faces("train", 60) + faces("test", 30)), "are: none"),
        (
            pd.concat([subsets("PublicTest", "PrivateTest"), manifest_of(faces("validation", 9))], ignore_index=True),
            "validation images of its own",
        ),
    ],
)
def test_a_subset_that_cannot_be_the_validation_images_is_an_error(
    tmp_path: Path, out: Path, manifest: pd.DataFrame, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        prepare_arrays(tmp_path / "raw", manifest, section("prepare", validation_subset="PublicTest"), out)


def test_another_size(tmp_path: Path, out: Path) -> None:
    manifest = usual()
    prepare_arrays(raw_with(tmp_path / "raw", manifest), manifest, section("prepare"), out, image_size=32)
    assert read_split(out, "train").images.shape[1:] == (32, 32)


def test_votes_become_shares(tmp_path: Path, out: Path) -> None:
    manifest = manifest_of(faces("train", 60) + faces("test", 30))
    raw = raw_with(tmp_path / "raw", manifest)
    columns = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "nf")
    votes = pd.DataFrame([[1, 2, 0, 4, 2, 0, 0, 0, 1, 0]] * 90, columns=list(columns)).assign(path=manifest["path"])
    votes = votes.sample(frac=1, random_state=0)
    assert prepare_arrays(raw, manifest, section("prepare"), out, votes=votes).soft_labels
    for name in SPLITS:
        shares = read_split(out, name).votes
        assert shares is not None
        assert shares.dtype == np.float32
        assert shares[0].tolist() == [0.25, 0.25, 0.5]  # of angry, happy, sad: votes on no class of these do not count
    with pytest.raises(DataError, match="3 kept images have no votes"):
        prepare_arrays(raw, manifest, section("prepare"), out, votes=votes[votes["path"] >= "00003.png"])


def test_votes_for_classes_that_the_user_names(tmp_path: Path, out: Path) -> None:
    manifest = manifest_of(faces("train", 60) + faces("test", 30))
    manifest["label"] = manifest["label"].replace({"angry": "anger", "happy": "Happiness", "sad": "sadness"})
    votes = pd.DataFrame([[0, 2, 0, 1, 1, 0, 0, 0, 0, 0]] * 90, columns=list(COLUMNS)).assign(path=manifest["path"])
    prepare_arrays(raw_with(tmp_path / "raw", manifest), manifest, section("prepare"), out, votes=votes)
    assert read_split(out, "test").classes == ("Happiness", "anger", "sadness")
    assert read_split(out, "test").votes[0].tolist() == [0.5, 0.25, 0.25]


def test_images_of_12_bits_are_written_with_all_their_grey_levels(tmp_path: Path, out: Path) -> None:
    manifest = manifest_of([row | {"mode": "I;16/12"} for row in faces("train", 60) + faces("test", 30)])
    raw = tmp_path / "raw"
    raw.mkdir()
    for number, path in enumerate(manifest["path"]):
        (raw / path).write_bytes(png(np.rint(pattern(number) * (4095 / 255)).astype(np.uint16)))
    prepare_arrays(raw, manifest, section("prepare"), out)
    assert np.array_equal(read_split(out, "test").images, [pattern(number) for number in range(60, 90)])


def refused(manifest: pd.DataFrame, tmp_path: Path, out: Path, leaks_allowed: bool = False, **settings: object) -> str:
    """Return the message of the error."""
    raw = raw_with(tmp_path / "raw", manifest)
    with pytest.raises(DataError) as error:
        prepare_arrays(raw, manifest, section("prepare", **settings), out, leaks_allowed=leaks_allowed)
    return str(error.value)


def test_nothing_kept_lists_the_reasons_with_examples(tmp_path: Path, out: Path) -> None:
    rows: list[dict[str, object]] = [
        {"verdict": "drop", "reason": "outside_class", "path": "own.csv", "detail": "is UTF-16 text"}
    ]
    rows += [{"verdict": "drop", "reason": "too_small", "detail": "4x4"}] * 2
    message = refused(manifest_of(rows), tmp_path, out)
    assert "1 outside class, such as own.csv: is UTF-16 text." in message
    assert "2 too small, such as 00001.png: 4x4." in message


def test_nothing_kept(tmp_path: Path, out: Path) -> None:
    assert "No image was kept" in refused(manifest_of([{"verdict": "drop"}]), tmp_path, out)
    assert "No image was kept" in refused(manifest_of([]), tmp_path, out)


def test_no_training_images(tmp_path: Path, out: Path) -> None:
    message = refused(manifest_of(faces("test", 9) + faces("validation", 9)), tmp_path, out)
    assert "No training images" in message


def test_one_class(tmp_path: Path, out: Path) -> None:
    message = refused(manifest_of([{"split": "train", "label": "happy"}] * 40), tmp_path, out)
    assert "only one class, happy" in message
    assert not list(out.iterdir())


def test_a_class_missing_in_a_split(tmp_path: Path, out: Path) -> None:
    rows = [*faces("train", 60), *({"split": "test", "label": "happy"} for _ in range(9))]
    message = refused(manifest_of(rows), tmp_path, out)
    assert "test: fewer than 2 images of angry 0, sad 0." in message


def test_of_many_scarce_classes_a_message_names_some(tmp_path: Path, out: Path) -> None:
    rows = [{"split": split, "label": f"c{n:02}"} for n in range(40) for split in ("train",) * 6 + ("test",)]
    message = refused(manifest_of(rows), tmp_path, out)
    assert "test: fewer than 2 images of c00 1, c01 1," in message
    assert "c11 1 and 28 more." in message


def test_too_few_images(tmp_path: Path, out: Path) -> None:
    manifest = manifest_of(faces("train", 60) + faces("test", 15))
    message = refused(manifest, tmp_path, out, min_images_per_class=5)
    assert "validation: fewer than 5 images of angry 2, happy 2, sad 2." in message
    assert "prepare.validation_fraction" in message


def test_a_giant_group_is_named(tmp_path: Path, out: Path) -> None:
    rows = [row | {"group": 0} for row in faces("train", 59)] + [{"split": "train", "label": "happy"}]
    message = refused(manifest_of(rows + faces("test", 15)), tmp_path, out)
    assert "One group of near-copies has 59 of 75 images and cannot be split" in message
    assert "clean.near_copy_bits" in message


def test_the_same_pixels_in_two_splits(tmp_path: Path, out: Path) -> None:
    rows = faces("train", 60) + faces("test", 15)
    rows[60]["pixels"] = f"{7:064x}"
    message = refused(manifest_of(rows), tmp_path, out)
    assert "share 1 images, such as 00007.png and 00060.png" in message
    prepare_arrays(tmp_path / "raw", manifest_of(rows), section("prepare"), out, leaks_allowed=True)


def test_images_with_hardly_any_grey_levels(tmp_path: Path, out: Path) -> None:
    manifest = manifest_of(faces("train", 60) + faces("test", 15))
    raw = raw_with(tmp_path / "raw", manifest)
    for number in range(75):
        (raw / f"{number:05d}.png").write_bytes(png(pattern(number) // 255))
    with pytest.raises(DataError, match=r"only \d grey levels of 256"):
        prepare_arrays(raw, manifest, section("prepare"), out)


def test_an_image_that_disappeared_after_clean(tmp_path: Path, out: Path) -> None:
    manifest = usual()
    raw = raw_with(tmp_path / "raw", manifest)
    (raw / "00007.png").unlink()
    with pytest.raises(DataError, match=r"00007\.png was readable when clean wrote the manifest"):
        prepare_arrays(raw, manifest, section("prepare"), out)


def test_an_array_filled_in_place_is_the_same_file_as_numpy_saves(tmp_path: Path) -> None:
    images = np.stack([pattern(seed) for seed in range(5)])
    index = pd.DataFrame({"id": list("abcde"), "subset": "train", "group": range(5), "copy_in_train": False})
    write_split(tmp_path / "one", "train", Split(images, np.zeros(5, np.int64), index, ("a", "b")))
    path, start = create_images(tmp_path / "two", "train", 5, 48)
    with path.open("r+b") as handle:
        handle.seek(start)
        handle.write(images.tobytes())
    assert path.read_bytes() == (tmp_path / "one/train_images.npy").read_bytes()
