"""A stand-in for Kaggle's server on localhost:7777, which the real client talks to (KAGGLE_API_ENVIRONMENT=TEST)."""

import http.server
import io
import json
import resource
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

TOKEN = "KGAT_c0ffee5ec4e7c0ffee5ec4e7c0ffee5e"
Reply = Callable[["Handler"], None]


def jpeg(shade: int = 128) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (48, 48), shade).save(stream, "JPEG")
    return stream.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return stream.getvalue()


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


FACES = {
    f"{split}/{label}/{name}_{n}.jpg": jpeg(n + 40 * k)
    for k, label in enumerate(("angry", "happy"))
    for split, name in (("train", "Training"), ("test", "PublicTest"))
    for n in range(3)
}


@dataclass
class FakeKaggle:
    """What the server answers, and the requests that it received.

    `replies` maps the end of a request's path to one reply per request, used in order; once they are used up, the
    server answers as a healthy one would.
    """

    archive: bytes = field(default_factory=lambda: zip_of(FACES))
    etag: str = '"v1"'
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [path.rsplit("/", 1)[-1] for path, _, _ in self.asked]

    def headers(self, ending: str) -> list[dict[str, str]]:
        return [headers for path, headers, _ in self.asked if path.endswith(ending)]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeKaggle

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        self.close_connection = True
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.fake.asked.append((self.path, dict(self.headers), body))
        name = self.path.rsplit("/", 1)[-1].split("?")[0]
        waiting = self.fake.replies.get(name, [])
        if waiting:
            waiting.pop(0)(self)
        else:
            {
                "IntrospectToken": self.introspect,
                "GetDatasetMetadata": self.metadata,
                "DownloadDataset": self.redirect,
                "bundle.zip": self.send_archive,
            }[name]()

    do_GET = do_POST  # noqa: N815

    def json(self, value: Any) -> None:
        self.answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "Connection": "close", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def introspect(self) -> None:
        self.json({"active": True, "username": "someone"})

    def metadata(self) -> None:
        self.json({"info": {"licenses": [{"name": "CC0-1.0"}]}})

    def redirect(self) -> None:
        # As Kaggle does, to a signed address.
        self.answer(302, headers={"Location": "/storage/bundle.zip?X-Goog-Signature=5163d0c5"})

    def send_archive(self, cut: int | None = None, damage: bool = False) -> None:
        """Send the archive, from where Range says; close the connection after `cut` bytes."""
        data = self.fake.archive
        start = 0
        asked = self.headers.get("Range")
        if asked and self.headers.get("If-Range") == self.fake.etag:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
        part = data[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("ETag", self.fake.etag)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT")
        self.send_header("Connection", "close")
        self.end_headers()
        if damage:
            part = part[:40] + bytes(200) + part[240:]
        self.wfile.write(part if cut is None else part[:cut])


def status(code: int, headers: dict[str, str] | None = None, body: bytes = b"{}") -> Reply:
    return lambda handler: handler.answer(code, body, headers)


def damaged(handler: Handler) -> None:
    handler.send_archive(damage=True)


class Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True


def tar_of(files: dict[str, bytes], mode: str = "w", style: int = tarfile.PAX_FORMAT, **changes: object) -> bytes:
    """A tar of `files`; `changes` are set on each header."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode, format=style) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            for key, value in changes.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Let writing fail past `size` bytes of a file, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
