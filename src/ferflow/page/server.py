"""Serve a page to this machine's browsers, with the headers that let it use several threads."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ferflow.base.errors import DataError

_HEADERS = {
    # Both together isolate the page from other origins; only then do browsers let WebAssembly share memory.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # so that a page that is written again is seen
}


class _Handler(SimpleHTTPRequestHandler):
    # Stated, because a system's own table may lack them or name others, and browsers refuse modules of another type.
    extensions_map = {
        "": "application/octet-stream",
        ".css": "text/css",
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript",
        ".json": "application/json",
        ".mjs": "text/javascript",
        ".svg": "image/svg+xml",
        ".txt": "text/plain; charset=utf-8",
        ".wasm": "application/wasm",
    }

    def end_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of single requests."""


def open_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """Return a server of a folder that listens on 127.0.0.1 only; serve_forever() answers requests.

    Args:
        folder: The page.
        port: Port to listen on; 0: any free one.

    Raises:
        DataError: The port cannot be used.
    """
    handler = partial(_Handler, directory=str(folder))
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), handler)
    except (OSError, OverflowError) as error:
        raise DataError(f"Port {port} cannot be used: {error}. Choose another one: --port N.") from None
