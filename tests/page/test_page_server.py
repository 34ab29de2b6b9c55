"""The server of `ferflow page --serve`: this machine only, with the headers and types that browsers ask for."""

import http.client
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from ferflow.base.errors import DataError
from ferflow.page.server import open_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ThreadingHTTPServer]:
    for name in ("index.html", "m.mjs", "a.js", "n.wasm", "c.json", "x.onnx"):
        (tmp_path / name).write_bytes(name.encode())
    with open_server(tmp_path, 0) as opened:
        thread = threading.Thread(target=opened.serve_forever)
        thread.start()
        yield opened
        opened.shutdown()
        thread.join()


def get(server: ThreadingHTTPServer, path: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read()
    connection.close()
    return found


@pytest.mark.parametrize(
    ("path", "type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/m.mjs", "text/javascript"),
        ("/a.js", "text/javascript"),
        ("/n.wasm", "application/wasm"),
        ("/c.json", "application/json"),
        ("/x.onnx", "application/octet-stream"),
    ],
)
def test_types_and_isolation(server: ThreadingHTTPServer, path: str, type: str) -> None:
    status, headers, body = get(server, path)
    assert (status, headers["Content-Type"]) == (200, type)
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert body == (path[1:] or "index.html").encode()


def test_only_the_folder_is_served_and_only_to_this_machine(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert get(server, "/../" + tmp_path.parent.name)[0] == 404
    assert get(server, "/none.js")[0] == 404


def test_a_taken_port_is_told(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot be used.*--port"):
        open_server(tmp_path, int(server.server_address[1]))
    with pytest.raises(DataError, match="--port"):
        open_server(tmp_path, 70000)
