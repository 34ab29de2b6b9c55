"""The page in a real browser: nothing to complain of, nothing fetched, readable everywhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from eda_folders import Report

from browser import CHROMIUM, Browser, lowest_contrast

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed (Debian: apt-get install chromium)")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_page_loads_without_error_or_request(browser: Browser, report: Report, width: int, scheme: str) -> None:
    browser.show(width, scheme)
    browser.open((report.out / "index.html").as_uri())
    assert browser.complaints() == []
    assert browser.requests() == [(report.out / "index.html").as_uri()]
    assert browser.evaluate("[...document.images].filter(i => !i.complete || !i.naturalWidth).length") == 0
    assert browser.evaluate("document.images.length") > 30
    root = "document.documentElement"
    assert browser.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), "the page is wider than the window"
    ground = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    levels = [int(level) for level in ground.removeprefix("rgb(").removesuffix(")").split(",")]
    assert (max(levels) < 40) if scheme == "dark" else (min(levels) > 220)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(browser: Browser, report: Report, scheme: str) -> None:
    browser.show(1280, scheme)
    browser.open((report.out / "index.html").as_uri())
    assert lowest_contrast(browser) >= 4.5, "WCAG 2.2, success criterion 1.4.3"


def test_the_checks_would_find_something(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text('<img src="http://ferflow.invalid/x.png"><script>console.error("oh"); null.x</script>')
    browser.open(page.as_uri())
    assert "http://ferflow.invalid/x.png" in browser.requests()
    assert any("oh" in text for text in browser.complaints())
    assert any("TypeError" in text for text in browser.complaints())
