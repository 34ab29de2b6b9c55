"""The page for everyone: phones, dark rooms, keyboards, screen readers."""

from pathlib import Path

import pytest
from page_in_browser import OpenPage
from PIL import Image

from browser import lowest_contrast
from made_network import drawn_faces, scene

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def full(page: OpenPage, tmp_path_factory: pytest.TempPathFactory) -> OpenPage:
    """The page with all its parts: a photo, a broken file, a running camera."""
    folder = tmp_path_factory.mktemp("files")
    Image.fromarray(scene(drawn_faces()[:3])).save(folder / "photo.png")
    (folder / "x.jpg").write_bytes(b"x")
    page.browser.show(1400, "light")
    page.fresh()
    page.give_photos(sorted(folder.iterdir()))
    page.click("camera")
    page.until("document.querySelector('#bars .answer') !== null")
    page.until("!document.querySelector('#stop').disabled")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 400, 320])
def test_the_page_fits_and_has_contrast(full: OpenPage, width: int, scheme: str) -> None:
    full.browser.show(width, scheme)
    root = "document.documentElement"
    assert full.browser.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), "the page is wider than the window"
    assert lowest_contrast(full.browser) >= 4.5, "WCAG 2.2, success criterion 1.4.3"
    small = """[...document.querySelectorAll('button, select, .button')].filter(e => e.offsetParent)
      .map(e => e.getBoundingClientRect()).filter(r => r.height < 24 || r.width < 24).length"""
    assert full.browser.evaluate(small) == 0, "WCAG 2.2, success criterion 2.5.8"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(full: OpenPage, scheme: str) -> None:
    if not AXE.is_file():
        pytest.skip("npm's axe-core is not installed (make test installs it where npm is)")
    full.browser.show(1400, scheme)
    full.browser.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
    found = full.browser.evaluate(
        """axe.run({ resultTypes: ["violations"] }).then((all) =>
          all.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.target.join(" ")).join(", ")))"""
    )
    assert found == []


def test_axe_would_find_something(full: OpenPage) -> None:
    if not AXE.is_file():
        pytest.skip("npm's axe-core is not installed (make test installs it where npm is)")
    full.browser.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
    full.browser.evaluate("document.querySelector('main').append(document.createElement('button'))")
    bad = full.browser.evaluate("axe.run().then((all) => all.violations.map((v) => v.id))")
    full.browser.evaluate("document.querySelector('main > button').remove()")
    assert "button-name" in bad


def test_the_keyboard_reaches_everything(full: OpenPage) -> None:
    browser = full.browser
    browser.show(1400, "light")
    browser.evaluate("document.activeElement.blur(); scrollTo(0, 0); getSelection().removeAllRanges()")
    reached = []
    for _ in range(20):
        for kind in ("rawKeyDown", "keyUp"):
            browser.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        name = browser.evaluate(
            "document.activeElement.id || document.activeElement.className || document.activeElement.tagName"
        )
        if name in reached or name == "BODY":
            break
        reached.append(name)
        outline = "getComputedStyle(document.activeElement.closest('.button') ?? document.activeElement).outlineStyle"
        assert browser.evaluate(outline) == "solid", f"{name} shows no focus"
    wanted = ["skip", "camera", "files", "side", "smooth", "face", "pause", "stop", "SUMMARY"]
    assert [name for name in reached if name in wanted] == wanted
