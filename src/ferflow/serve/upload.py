"""Read the pictures of a request into memory, never onto the disk, and refuse what is no picture."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from ferflow.serve.limits import Limits
from ferflow.serve.problems import ProblemError

JPEG, PNG, WEBP = "image/jpeg", "image/png", "image/webp"
TYPES = (JPEG, PNG, WEBP)
"""Media types of pictures that the service takes."""
FORM = "multipart/form-data"
_ALIASES = {"image/jpg": JPEG, "image/pjpeg": JPEG}
_UNTOLD = ("", "application/octet-stream")
_HOW = (
    f"Send the bytes of one picture as the body, with Content-Type {JPEG}, {PNG} or {WEBP} (curl -H 'Content-Type: "
    f"{JPEG}' --data-binary @face.jpg), or several as files of {FORM} (curl -F pictures=@face.jpg)."
)
# A progressive JPEG may repeat its scans without end, and each costs a pass over all pixels. Real files have about ten.
_MAX_SCANS = 100


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture as it came.

    Attributes:
        name: File name in a form; None for a picture that is the body itself.
        type: Media type that the client states; empty if it states none.
        content: The bytes. They are not in the object's text, so that no message or log has them.
    """

    name: str | None
    type: str
    content: bytes = field(repr=False)


class _InMemory(MultiPartParser):
    """A parser that keeps files of any size in memory, where Starlette's writes those above 1 MB to the disk."""

    spool_max_size = 0  # of a SpooledTemporaryFile, which takes zero for no limit
    complete = False

    def on_end(self) -> None:
        """Note that the last boundary has been read."""
        self.complete = True


async def read_uploads(request: Request, limits: Limits) -> list[Upload]:
    """Return the pictures of a request, one or more.

    Raises:
        ProblemError: The body is empty, too large, too slow, of another type, or no valid form.
        ClientDisconnect: The client has gone.
    """
    stated = _media_type(request.headers.get("content-type", ""))
    if stated not in (*TYPES, *_UNTOLD, FORM):
        raise ProblemError("unsupported_type", f"The content type is {stated[:100]!r}. {_HOW}")
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limits.max_bytes:
        raise _too_many_bytes(f"{int(length):,}", limits)
    try:
        async with asyncio.timeout(limits.timeout):
            if stated == FORM:
                return await _read_form(request, limits)
            content = b"".join([chunk async for chunk in _limited(request, limits)])
    except TimeoutError:
        raise ProblemError("slow_body", f"The body had not arrived after {limits.timeout:g} seconds.") from None
    if not content:
        raise ProblemError("empty", f"The body is empty. {_HOW}")
    return [Upload(None, stated, content)]


def check_type(upload: Upload) -> str:
    """Return the media type of a picture by its bytes.

    Raises:
        ProblemError: It is empty, not a JPEG, PNG or WebP file, or of another type than the client states, or a JPEG
            made to take an eternity.
    """
    content = upload.content
    if not content:
        raise ProblemError("empty", "The file is empty.")
    if upload.type not in (*TYPES, *_UNTOLD):
        raise ProblemError(
            "unsupported_type", f"The content type is {upload.type[:100]!r}. Allowed: {', '.join(TYPES)}."
        )
    found = kind_of(content)
    if found is None:
        raise ProblemError("unsupported_type", f"The {len(content):,} bytes are not a JPEG, PNG or WebP picture.")
    if upload.type not in (found, *_UNTOLD):
        raise ProblemError("type_mismatch", f"The content type is {upload.type}, but the bytes are {found}.")
    # In a JPEG's compressed data each byte FF is followed by 00, so that these two bytes start a scan.
    if found == JPEG and (scans := content.count(b"\xff\xda")) > _MAX_SCANS:
        raise ProblemError("damaged", f"The JPEG has {scans:,} scans; the maximum is {_MAX_SCANS}.")
    return found


def kind_of(content: bytes) -> str | None:
    """Return the media type that a file's first bytes tell, None if it is none of TYPES.

    >>> kind_of(b"RIFF1234WEBPVP8 ")
    'image/webp'
    """
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    return WEBP if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else None


async def discard_body(request: Request, most: int, seconds: float = 2.0) -> None:
    """Read and forget what is left of a body, up to `most` bytes and some seconds.

    A client that is still sending reads no answer, and loses it if the connection is closed meanwhile.
    """
    if request.headers.get("expect", "").lower() == "100-continue":
        return  # this client waits for permission to send
    # A RuntimeError says that the body has been read to its end.
    with contextlib.suppress(TimeoutError, ClientDisconnect, RuntimeError):
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                most -= len(chunk)
                if most < 0:
                    return


async def _read_form(request: Request, limits: Limits) -> list[Upload]:
    parser = _InMemory(request.headers, _limited(request, limits), max_files=limits.max_pictures, max_fields=0)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        if error.message.startswith("Too many files"):
            raise ProblemError(
                "too_many_pictures", f"The form has more than {limits.max_pictures} pictures, the maximum."
            ) from None
        if error.message.startswith("Too many fields"):
            raise ProblemError("invalid_form", f"A part of the form is not a file. {_HOW}") from None
        raise ProblemError("invalid_form", f"The form cannot be read: {error.message} {_HOW}") from None
    except (UnicodeError, LookupError, ValueError):  # a charset that is no text encoding
        raise ProblemError("invalid_form", f"The names in the form cannot be decoded. {_HOW}") from None
    if not parser.complete:
        raise ProblemError("invalid_form", f"The form ends before its last boundary. {_HOW}")
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    uploads = [Upload(file.filename, _media_type(file.content_type or ""), await file.read()) for file in files]
    await form.close()
    if not uploads:
        raise ProblemError("empty", f"The form has no file. {_HOW}")
    return uploads


async def _limited(request: Request, limits: Limits) -> AsyncGenerator[bytes, None]:
    total = 0
    async for chunk in request.stream():
        total += len(chunk)
        if total > limits.max_bytes:
            raise _too_many_bytes(f"more than {limits.max_bytes:,}", limits)
        yield chunk


def _media_type(header: str) -> str:
    name = header.partition(";")[0].strip().lower()
    return _ALIASES.get(name, name)


def _too_many_bytes(received: str, limits: Limits) -> ProblemError:
    return ProblemError("too_many_bytes", f"The body has {received} bytes; the maximum is {limits.max_bytes:,}.")
