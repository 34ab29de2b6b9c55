"""Fetch the file at a URL: with limits on its size and on the time it takes."""

import http.client
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from ferflow.use.picture import PictureError

MAX_BYTES = 200_000_000
TIMEOUT = 30.0
_BLOCK = 1 << 16


class _WebOnly(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https only: a server must not name a file of this machine."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme not in ("http", "https"):
            raise PictureError(f"the server redirects to {newurl}, which is neither http nor https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(url: str, target: Path, max_bytes: int = MAX_BYTES, timeout: float = TIMEOUT) -> str:
    """Write the file at a URL to `target` and return its media type, such as `image/jpeg`.

    Args:
        url: Address, http or https.
        target: Where to write it.
        max_bytes: Maximum size. Defaults to 200 MB.
        timeout: Seconds for the connection, and for each further answer; the whole may take ten times as long. Defaults
            to 30.

    Raises:
        PictureError: The server cannot be reached, refuses, is too slow, or the file is too large.
    """
    opener = urllib.request.build_opener(_WebOnly)
    deadline = time.monotonic() + 10 * timeout
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "ferflow"})
        with opener.open(request, timeout=timeout) as answer, target.open("wb") as handle:
            length = answer.headers.get("Content-Length", "")
            if length.isdigit() and int(length) > max_bytes:
                raise PictureError(f"too large: {int(length):,} bytes; the maximum is {max_bytes:,}")
            received = 0
            while block := answer.read(_BLOCK):
                received += len(block)
                if received > max_bytes:
                    raise PictureError(f"too large: more than {max_bytes:,} bytes")
                if time.monotonic() > deadline:
                    raise PictureError(f"the server sends too slowly: {received:,} bytes in {10 * timeout:.0f} s")
                handle.write(block)
            if length.isdigit() and received < int(length):
                raise PictureError(f"the server stopped after {received:,} of {int(length):,} bytes")
            return str(answer.headers.get_content_type())
    except PictureError:
        raise
    except urllib.error.HTTPError as error:
        raise PictureError(f"the server answers {error.code} {error.reason}") from None
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise PictureError(f"cannot be fetched: {reason}") from None
