"""Precedence of the policies: one reason per file, one order everywhere, and test images never change."""

import io
import itertools

import pytest
from clean_helpers import Raw, encoded, jpeg, pattern
from PIL import Image

from defaults import ROOT
from ferflow.raw.manifest import Reason


def rgb(seed: int) -> bytes:
    """A colour file with exactly the grey pixels of jpeg(seed)."""
    return encoded(Image.open(io.BytesIO(jpeg(seed))).convert("RGB"), "PNG")


def blank(level: int = 100) -> bytes:
    return encoded(Image.new("L", (48, 48), level), "PNG")


def near(seed: int, light: int = 60) -> bytes:
    """Nearly the picture of jpeg(seed)."""
    return encoded(Image.fromarray(pattern(seed) // 2 + light), "PNG")


ORDER = [
    "link",
    "special_file",
    "system_file",
    "table",
    "outside_class",
    "unknown_class",
    "no_split",
    "no_label",
    "bomb",
    "animated",
    "unreadable",
    "second_set",
    "too_small",
    "wrong_size",
    "wrong_mode",
    "blank",
    "leaked_copy",
    "conflicting_copies",
    "exact_copy",
    "near_copy",
]


def test_the_order_of_precedence_is_that_of_the_enum() -> None:
    assert [reason.value for reason in Reason] == ORDER


def test_docs_data_lists_every_reason_in_order_with_its_meaning() -> None:
    table = (ROOT / "docs/data.md").read_text().partition("| reason | found |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in table.splitlines()[2:]]
    assert [(row[0].strip("`"), row[1].replace("`", "")) for row in rows] == [(r.value, r.meaning) for r in Reason]


def everything_wrong(raw: Raw) -> None:
    """One training image that has every finding from wrong_size on, with the files that make it so."""
    picture = Image.new("RGB", (32, 32), (100, 100, 100))
    data = encoded(picture, "PNG")
    raw.put("train/happy/0.png", data)
    raw.put("train/happy/1.png", data)
    raw.put("train/sad/2.png", data)
    raw.put("test/happy/3.png", data)


POLICIES = {
    "wrong_size": ("wrong_size", "drop", "repair"),
    "wrong_mode": ("wrong_mode", "drop", "repair"),
    "blank": ("blank", "drop", "keep"),
    "leaked_copy": ("leaked_copies", "drop", "keep"),
    "conflicting_copies": ("conflicting_copies", "drop_all", "keep"),
    "exact_copy": ("exact_copies", "drop", "keep"),
}


@pytest.mark.parametrize("dropping", [c for n in range(1, 7) for c in itertools.combinations(POLICIES, n)])
def test_of_the_policies_that_drop_the_first_in_order_gives_the_reason(raw: Raw, dropping: tuple[str, ...]) -> None:
    everything_wrong(raw)
    policies = {key: drop if reason in dropping else other for reason, (key, drop, other) in POLICIES.items()}
    first = min(dropping, key=ORDER.index)
    assert raw.reasons(**policies)["train/happy/1.png"] == f"drop {first}"


def test_where_nothing_drops_the_first_finding_is_the_reason(raw: Raw) -> None:
    everything_wrong(raw)
    found = raw.reasons(**{key: other for key, _, other in POLICIES.values()})
    assert set(found.values()) == {"keep wrong_size"}


def test_location_takes_precedence_over_damage(raw: Raw) -> None:
    raw.put("train/happy/a.jpg", 1)
    raw.put("test/happy/b.jpg", 2)
    raw.put("train/smirk/broken.jpg", b"x")
    raw.put("loose.jpg", b"x")
    raw.put("train/happy/.hidden", b"x")
    (raw.folder / "train/smirk/link.jpg").symlink_to("broken.jpg")
    assert raw.reasons() == {
        "train/happy/a.jpg": "keep",
        "test/happy/b.jpg": "keep",
        "train/smirk/broken.jpg": "drop unknown_class",
        "loose.jpg": "drop outside_class",
        "train/happy/.hidden": "drop system_file",
        "train/smirk/link.jpg": "drop link",
    }


def test_exact_copies_keep_the_first_that_is_left(raw: Raw) -> None:
    raw.put("train/happy/a.png", rgb(1))
    raw.put("train/happy/b.jpg", 1)
    raw.put("train/happy/c.jpg", jpeg(1) + b"other bytes")
    raw.put("test/happy/d.jpg", 2)
    found = raw.reasons()
    assert found["train/happy/a.png"] == "keep wrong_mode"
    assert found["train/happy/b.jpg"] == found["train/happy/c.jpg"] == "drop exact_copy"
    found = raw.reasons(wrong_mode="drop")
    assert found["train/happy/a.png"] == "drop wrong_mode"
    assert found["train/happy/b.jpg"] == "keep"  # an earlier copy that was dropped does not count
    assert found["train/happy/c.jpg"] == "drop exact_copy"
    assert set(raw.reasons(exact_copies="keep").values()) == {"keep", "keep wrong_mode", "keep exact_copy"}


def test_conflicting_copies(raw: Raw) -> None:
    for path in ("train/happy/a.jpg", "train/happy/b.jpg", "train/sad/c.jpg"):
        raw.put(path, 1)
    raw.put("train/fear/d.jpg", 2)
    raw.put("train/sad/e.jpg", 2)
    raw.put("test/happy/f.jpg", 3)
    conflict = {"train/happy/a.jpg", "train/happy/b.jpg", "train/sad/c.jpg", "train/fear/d.jpg", "train/sad/e.jpg"}
    found = raw.reasons()
    assert {path for path, reason in found.items() if reason == "drop conflicting_copies"} == conflict
    found = raw.reasons(conflicting_copies="majority")
    assert found["train/happy/a.jpg"] == "keep conflicting_copies"
    assert found["train/happy/b.jpg"] == "drop exact_copy"
    assert found["train/sad/c.jpg"] == "drop conflicting_copies"
    assert found["train/fear/d.jpg"] == found["train/sad/e.jpg"] == "drop conflicting_copies"  # a tie
    found = raw.reasons(conflicting_copies="keep")
    assert {path for path, reason in found.items() if reason.startswith("drop")} == {"train/happy/b.jpg"}
    rows = raw.rows()
    assert rows.loc["train/happy/b.jpg", "detail"] == "train/sad/c.jpg"
    assert rows.loc["train/sad/c.jpg", "detail"] == "train/happy/a.jpg"


def test_leaks(raw: Raw) -> None:
    for path in ("train/happy/a.jpg", "validation/happy/b.jpg", "test/happy/PrivateTest_1.jpg"):
        raw.put(path, 1)
    for path in ("train/happy/c.jpg", "validation/happy/d.jpg"):
        raw.put(path, 2)
    cleaned = raw.clean()
    rows = cleaned.manifest.set_index("path")
    assert dict(zip(rows.index, rows["verdict"] + " " + rows["reason"], strict=True)) == {
        "train/happy/a.jpg": "drop leaked_copy",
        "train/happy/c.jpg": "drop leaked_copy",
        "validation/happy/b.jpg": "drop leaked_copy",
        "validation/happy/d.jpg": "keep ",
        "test/happy/PrivateTest_1.jpg": "keep ",
    }
    assert rows.loc["train/happy/a.jpg", "detail"] == "test/happy/PrivateTest_1.jpg"
    assert rows["copy_in_train"].to_dict() == {
        "train/happy/a.jpg": False,
        "train/happy/c.jpg": False,
        "validation/happy/b.jpg": True,
        "validation/happy/d.jpg": True,
        "test/happy/PrivateTest_1.jpg": True,
    }
    assert cleaned.summary.leakage.model_dump() == {
        "test": 1,
        "private_test": 1,
        "public_test": 0,
        "training_copies": 2,
    }
    found = raw.reasons(leaked_copies="keep")
    assert found["train/happy/a.jpg"] == "keep leaked_copy"


def test_no_copy_policy_changes_the_test_images(raw: Raw) -> None:
    raw.put("test/happy/a.jpg", 1)
    raw.put("test/happy/b.jpg", 1)
    raw.put("test/sad/c.jpg", 1)
    raw.put("test/sad/d.png", near(1))
    raw.put("test/sad/e.png", blank())
    raw.put("test/sad/f.jpg", b"damaged")
    raw.put("train/happy/g.jpg", 1)
    raw.put("train/happy/h.jpg", 5)
    raw.put("train/happy/i.png", near(1, light=61))
    found = raw.reasons(near_copies="drop", conflicting_copies="drop_all", blank="drop")
    assert {path: reason for path, reason in found.items() if path.startswith("test/")} == {
        "test/happy/a.jpg": "keep conflicting_copies",
        "test/happy/b.jpg": "keep conflicting_copies",
        "test/sad/c.jpg": "keep conflicting_copies",
        "test/sad/d.png": "keep near_copy",
        "test/sad/e.png": "keep blank",
        "test/sad/f.jpg": "drop unreadable",
    }
    assert found["train/happy/g.jpg"] == "drop leaked_copy"
    assert found["train/happy/i.png"] == "drop near_copy"


def test_a_test_label_decides_nothing_in_training(raw: Raw) -> None:
    raw.put("train/happy/a.jpg", 1)
    raw.put("train/happy/b.jpg", 1)
    raw.put("test/sad/c.jpg", 1)
    cleaned = raw.clean(leaked_copies="keep")
    assert cleaned.summary.duplicates.conflicting_groups == 1
    assert "conflicting_copies" not in set(cleaned.manifest["reason"])


def test_blank(raw: Raw) -> None:
    raw.put("train/happy/a.png", blank(0))
    raw.put("train/happy/b.png", blank(255))
    raw.put("train/happy/c.jpg", 1)
    raw.put("test/happy/d.png", blank(7))
    cleaned = raw.clean()
    assert cleaned.summary.blank == 3
    assert cleaned.summary.dropped_by_reason == {"blank": 2}
    assert raw.clean(blank="keep").summary.kept == 4
    assert raw.clean(blank_std=200.0).summary.blank == 4


def test_near_copies_are_flagged_and_share_a_group(raw: Raw) -> None:
    raw.put("train/happy/a.jpg", 1)
    raw.put("train/sad/b.png", near(1))
    raw.put("train/sad/c.jpg", 2)
    raw.put("test/sad/d.jpg", 3)
    cleaned = raw.clean()
    rows = cleaned.manifest.set_index("path")
    assert (rows["verdict"] == "keep").all()
    assert rows.loc["train/happy/a.jpg", "group"] == rows.loc["train/sad/b.png", "group"]
    assert rows["group"].nunique() == 3
    assert rows.loc["train/happy/a.jpg", ["reason", "detail"]].tolist() == ["near_copy", "train/sad/b.png"]
    assert rows.loc["train/sad/b.png", ["reason", "detail"]].tolist() == ["near_copy", "train/happy/a.jpg"]
    assert cleaned.summary.near_copies.model_dump() == {
        "images": 2,
        "groups": 1,
        "largest_group": 2,
        "across_splits": 0,
    }
    found = raw.reasons(near_copies="drop")
    assert found["train/happy/a.jpg"] == "keep near_copy"
    assert found["train/sad/b.png"] == "drop near_copy"
