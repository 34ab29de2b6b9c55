import contextlib
import http.client
import io
import struct
import zlib
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from serve_helpers import MEDIA, picture, send, send_form

from ferflow.serve.problems import KINDS
from ferflow.serve.upload import kind_of

FORM = "multipart/form-data; boundary=xx"
PART = b'--xx\r\nContent-Disposition: form-data; name="p"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'


def bomb() -> bytes:
    """A PNG file of some kilobytes with 900 million pixels, all of them there."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = 30_000
    packer = zlib.compressobj(9)
    row = bytes(1 + size // 8)
    rows = b"".join([packer.compress(row) for _ in range(size)]) + packer.flush()
    header = struct.pack(">IIBBBBB", size, size, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def many_scans() -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    buffer = io.BytesIO()
    Image.effect_noise((24, 24), 50).save(buffer, "JPEG", progressive=True)
    content = buffer.getvalue()
    start = content.rindex(b"\xff\xda")
    return content[:start] + content[start:-2] * 1000 + content[-2:]


def large(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


BAD = {
    "empty": (b"", "image/jpeg", "empty"),
    "text": (b"This is no picture.", "image/jpeg", "unsupported_type"),
    "json": (b"{}", "application/json", "unsupported_type"),
    "gif": (b"GIF89a" + bytes(100), "image/gif", "unsupported_type"),
    "gif_told_as_png": (b"GIF89a" + bytes(100), "image/png", "unsupported_type"),
    "svg": (b"<svg/>", "image/svg+xml", "unsupported_type"),
    "another_type": (picture("PNG"), "image/jpeg", "type_mismatch"),
    "cut_png": (picture("PNG")[:1000], "image/png", "damaged"),
    "cut_jpeg": (picture()[:1000], "image/jpeg", "damaged"),
    "cut_webp": (picture("WEBP")[:1000], "image/webp", "damaged"),
    "signature_alone": (b"\x89PNG\r\n\x1a\n", "image/png", "damaged"),
    "bytes": (bytes(400_001), "image/png", "too_many_bytes"),
    "pixels": (large(1001, 1000), "image/png", "too_many_pixels"),
    "bomb": (bomb(), "image/png", "too_many_pixels"),
    "scans": (many_scans(), "image/jpeg", "damaged"),
    "form_without_boundary": (b"--xx--", "multipart/form-data", "invalid_form"),
    "form_without_parts": (b"--xx--\r\n", FORM, "empty"),
    "form_of_noise": (b"noise", FORM, "invalid_form"),
    "form_cut": (PART + picture()[:1000], FORM, "invalid_form"),
    "form_with_an_odd_charset": (PART + b"\r\n--xx--\r\n", f"{FORM}; charset=idna", "empty"),
    "form_with_a_text": (
        b'--xx\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--xx--\r\n',
        FORM,
        "invalid_form",
    ),
    "form_with_too_many": (PART + b"1\r\n" + (PART + b"1\r\n") * 3 + b"--xx--\r\n", FORM, "too_many_pictures"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_is_refused_with_its_reason(service: httpx.Client, name: str) -> None:
    content, type, code = BAD[name]
    refused(send(service, content, type), code)
    assert send(service, picture()).status_code == 200


def test_a_body_of_unknown_length_is_refused_when_it_gets_too_large(service: httpx.Client) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield bytes(50_000)

    headers = {"Content-Type": "image/png"}
    with contextlib.suppress(httpx.WriteError):  # the server closes the connection on a client that does not stop
        refused(service.post("/predict", content=endless(), headers=headers), "too_many_bytes")
    assert sent >= 400_000 / 50_000
    assert send(service, picture()).status_code == 200


def test_a_client_that_asks_first_need_not_send_a_large_body(service: httpx.Client) -> None:
    connection = http.client.HTTPConnection(service.base_url.host, service.base_url.port, timeout=30)
    connection.putrequest("POST", "/predict")
    headers = {"Content-Type": "image/png", "Content-Length": "1000000000", "Expect": "100-continue"}
    for header, value in headers.items():
        connection.putheader(header, value)
    connection.endheaders()
    response = connection.getresponse()
    assert (response.status, b'"too_many_bytes"' in response.read()) == (413, True)
    connection.close()


def test_a_form_whose_pictures_are_all_bad_is_refused(service: httpx.Client) -> None:
    files = [("a.png", b"", "image/png"), ("b.gif", b"GIF89a", "image/gif")]
    problem = refused(send_form(service, files), "empty")
    assert problem["detail"].startswith("a.png: The file is empty. b.gif: The content type is 'image/gif'")


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [("GET", "/", "not_found"), ("GET", "/predict", "method_not_allowed"), ("POST", "/health", "method_not_allowed")],
)
def test_other_addresses_are_refused_in_the_same_shape(
    service: httpx.Client, method: str, path: str, code: str
) -> None:
    refused(service.request(method, path), code)


def refused(response: httpx.Response, code: str) -> dict[str, object]:
    """Check the shape of a refusal and return it."""
    status, title = KINDS[code]
    problem = response.json()
    assert (response.status_code, problem["code"]) == (status, code), problem
    assert response.headers["content-type"] == "application/problem+json"
    assert list(problem) == ["type", "title", "status", "detail", "code"]
    assert (problem["type"], problem["title"], problem["status"]) == ("about:blank", title, status)
    assert problem["detail"].endswith((".", ").")), "a sentence"
    return problem


starts = st.sampled_from([b"", *(picture(format)[:12] for format in MEDIA)])
anything = st.builds(bytes.__add__, starts, st.binary(max_size=300))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A real picture with some bytes replaced, and perhaps cut."""
    content = bytearray(picture(draw(st.sampled_from(list(MEDIA)))))
    places = st.integers(0, min(len(content), 2000) - 1)
    for place, value in draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=8)):
        content[place] = value
    return bytes(content[: draw(st.integers(0, len(content)))]) if draw(st.booleans()) else bytes(content)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=anything | mutated(), type=st.sampled_from([None, *MEDIA.values(), FORM, "text/plain"]))
def test_no_bytes_make_the_service_fail(service: httpx.Client, content: bytes, type: str | None) -> None:
    response = send(service, content, type)
    assert response.status_code < 500
    if response.status_code != 200:
        refused(response, response.json()["code"])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=anything | mutated(), name=st.text(max_size=20), end=st.booleans())
def test_no_part_of_a_form_makes_the_service_fail(service: httpx.Client, content: bytes, name: str, end: bool) -> None:
    head = f'--xx\r\nContent-Disposition: form-data; name="p"; filename="{name}"\r\n\r\n'.encode("utf-8", "replace")
    response = send(service, head + content + (b"\r\n--xx--\r\n" if end else b""), FORM)
    assert response.status_code < 500


@given(content=anything)
def test_the_kind_of_a_file_is_that_of_its_first_bytes(content: bytes) -> None:
    kind = kind_of(content)
    assert kind in (None, *MEDIA.values())
    assert kind_of(content[:12]) == kind
