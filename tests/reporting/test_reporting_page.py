"""Pages: what is escaped, what may run, and what their tables sort by."""

import base64
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from browser import CHROMIUM, Browser
from ferflow.reporting.page import (
    Cell,
    PageSection,
    PageTable,
    PicturePair,
    contact_sheet,
    page_picture,
    png_picture,
    render_page,
)

HOSTILE = "<script>alert(1)</script>\"onerror='alert(2)' {{ 7 * 7 }} &amp;"


def page(*tables: PageTable, title: str = "Title") -> str:
    return render_page(title, "Subtitle", [("1", "thing")], [PageSection("a", "A", [], list(tables))], "Footer")


def table(sortable: bool, *rows: tuple[str | Cell, ...]) -> PageTable:
    return PageTable("Caption", ("name", "value"), rows, frozenset({1}), sortable=sortable)


def test_a_page_without_sorting_has_no_script() -> None:
    text = page(table(False, ("a", "1")))
    assert "<script" not in text
    assert "script-src" not in text
    assert "default-src 'none'" in text


def test_the_policy_allows_exactly_the_script_of_the_page() -> None:
    text = page(table(True, ("a", "1")))
    [script] = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text


def test_hostile_text_is_text_everywhere() -> None:
    picture = page_picture(np.zeros((4, 4), np.uint8), HOSTILE, [HOSTILE])
    pair = PicturePair(HOSTILE, picture, None, (HOSTILE, HOSTILE))
    cells = (Cell(HOSTILE, HOSTILE, link=HOSTILE, note=HOSTILE), Cell(HOSTILE, None))
    section = PageSection("a", HOSTILE, [HOSTILE], [table(True, cells), pair])
    text = render_page(HOSTILE, HOSTILE, [(HOSTILE, HOSTILE)], [section], HOSTILE, [(HOSTILE, HOSTILE)])
    assert len(re.findall("<script", text)) == 1, "the page's own"
    assert not re.search(r"<[^>]*\sonerror=", text)
    assert "49" not in re.sub(r"base64,[^\"]*|sha256-[^']*|<style>.*?</style>", "", text, flags=re.DOTALL)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_keys_sort_as_numbers_do(one: float, other: float) -> None:
    keys = [float(Cell("text", value).key) for value in (one, other)]
    assert (keys[0] <= keys[1]) == (one <= other) or one == pytest.approx(other, rel=1e-8)


def test_keys_of_texts_and_of_nothing() -> None:
    assert Cell("ten").key == "ten"
    assert Cell("10.0", 10.0).key == "10"
    assert Cell("zero", 0.0).key == "0"
    assert Cell("—", None).key == ""
    assert Cell("shown", "sorted").key == "sorted"


def test_a_missing_picture_of_a_pair_is_said() -> None:
    picture = page_picture(np.zeros((4, 4), np.uint8), "before")
    section = PageSection("a", "A", [], [PicturePair("figure", picture, None, ("then", "now"))])
    text = render_page("T", "S", [], [section], "F")
    assert text.count("<img") == 1
    assert "Not there." in text
    assert re.findall(r"<figcaption><bdi>(.*?)</bdi>", text) == ["then", "now"]


def test_pictures_keep_their_bytes_and_size(tmp_path: Path) -> None:
    Image.new("L", (7, 5), 9).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    picture = png_picture(data, "alt")
    assert (picture.width, picture.height) == (7, 5)
    assert base64.b64decode(picture.source.partition(",")[2]) == data
    assert contact_sheet([np.zeros((3, 4), np.uint8)] * 3, columns=2, gap=1).size == (9, 7)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed (apt-get install chromium)")
def test_sorting_in_a_browser(tmp_path: Path) -> None:
    rows = [("b", Cell("9.0", 9.0)), ("a", Cell("—", None)), ("c", Cell("10.0", 10.0)), ("d", Cell("-1", -1.0))]
    file = tmp_path / "page.html"
    file.write_text(page(table(True, *((Cell(name), cell) for name, cell in rows))))
    order = "[...document.querySelectorAll('tbody th')].map(e => e.textContent).join('')"
    click = "document.querySelectorAll('thead button')[{}].click()"
    with Browser(tmp_path / "profile") as browser:
        browser.open(file.as_uri())
        found = []
        for column in (1, 1, 0, 0):
            browser.evaluate(click.format(column))
            found.append(browser.evaluate(order))
        assert found == ["cbda", "dbca", "abcd", "dcba"], "numbers start with the highest, names with a"
        assert browser.complaints() == []
