"""A page in a browser: open it, give it files, wait for what it shows, save its table."""

import csv
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from browser import Browser

Rows = list[dict[str, str]]


class OpenPage:
    """The page, opened in a browser whose downloads go to a folder."""

    def __init__(self, browser: Browser, address: str, downloads: Path) -> None:
        self.browser, self.address, self.downloads = browser, address, downloads
        self._opened = False
        browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))

    def fresh(self) -> None:
        """Open the page, or bring it back to its start: loading the networks again would take seconds."""
        if self._opened:
            self.click("stop")
            self.click("clear")
            self.browser.evaluate("document.querySelector('#announcer').textContent = ''")
            return
        self._opened = True
        self.browser.open(self.address)
        self.until("document.documentElement.dataset.ready || document.querySelector('#problem').textContent")
        assert self.text("problem") == ""

    def text(self, id: str) -> str:
        return str(self.browser.evaluate(f"document.getElementById({json.dumps(id)}).textContent"))

    def click(self, id: str) -> None:
        self.browser.evaluate(f"document.getElementById({json.dumps(id)}).click()")

    def choose(self, id: str, value: str) -> None:
        self.browser.evaluate(f"document.getElementById({json.dumps(id)}).value = {json.dumps(value)}")

    def until(self, expression: str, seconds: float = 90) -> Any:
        """Wait until an expression is true in the page, and return its value."""
        deadline = time.monotonic() + seconds
        while not (value := self.browser.evaluate(expression)):
            assert time.monotonic() < deadline, f"{expression}: {self.browser.complaints()} {self.text('problem')}"
            time.sleep(0.05)
        return value

    def give(self, files: Sequence[Path]) -> None:
        """Choose files in the page, as a person does."""
        root = self.browser.call("DOM.getDocument")["root"]["nodeId"]
        node = self.browser.call("DOM.querySelector", nodeId=root, selector="#files")["nodeId"]
        self.browser.call("DOM.setFileInputFiles", files=[str(file) for file in files], nodeId=node)

    def give_photos(self, files: Sequence[Path]) -> None:
        """Choose photographs, and wait until all have been looked at."""
        self.give(files)
        items = "[...document.querySelectorAll('#gallery li')]"
        self.until(f"{items}.length === {len(files)} && {items}.every(i => !i.textContent.includes('Looking …'))")

    def save(self) -> Rows:
        """Save the table, and return its rows."""
        target = self.downloads / "ferflow.csv"
        target.unlink(missing_ok=True)
        self.click("save")
        deadline = time.monotonic() + 30
        while not target.exists():
            assert time.monotonic() < deadline, "nothing was saved"
            time.sleep(0.05)
            self.browser.evaluate("1")
        with target.open(encoding="utf-8", newline="") as handle:
            return list(csv.DictReader(handle))

    def run(self, module: str, body: str, *values: Any) -> Any:
        """Return what JavaScript with one of the page's modules as `m` and values as `v` returns."""
        source = f"(async (v) => {{ const m = await import('/js/{module}.js'); {body} }})({json.dumps(values)})"
        return self.browser.evaluate(source)
