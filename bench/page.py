"""Measure how many frames a second the page for the browser looks at, in headless Chromium with a made camera.

    PYTHONPATH=tests python bench/page.py [NETWORK] [--file model.int8.onnx]

The camera shows 640 x 480 pixels with one drawn face, 30 times a second. The result is a line for each way of searching
faces and goes to reports/bench/page.json. Nothing else should run meanwhile.
"""

import argparse
import json
import os
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from browser import CHROMIUM, Browser
from ferflow.base.errors import FerflowError
from ferflow.base.files import write_json
from ferflow.page.page_folder import write_page
from ferflow.page.server import open_server
from made_network import drawn_faces, scene

ROOT = Path(__file__).resolve().parent.parent
FRAMES, WARM_UP, SECONDS = 30, 5, 15
SIDES = {"320": "near (fast)", "640": "far away, too (slower)"}


def main() -> None:
    """Measure, print and write the rates."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("network", nargs="?", type=Path, default=ROOT / "export", help="export folder")
    parser.add_argument("--file", help="file of it (default: the one that its card names)")
    arguments = parser.parse_args()
    if CHROMIUM is None:
        raise SystemExit("no chromium is installed (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            write_page(folder / "page", arguments.network, arguments.file, [ROOT])
        except FerflowError as error:
            raise SystemExit(f"error: {error}") from None
        load = os.getloadavg()[0]
        rows = measure(folder)
        settings = json.loads((folder / "page" / "page.json").read_text(encoding="utf-8"))
        card = json.loads((folder / "page" / "card.json").read_text(encoding="utf-8"))
    result = {"network": card["name"], "file": settings["model"], "views": card["views"], "cores": os.cpu_count()}
    write_json(ROOT / "reports" / "bench" / "page.json", {**result, "load_before": round(load, 1), "rows": rows})
    for row in rows:
        print(f"{row['search']:<24} {row['frames_a_second']:5.1f} frames a second")


def measure(folder: Path) -> list[dict[str, object]]:
    """Return a row for each way of searching faces.

    Args:
        folder: Folder with the page in `page`; profile and camera are written next to it.
    """
    flags = (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera(folder / 'camera.y4m')}",
    )
    rows: list[dict[str, object]] = []
    with open_server(folder / "page", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with Browser(folder / "profile", *flags) as browser:
            browser.open(f"http://127.0.0.1:{server.server_address[1]}/")
            while not browser.evaluate("document.documentElement.dataset.ready"):
                time.sleep(0.1)
            for side, search in SIDES.items():
                browser.evaluate(f"document.querySelector('#side').value = '{side}'")
                browser.evaluate("document.querySelector('#clear').click()")
                browser.evaluate("document.querySelector('#camera').click()")
                time.sleep(WARM_UP)
                first, start = rows_now(browser), time.perf_counter()
                time.sleep(SECONDS)
                rate = (rows_now(browser) - first) / (time.perf_counter() - start)
                rows.append({"search": search, "side": int(side), "frames_a_second": round(rate, 1)})
        server.shutdown()
    return rows


def rows_now(browser: Browser) -> int:
    """Return the number of rows, one a frame, in the page's table."""
    text = browser.evaluate("document.querySelector('#count').textContent")
    return int(str(text).split()[0].replace(",", ""))


def camera(path: Path) -> Path:
    """Write a second of video in which a face sways from side to side."""
    face, colours = drawn_faces()[3], np.full(640 * 480 // 2, 128, np.uint8).tobytes()
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420jpeg\n")
        for frame in range(FRAMES):
            shift = round(30 * np.sin(2 * np.pi * frame / FRAMES))
            picture = scene([face], side=220, places=((210 + shift, 130),))
            file.write(b"FRAME\n" + picture[:, :, 0].tobytes() + colours)
    return path


if __name__ == "__main__":
    main()
