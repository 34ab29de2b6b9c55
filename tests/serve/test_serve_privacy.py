"""Bytes of a picture are neither written nor logged."""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from serve_helpers import picture, running, send, send_form

from ferflow.serve.limits import Limits
from ferflow.serve.upload import Upload
from ferflow.use.recognizer import Recognizer

_watching: list[list[str]] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if event == "open":
        path, mode, flags = arguments
        writes = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) or (mode and set(mode) & set("wax+"))
        if writes and path != os.devnull:
            _watching[-1].append(str(path))
    elif event in ("os.rename", "os.mkdir", "tempfile.mkstemp", "tempfile.mkdtemp", "shutil.copyfile"):
        _watching[-1].append(f"{event} {arguments}")


@contextmanager
def written() -> Iterator[list[str]]:
    """Every file that any thread of this process opens for writing inside of this context."""
    if not getattr(sys, "_ferflow_hook", False):
        sys.addaudithook(_hook)  # for good; it does nothing outside of this context
        sys._ferflow_hook = True  # type: ignore[attr-defined]
    paths: list[str] = []
    _watching.append(paths)
    try:
        yield paths
    finally:
        _watching.pop()


def test_the_watch_sees_what_is_written() -> None:
    with written() as paths, tempfile.SpooledTemporaryFile(max_size=10) as file:
        file.write(b"a" * 10)
        assert paths == []
        file.write(b"a")
    assert paths != []


def test_nothing_of_a_picture_is_written_or_logged(recognizer: Recognizer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    marked = picture() + b"MARK-OF-THE-PICTURE" * 200_000  # beyond the size that Starlette writes to the disk
    assert len(marked) > 3_000_000
    with running(recognizer, Limits()) as client:
        send(client, picture())  # what is loaded with the first request
        caplog.clear()
        with written() as paths:
            assert send(client, marked).status_code == 200
            files = [("MARK-OF-THE-PICTURE.jpg", marked, "image/jpeg"), ("b.png", picture("PNG")[:999], "image/png")]
            assert send_form(client, files).status_code == 200
            assert send(client, marked, "image/png").status_code == 415
            assert send(client, marked[:2000], "image/jpeg").status_code == 422
            assert send(client, b"MARK-OF-THE-PICTURE", "multipart/form-data; boundary=x").status_code == 400
            assert client.get("/metrics").status_code == 200
    assert paths == []
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert [record.getMessage() for record in ours if "MARK" in record.getMessage()] == []
    # A line for each request would tell who asked, and when.
    noticed = {record.name for record in ours if record.levelno >= logging.INFO}
    assert noticed <= {"uvicorn.error"}, "uvicorn's name for its notices of start and end"


def test_the_text_of_a_request_has_no_bytes_of_it() -> None:
    assert "secret" not in repr(Upload("a.jpg", "image/jpeg", b"secret"))


def test_answers_must_not_be_cached(service: httpx.Client) -> None:
    for content in (picture(), b"no picture"):
        assert send(service, content).headers["cache-control"] == "no-store"
