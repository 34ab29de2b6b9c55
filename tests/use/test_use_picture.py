"""Pictures of every kind come out as upright RGB with 8 bits, or with a clear reason."""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ferflow.use.picture import PictureError, read_picture, to_grey

ARRAY = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_files_come_out_as_they_went_in(kind: str, tmp_path: Path) -> None:
    data = encoded(Image.fromarray(ARRAY), kind)
    np.testing.assert_array_equal(read_picture(data), ARRAY)
    file = tmp_path / "name without suffix"
    file.write_bytes(data)
    np.testing.assert_array_equal(read_picture(file), ARRAY)
    np.testing.assert_array_equal(read_picture(str(file)), ARRAY)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_lossy_files_are_near_what_went_in(kind: str) -> None:
    smooth = np.tile(np.linspace(0, 255, 64, dtype=np.uint8)[:, None, None], (1, 64, 3))
    found = read_picture(encoded(Image.fromarray(smooth), kind, quality=95))
    assert np.abs(found.astype(int) - smooth).mean() < 4


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (6, lambda a: np.rot90(a, -1)),
        (8, lambda a: np.rot90(a, 1)),
    ],
)
def test_exif_orientation_is_honoured(orientation: int, turned: Callable[[Any], Any]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(ARRAY), "PNG", exif=exif)
    np.testing.assert_array_equal(read_picture(data), turned(ARRAY))


def test_damaged_exif_leaves_the_picture() -> None:
    data = encoded(Image.fromarray(ARRAY), "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    np.testing.assert_array_equal(read_picture(data), ARRAY)


def test_transparent_parts_are_white() -> None:
    alpha = np.dstack([ARRAY, np.zeros((20, 30), np.uint8)])
    alpha[:10, :, 3] = 255
    for source in (encoded(Image.fromarray(alpha), "PNG"), alpha):
        found = read_picture(source)
        np.testing.assert_array_equal(found[:10], ARRAY[:10])
        assert (found[10:] == 255).all()


def test_palette_grey_bilevel_and_cmyk_become_rgb() -> None:
    grey = Image.fromarray(ARRAY[:, :, 0])
    np.testing.assert_array_equal(read_picture(grey), np.repeat(ARRAY[:, :, :1], 3, axis=2))
    assert set(np.unique(read_picture(encoded(grey.convert("1"), "PNG")))) == {0, 255}
    assert read_picture(encoded(grey.convert("P"), "GIF")).shape == (20, 30, 3)
    red = Image.new("RGB", (40, 40), (200, 30, 30))
    found = read_picture(encoded(red.convert("CMYK"), "JPEG", quality=95))
    assert np.abs(found.reshape(-1, 3).mean(0) - (200, 30, 30)).max() < 8


def test_sixteen_bits_are_scaled_to_eight() -> None:
    wide = np.linspace(0, 65_535, 600).reshape(20, 30).astype(np.uint16)
    for kind in ("PNG", "TIFF"):
        found = read_picture(encoded(Image.fromarray(wide), kind))[:, :, 0]
        np.testing.assert_array_equal(found, np.rint(wide / 257).astype(np.uint8))


def test_sixteen_bits_that_do_not_tell_their_range_are_refused() -> None:
    with pytest.raises(PictureError, match=r"pixels of 16 bits whose range is not told.*largest value: 3000"):
        read_picture(encoded(Image.fromarray(np.array([[1, 3000], [7, 200]], np.uint16)), "PNG"))


def test_an_animation_gives_its_first_frame() -> None:
    first, second = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    data = encoded(first, "GIF", save_all=True, append_images=[second])
    assert (read_picture(data) == (255, 0, 0)).all()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"", "an empty file"),
        (b"<html>not found</html>", "not a picture of a known format"),
        (encoded(Image.fromarray(ARRAY), "PNG")[:400], "damaged: "),
        (encoded(Image.fromarray(ARRAY), "JPEG")[:1000], "damaged: image file is truncated"),
        (Path("none.jpg"), "cannot be read: No such file"),
        (Path(), "cannot be read: Is a directory"),
        (ARRAY / 255, r"has to be uint8, 0 to 255. Received: float64, shape \(20, 30, 3\).*\(image \* 255\)"),
        (ARRAY.astype(np.float32), r"Received: float32, shape \(20, 30, 3\)\.$"),
        (ARRAY.transpose(2, 0, 1), r"Received: shape \(3, 20, 30\). Channels come last"),
        (ARRAY[None], "Several pictures are given as a list"),
        (ARRAY[:0], r"Received: shape \(0, 30, 3\)"),
        (7, "Received: int"),
    ],
)
def test_what_cannot_be_read_is_told(source: Any, message: str) -> None:
    with pytest.raises(PictureError, match=message):
        read_picture(source)


@pytest.mark.parametrize("source", [ARRAY, Image.fromarray(ARRAY), encoded(Image.fromarray(ARRAY), "PNG")])
def test_a_picture_with_too_many_pixels_is_refused(source: Any) -> None:
    with pytest.raises(PictureError, match=r"too large: 30x20 pixels; the maximum is 599 pixels"):
        read_picture(source, max_pixels=599)
    assert read_picture(source, max_pixels=600).shape == (20, 30, 3)


def test_a_header_that_claims_too_much_is_refused_before_it_is_decoded() -> None:
    data = bytearray(encoded(Image.fromarray(ARRAY), "BMP"))
    data[18:26] = (60_000).to_bytes(4, "little") * 2
    with pytest.raises(PictureError, match="too large"):
        read_picture(bytes(data))


def test_bgr_is_for_arrays() -> None:
    np.testing.assert_array_equal(read_picture(ARRAY[:, :, ::-1], bgr=True), ARRAY)
    with pytest.raises(PictureError, match="bgr=True is for arrays; a bytes tells"):
        read_picture(b"...", bgr=True)


@given(data=st.binary(max_size=300), kind=st.sampled_from(["PNG", "JPEG", "GIF", "WEBP"]), cut=st.integers(0, 2000))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_a_picture_or_a_reason(data: bytes, kind: str, cut: int) -> None:
    whole = encoded(Image.fromarray(ARRAY), kind)
    place = cut % len(whole)
    mixed = whole[:place] + data + whole[place + len(data) :]
    with contextlib.suppress(PictureError):  # any other error fails the test
        found = read_picture(mixed)
        assert found.dtype == np.uint8
        assert found.shape[2] == 3


def test_grey_of_grey_is_itself() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(to_grey(read_picture(levels)), levels)
