"""The report as a whole: what the page says, in every shape that data comes in."""

import base64
import io
import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from eda_folders import CLEAN, EDA, HOSTILE, SIDE, Raw, Report, face, fill
from PIL import Image

from defaults import section
from ferflow.base.arrays import SPLITS, read_split
from ferflow.base.contracts import CleanSummary
from ferflow.base.errors import DataError
from ferflow.clean import clean_folder
from ferflow.eda import write_report
from ferflow.prepare import prepare_arrays
from ferflow.raw.images import fit
from ferflow.reporting.text import printable


class Page(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


def test_page_needs_nothing_else(report: Report) -> None:
    page = Page(report.page)
    assert not page.all("script", "iframe", "object", "embed", "base", "form")
    links = [value for _, a in page.elements for key, value in a.items() if key in ("src", "href", "srcset", "data")]
    assert links
    assert all(link.startswith(("data:", "#")) for link in links)
    assert not re.search(r"url\(|@import", report.page)
    assert not any(key.startswith("on") for _, attributes in page.elements for key in attributes)


@pytest.mark.parametrize(("image_size", "shown"), [(16, 16), (120, 96)])
def test_kept_faces_are_shown_as_prepare_writes_them(tmp_path: Path, image_size: int, shown: int) -> None:
    raw = Raw(tmp_path / "raw")
    for number in range(36):
        image = np.kron(face(number, 120, 40), np.ones((3 + number % 8, 4), np.uint8))
        raw.put(f"train/{'ab'[number // 18]}/{number}.png", image)
    raw.put("train/a/dark.png", np.kron(face(99, 8, 2), np.ones((5, 3), np.uint8)))  # an outlier, so it is shown
    out = tmp_path / "prepare"
    out.mkdir()
    settings = section("prepare", min_images_per_class=1)
    prepare_arrays(raw.folder, raw.manifest(), settings, out, image_size=image_size, workers=1)
    arrays = {}
    for split in SPLITS:
        part = read_split(out, split)
        arrays |= dict(zip(part.index["id"], part.images, strict=True))
    page = Page(raw.report(tmp_path / "report", image_size=image_size))
    sources = [image["src"] for image in page.all("img") if image["alt"].endswith("train/a/dark.png")]
    assert sources
    for source in sources:
        with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as picture:
            assert (np.asarray(picture) == fit(arrays["train/a/dark.png"], shown)).all()


def test_page_is_accessible(report: Report) -> None:
    page = Page(report.page)
    assert page.all("html")[0]["lang"] == "en"
    assert all(image["alt"].strip() for image in page.all("img"))
    assert len(page.all("img")) > 30
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in page.all("a")} <= set(ids)
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert all("scope" in attributes for attributes in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))


def test_every_section_has_a_finding_in_numbers(report: Report) -> None:
    findings = re.findall(r'<div class="finding">(.*?)</div>', report.page, re.DOTALL)
    assert len(findings) > 10
    # "No image ..." is a number too.
    assert all(re.search(r"\d|\bNo(ne)?\b", text) for text in findings)


def test_hostile_names_are_text(raw: Raw, report: Report, tmp_path: Path) -> None:
    for number, name in enumerate(HOSTILE):
        raw.put(f"train/happy/{name}", face(number), reason="wrong_mode", detail=f"detail of {name}")
        raw.put(f"train/happy/broken {name}", b"", detail=f"error in {name}")
        raw.put(f"train/{name}/face.png", face(100 + number), label=name)
    settings = EDA.model_copy(update={"examples_per_finding": 50})
    written = raw.report(tmp_path / "out", settings, dataset=HOSTILE[0])
    page = Page(written)
    alts = [image["alt"] for image in page.all("img")]
    for name in HOSTILE:
        assert f"happy, train: {printable(f'train/happy/{name}')}" in alts
        assert printable(f"detail of {name}") in page.text
        assert printable(f"train/happy/broken {name}") in page.text
        assert printable(f"error in {name}") in page.text
        assert f"1 face labelled {printable(name)}" in alts
    assert "<script" not in written
    assert "\u202e" not in written
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in Page(report.page).elements} | {"details", "summary"}
    assert not any(key.startswith("on") for _, attributes in page.elements for key in attributes)


def test_counts_agree_with_the_manifest(report: Report) -> None:
    manifest = report.raw.manifest()
    kept = manifest[manifest["verdict"] == "keep"]
    classes = report.table("classes").set_index("class")
    assert list(classes.columns) == ["train", "PrivateTest", "PublicTest", "all"]
    assert classes["all"].to_dict() == kept["label"].value_counts().to_dict()
    assert classes["PublicTest"].sum() == (kept["subset"] == "PublicTest").sum()
    verdicts = report.table("verdicts").set_index("reason")
    for reason, rows in manifest.groupby("reason"):
        assert verdicts.at[reason, "keep"] == (rows["verdict"] == "keep").sum()
        assert verdicts.at[reason, "drop"] == (rows["verdict"] == "drop").sum()
    assert verdicts.at["wrong_size", "policy"] == "repair"
    assert verdicts.at["leaked_copy", "policy"] == "drop"
    assert verdicts.at["a_reason_of_tomorrow", "policy"] == "drop"


def test_headline_numbers_agree_with_clean(report: Report) -> None:
    cleaned = clean_folder(report.raw.folder, CLEAN, image_size=SIDE)
    out = report.out.with_name("cleaned")
    write_report(report.raw.folder, cleaned.manifest, cleaned.summary, EDA, out, clean=CLEAN, image_size=SIDE)
    page = (out / "index.html").read_text(encoding="utf-8")
    found = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page)
    tiles = {re.sub(r" \(.*", "", what): int(number.replace(",", "")) for what, number in found}
    assert tiles["files"] == cleaned.summary.files == len(report.raw.rows)
    assert tiles["kept"] == cleaned.summary.kept
    assert tiles["dropped"] == cleaned.summary.dropped
    assert tiles["redundant exact copies"] == cleaned.summary.duplicates.redundant == 4
    assert tiles["groups of copies with conflicting labels"] == 2
    assert cleaned.summary.duplicates.conflicting_groups == 2
    assert tiles["held-out images with a copy in train"] == cleaned.summary.leakage.test == 2
    assert tiles["blank images"] == cleaned.summary.blank == 2


def test_pictures_of_every_kind_of_damage(report: Report) -> None:
    examples = report.table("examples").groupby("finding")["path"].agg(set)
    assert examples["leaks"] == {
        "test/angry/PublicTest_6.png",
        "train/angry/leak.png",
        "test/happy/PublicTest_6.png",
        "train/sad/leak.png",
    }
    assert {"train/sad/one.png", "train/happy/two.png"} <= examples["conflicts"]
    assert {"train/angry/Training_0.png", "train/angry/copy.png"} <= examples["copies"]
    assert examples["near_copies"] == {"train/sad/near_1.png", "train/angry/near_2.png"}
    assert examples["blank"] == {"train/sad/black.png", "test/sad/white.png"}
    assert examples["reason_wrong_size"] == {"train/happy/large.png"}
    assert "train/happy/cut.jpg" in examples["reason_unreadable"]
    assert {p.stem for p in report.out.glob("finding_*.png")} >= {"finding_leaks", "finding_conflicts", "finding_blank"}
    text = Page(report.page).text
    assert "PrivateTest 0 of 6" in text
    assert "1 of them has another label there" in text


def test_same_inputs_same_bytes(report: Report, tmp_path: Path) -> None:
    shuffled = Raw(report.raw.folder, report.raw.rows[::-1])
    shuffled.report(tmp_path / "again", dataset="faces <of> mine")
    first = {path.name: path.read_bytes() for path in report.out.iterdir()}
    again = {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()}
    assert first.keys() == again.keys()
    assert [name for name in first if first[name] != again[name]] == []


def test_what_the_folder_held_before_is_gone(raw: Raw, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "samples_old.png").write_bytes(b"old")
    raw.report(tmp_path / "out")
    assert not (tmp_path / "out" / "samples_old.png").exists()


def test_no_file_at_all(raw: Raw, tmp_path: Path) -> None:
    assert "The raw data contains no files." in raw.report(tmp_path / "out")


def test_nothing_kept(raw: Raw, tmp_path: Path) -> None:
    raw.put("train/happy/1.jpg", b"", detail="empty")
    raw.put("train/happy/2.png", np.zeros((SIDE, SIDE), np.uint8), verdict="drop", reason="blank")
    page = raw.report(tmp_path / "out")
    assert "None of 2 files is kept" in page
    assert not (tmp_path / "out" / "class_balance.png").exists()
    assert (tmp_path / "out" / "finding_blank.png").exists()


def test_one_image(raw: Raw, tmp_path: Path) -> None:
    raw.put("train/happy/1.png", face(1))
    page = raw.report(tmp_path / "out")
    assert "There is one class, happy, with 1 image" in page
    assert "too few to arrange" in page


def test_one_class_and_no_test_split(raw: Raw, tmp_path: Path) -> None:
    for number in range(12):
        raw.put(f"happy/{number}.png", face(number), subset="", split="")
    page = raw.report(tmp_path / "out")
    assert "There is one class" in page
    assert "has no test or validation split" in page
    assert list(pd.read_csv(tmp_path / "out" / "classes.csv").columns) == ["class", "unsplit", "all"]


def test_all_images_alike(raw: Raw, tmp_path: Path) -> None:
    for number in range(12):
        raw.put(f"train/{'ab'[number % 2]}/{number}.png", face(1))
    assert "11 redundant copies in 1 group" in raw.report(tmp_path / "out")


def test_many_classes_with_odd_names(raw: Raw, tmp_path: Path) -> None:
    odd = ["$x_1$", "$", "<i>", "\U0001f600", "\u60b2\u3057\u3044", "a" * 90, "B\\frac", "b\\frac", "..."]
    for number, name in enumerate([*odd, *(f"class {n}" for n in range(8))]):
        for copy in range(2):
            raw.put(f"train/{name}/{copy}.png", face(100 * number + copy), label=name)
    page = raw.report(tmp_path / "out")
    assert "The 12 largest of 17 classes are shown." in page
    assert set(pd.read_csv(tmp_path / "out" / "classes.csv")["class"]) >= set(odd)
    assert len(list((tmp_path / "out").glob("samples_*.png"))) == 12


def test_images_as_rows_of_a_table(raw: Raw, tmp_path: Path) -> None:
    lines = ["emotion, pixels, Usage"]
    for number in range(12):
        image = face(number)
        lines.append(f"{number % 2}, {' '.join(map(str, image.ravel()))}, Training")
        raw.put(f"scratch/{'ab'[number % 2]}/{number}.png", image)
        raw.rows[-1]["path"] = f"fer2013.csv#{number}"
    (raw.folder / "fer2013.csv").write_text("\n".join(lines) + "\n")
    page = raw.report(tmp_path / "out")
    assert "12 faces of 2 classes (a and b)" in page


def test_summary_of_another_run(raw: Raw, tmp_path: Path) -> None:
    summary = CleanSummary.model_construct(files=3)
    with pytest.raises(
        DataError,
        match=r"Received: 3 files in the summary, 0 in the manifest\..*dvc repro -f clean",
    ):
        write_report(
            raw.folder,
            raw.manifest(),
            summary,
            EDA,
            tmp_path / "out",
            clean=CLEAN,
            image_size=SIDE,
        )
    assert not (tmp_path / "out").exists()


def test_image_that_has_changed_since(raw: Raw, tmp_path: Path) -> None:
    raw.put("train/happy/1.png", face(1))
    (raw.folder / "train/happy/1.png").write_bytes(b"gone bad")
    with pytest.raises(DataError, match=r"train/happy/1\.png"):
        raw.report(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_settings_bound_what_is_printable(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    raw = fill(Raw(tmp_path / "raw"))
    few = EDA.model_copy(update={"samples_per_class": 1, "examples_per_finding": 1, "embedding_images": 10})
    page = raw.report(tmp_path / "few", few)
    assert "1 faces labelled" not in page
    assert 'alt="1 face labelled happy"' in page
    assert "variance of 10 faces" in page
    counts = pd.read_csv(tmp_path / "few" / "examples.csv").groupby("finding")["group"].nunique()
    assert counts.max() == 1
