"""A written page, served, in a Chromium whose camera shows drawn faces."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from page_in_browser import OpenPage

from browser import CHROMIUM, Browser
from ferflow.page.page_folder import write_page
from ferflow.page.runtime import PACKAGE
from ferflow.page.server import open_server
from made_network import drawn_faces, scene, write_network

ROOT = Path(__file__).parents[2]
FRAMES = 30


@pytest.fixture(scope="session")
def runtime() -> Path:
    """The folder whose node_modules has ONNX Runtime Web."""
    if not (ROOT / "node_modules" / PACKAGE).is_dir():
        pytest.skip(f"npm's {PACKAGE} is not installed (make test installs it where npm is)")
    return ROOT


@pytest.fixture(scope="session")
def network_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_network(tmp_path_factory.mktemp("network"), drawn_faces())


@pytest.fixture(scope="session")
def page_folder(tmp_path_factory: pytest.TempPathFactory, network_folder: Path, runtime: Path) -> Path:
    out = tmp_path_factory.mktemp("written") / "page"
    write_page(out, network_folder, runtime=[runtime])
    return out


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, page_folder: Path) -> Iterator[OpenPage]:
    if CHROMIUM is None:
        pytest.skip("no chromium is installed (Debian: apt-get install chromium)")
    folder = tmp_path_factory.mktemp("browser")
    flags = (
        "--use-fake-ui-for-media-stream",  # answers the question whether the camera may be used
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={_camera(folder / 'camera.y4m')}",
    )
    server = open_server(page_folder, 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with Browser(folder / "profile", *flags) as browser:
            yield OpenPage(browser, f"http://127.0.0.1:{server.server_address[1]}/", folder / "downloads")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _camera(path: Path) -> Path:
    """Write a second of video, 640x480, in which a happy and an angry face sway from side to side."""
    faces = drawn_faces()
    colours = np.full(640 * 480 // 2, 128, np.uint8).tobytes()
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420jpeg\n")
        for frame in range(FRAMES):
            shift = round(20 * np.sin(2 * np.pi * frame / FRAMES))
            picture = scene([faces[3], faces[0]], side=190, places=((80 + shift, 120), (360 - shift, 140)))
            file.write(b"FRAME\n" + picture[:, :, 0].tobytes() + colours)
    return path
