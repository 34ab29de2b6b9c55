"""A second copy of a whole set counts once; the copies that a set holds within itself stay as published."""

import shutil

from clean_helpers import Raw, encoded, jpeg, pattern
from PIL import Image


def fill(raw: Raw, top: str = "") -> None:
    """Put a set of 12 training and 6 test images, with copies of its own among both."""
    for split, count, seeds in (("train", 12, 10), ("test", 6, 5)):
        for number in range(count):
            seed = number % seeds + (100 if split == "test" else 0)
            raw.put(f"{top}{split}/{'happy' if number % 2 else 'sad'}/{number}.jpg", seed)


def kept(raw: Raw) -> set[str]:
    return {path for path, verdict in raw.reasons().items() if verdict.startswith("keep")}


def test_images_and_images_images(raw: Raw) -> None:
    fill(raw, "images/")
    once = raw.clean().summary
    alone = kept(raw)
    fill(raw, "images/images/")
    cleaned = raw.clean()
    assert kept(raw) == alone
    assert once.splits["test"] == cleaned.summary.splits["test"] == 6  # among them a copy within the test set
    assert cleaned.summary.dropped_by_reason["second_set"] == 18
    for name in ("kept", "readable", "classes", "splits", "duplicates", "leakage", "near_copies", "kept_by_reason"):
        assert getattr(cleaned.summary, name) == getattr(once, name), name
    rows = cleaned.manifest.set_index("path")
    assert rows.loc["images/images/test/sad/0.jpg", "detail"] == "images/test/sad/0.jpg"
    assert [note.partition(",")[0] for note in cleaned.notes] == [
        "Not used: images/images test",
        "Not used: images/images train",
    ]


def test_the_names_and_the_files_bytes_of_the_copy_do_not_matter(raw: Raw) -> None:
    fill(raw)
    for path in sorted(raw.folder.rglob("*.jpg")):
        name = path.relative_to(raw.folder).as_posix().replace(".jpg", ".png").replace("happy", "Happiness")
        raw.put(f"other/{name}", encoded(Image.open(path), "PNG"))
    assert raw.clean().summary.dropped_by_reason["second_set"] == 18
    assert {path for path in kept(raw) if path.startswith("other/")} == set()


def test_one_split_alone_may_be_there_twice(raw: Raw) -> None:
    fill(raw, "fer/")
    shutil.copytree(raw.folder / "fer/test", raw.folder / "fer/testing")
    cleaned = raw.clean()
    assert cleaned.summary.splits["test"] == 6
    assert cleaned.summary.dropped_by_reason["second_set"] == 6


def test_a_part_of_a_set_is_a_second_one_too(raw: Raw) -> None:
    fill(raw, "whole/")
    shutil.copytree(raw.folder / "whole/test/sad", raw.folder / "part/test/sad")
    assert raw.clean().summary.dropped_by_reason["second_set"] == 3


def test_sets_that_only_overlap_are_two(raw: Raw) -> None:
    fill(raw, "one/")
    fill(raw, "two/")
    raw.put("two/test/sad/new.jpg", 999)
    raw.put("one/test/sad/other.jpg", 998)
    found = raw.clean().summary
    assert found.dropped_by_reason["second_set"] == 12  # the training images, which are the same in both
    assert found.splits["test"] == 14


def test_the_same_pictures_under_other_labels_are_no_second_set(raw: Raw) -> None:
    raw.put("one/test/sad/a.jpg", 1)
    raw.put("one/test/happy/b.jpg", 2)
    raw.put("one/train/sad/c.jpg", 3)
    raw.put("two/test/happy/a.jpg", 1)
    raw.put("two/test/sad/b.jpg", 2)
    assert "second_set" not in raw.clean().summary.dropped_by_reason


def row(seed: int, usage: str = "Training") -> str:
    return f"3,{' '.join(map(str, pattern(seed).ravel()))},{usage}"


def test_two_tables_of_the_same_rows(raw: Raw) -> None:
    rows = [*(row(seed) for seed in range(8)), *(row(seed, "PublicTest") for seed in (20, 21, 20))]
    raw.put("fer2013.csv", "\n".join(["emotion,pixels,Usage", *rows]).encode())
    raw.put("icml_face_data.csv", "\n".join(["emotion,pixels,Usage", *reversed(rows)]).encode())
    cleaned = raw.clean()
    assert cleaned.summary.splits == {"test": 3, "train": 8}
    assert cleaned.summary.dropped_by_reason == {"table": 2, "second_set": 11}
    assert {path.partition("#")[0] for path in kept(raw)} == {"fer2013.csv"}


def test_a_table_and_folders_of_the_same_pictures(raw: Raw) -> None:
    raw.put(
        "fer2013.csv",
        "\n".join(["emotion,pixels,Usage", *(row(seed) for seed in range(8)), row(9, "PublicTest")]).encode(),
    )
    for seed in range(8):
        raw.put(f"train/happy/{seed}.png", encoded(Image.fromarray(pattern(seed)), "PNG"))
    raw.put("test/happy/9.png", encoded(Image.fromarray(pattern(9)), "PNG"))
    assert raw.clean().summary.splits == {"test": 1, "train": 8}


def test_fer2013s_own_copies_stay_as_published(raw: Raw) -> None:
    for path, seed in (
        ("train/happy/Training_1.jpg", 1),
        ("test/happy/PublicTest_2.jpg", 2),
        ("test/happy/PublicTest_3.jpg", 2),
        ("test/happy/PrivateTest_4.jpg", 2),
        ("test/sad/PrivateTest_5.jpg", 1),
    ):
        raw.put(path, jpeg(seed))
    summary = raw.clean(leaked_copies="keep").summary
    assert summary.splits == {"test": 4, "train": 1}
    assert "second_set" not in summary.dropped_by_reason
