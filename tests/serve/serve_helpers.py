"""Services on a free port, clients of them, and pictures to send."""

import contextlib
import functools
import io
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import numpy as np
import uvicorn
from PIL import Image

from ferflow.serve.limits import Limits
from ferflow.serve.server import configuration, listen
from ferflow.use.face import Box, Face, Rgb
from ferflow.use.recognizer import Recognizer
from made_network import drawn_faces, scene

MEDIA = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


@contextlib.contextmanager
def running(recognizer: Recognizer, limits: Limits) -> Iterator[httpx.Client]:
    """A real server in a thread, and a client of it; the server stops as after SIGTERM."""
    with serving(recognizer, limits) as (client, _):
        yield client


@contextlib.contextmanager
def serving(recognizer: Recognizer, limits: Limits) -> Iterator[tuple[httpx.Client, uvicorn.Server]]:
    server = uvicorn.Server(configuration(recognizer, limits))
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with httpx.Client(base_url=address, timeout=60, limits=httpx.Limits(max_connections=None)) as client:
                yield client, server
        finally:
            server.should_exit = True
            thread.join(30)
    assert not thread.is_alive(), f"the server did not stop: {why_alive(server, thread)}"


def why_alive(server: uvicorn.Server, thread: threading.Thread) -> str:
    """What a server that does not stop is waiting for."""
    frame = sys._current_frames().get(thread.ident or 0)
    state = server.server_state
    cycles = [getattr(connection, "cycle", None) for connection in state.connections]
    requests = [cycle and (cycle.scope["path"], cycle.response_complete) for cycle in cycles]
    return f"connections {requests}, tasks {state.tasks}, at {''.join(traceback.format_stack(frame))}"


@functools.cache
def picture(format: str = "JPEG", faces: int = 2, **options: Any) -> bytes:
    """A photograph of some drawn faces as a file; `options` are Pillow's."""
    return encoded(scene(list(drawn_faces()[:faces])), format, **options)


def encoded(image: Rgb, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format, **options)
    return buffer.getvalue()


def send(client: httpx.Client, content: bytes, type: str | None = "image/jpeg") -> httpx.Response:
    return client.post("/predict", content=content, headers={} if type is None else {"Content-Type": type})


def send_form(client: httpx.Client, files: Sequence[tuple[str, bytes, str]]) -> httpx.Response:
    return client.post("/predict", files=[("pictures", file) for file in files])


def counter(client: httpx.Client, name: str) -> float:
    """The value of a counter, 0 if it has none yet."""
    lines = client.get("/metrics").text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0)


class Blocked:
    """A detector that finds one face, and waits until it is told to go on."""

    def __init__(self) -> None:
        self.entered, self.go = threading.Semaphore(0), threading.Event()

    def detect(self, image: Rgb) -> list[Face]:
        self.entered.release()
        assert self.go.wait(60)
        return [Face(Box(0.0, 0.0, 50.0, 50.0), 0.9)]


class Fixed:
    """A detector that finds the same boxes in each picture at once."""

    def __init__(self, *boxes: tuple[float, float, float, float]) -> None:
        self.faces = [Face(Box(*box), 0.9) for box in boxes]

    def detect(self, image: Rgb) -> list[Face]:
        return self.faces


SMALL = encoded(np.full((60, 60, 3), 128, np.uint8), "PNG")
"""A picture that is decoded at once."""
