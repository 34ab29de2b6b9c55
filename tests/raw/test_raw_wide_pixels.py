"""Faces of 10, 12 and 14 bits in files of 16: no grey level is lost, and what cannot be told is refused."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from ferflow.raw.images import decode_bytes
from ferflow.raw.wide_pixels import UntoldRangeError, bits_of_set, to_grey_levels

LEVELS = np.arange(256, dtype=np.uint16).reshape(16, 16)


def deep(bits: int, brightest: int = 255) -> np.ndarray:
    """Return all grey levels up to `brightest` as values of so many bits, uint16, (16, 16)."""
    return np.rint(np.minimum(LEVELS, brightest) * ((2**bits - 1) / 255)).astype(np.uint16)


def saved(values: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, kind, **options)
    return stream.getvalue()


def with_sbit(png: bytes, *bits: int) -> bytes:
    """Return a PNG with a chunk sBIT after its header."""
    body = b"sBIT" + bytes(bits)
    return png[:33] + struct.pack(">I", len(bits)) + body + struct.pack(">I", zlib.crc32(body)) + png[33:]


def colour_png(channels: list[np.ndarray]) -> bytes:
    """Return a PNG with 16 bits a channel, which Pillow cannot write."""
    height, width = channels[0].shape
    pixels = np.stack(channels, axis=-1).astype(">u2")
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    kinds = {2: 4, 3: 2, 4: 6}
    header = struct.pack(">IIBBBBB", width, height, 16, kinds[len(channels)], 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("bits", [9, 10, 11, 12, 13, 14])
def test_a_png_that_tells_its_bits_keeps_every_grey_level(bits: int) -> None:
    assert np.array_equal(decode_bytes(with_sbit(saved(deep(bits)), bits)).grey, LEVELS)


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("repeat", [False, True])
@pytest.mark.parametrize("brightest", [255, 60])
def test_a_png_that_was_scaled_up_as_the_standard_requires(bits: int, repeat: bool, brightest: int) -> None:
    low = deep(bits, brightest).astype(np.int64)
    values = (low << (16 - bits)) | (low >> (2 * bits - 16) if repeat else 0)
    grey = decode_bytes(with_sbit(saved(values.astype(np.uint16)), bits)).grey
    assert np.abs(grey.astype(int) - np.minimum(LEVELS, brightest)).max() <= 1


@pytest.mark.parametrize("tag", [281, 341])
def test_a_tiff_that_tells_its_maximum(tag: int) -> None:
    tags = ImageFileDirectory_v2()
    tags.tagtype[tag] = 3
    tags[tag] = (4095,)
    assert np.array_equal(decode_bytes(saved(deep(12), "TIFF", tiffinfo=tags)).grey, LEVELS)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_the_set_tells_the_bits_of_files_that_do_not(kind: str, bits: int) -> None:
    data = saved(deep(bits, 200), kind)
    with pytest.raises(UntoldRangeError, match=rf"range is not told.*largest value: {deep(bits, 200).max()}"):
        decode_bytes(data)
    assert np.array_equal(decode_bytes(data, bits=bits).grey, np.minimum(LEVELS, 200))


@pytest.mark.parametrize(
    "values",
    [LEVELS * 257, np.minimum(LEVELS, 60) * 257, np.full((16, 16), 900, np.uint16), np.zeros((16, 16), np.uint16)],
    ids=["bright", "dark copies of 8 bits", "one grey", "black"],
)
@pytest.mark.parametrize("bits", [None, 12])
def test_full_values_and_blank_images_need_no_telling(values: np.ndarray, bits: int | None) -> None:
    if bits and values.max() < 2**14 and values.min() != values.max():
        return  # dark ones of a set that uses 12 bits are of 12 bits
    assert np.array_equal(decode_bytes(saved(values), bits=bits).grey, np.rint(values / 257))


def test_a_pgm_says_what_white_is_in_its_header() -> None:
    data = b"P5 16 16 4095\n" + deep(12, 90).astype(">u2").tobytes()
    assert np.array_equal(decode_bytes(data).grey, np.minimum(LEVELS, 90))


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("bits", [10, 12])
def test_colour_of_12_bits_in_16(bits: int, alpha: bool) -> None:
    opaque = [np.full((16, 16), 65535)] if alpha else []
    data = colour_png([deep(bits)] * 3 + opaque)
    with pytest.raises(UntoldRangeError):
        decode_bytes(data)
    for grey in (decode_bytes(data, bits=bits).grey, decode_bytes(with_sbit(data, *[bits] * (3 + alpha))).grey):
        assert np.array_equal(grey, LEVELS)


def test_colour_of_16_bits_is_read_as_before_and_by_its_channels() -> None:
    red = colour_png([LEVELS * 257, LEVELS * 0, LEVELS * 0])
    as_eight = np.dstack([LEVELS, LEVELS * 0, LEVELS * 0]).astype(np.uint8)
    assert np.array_equal(decode_bytes(red).grey, np.asarray(Image.fromarray(as_eight).convert("L")))
    dark = colour_png([deep(12), LEVELS * 0, LEVELS * 0])
    assert np.array_equal(decode_bytes(dark, bits=12).grey, decode_bytes(red).grey)


def test_values_beyond_16_bits_are_refused() -> None:
    with pytest.raises(Exception, match="pixels with values up to 70000; the maximum is 65535"):
        decode_bytes(saved(np.full((8, 8), 70_000, np.int32), "TIFF"))


@pytest.mark.parametrize(
    ("tops", "full", "bits"),
    [
        ([1023] * 9, 0, 10),
        ([200, 700, 90, 30, 40], 0, 10),
        ([3000] * 5, 0, 12),
        ([4095] * 50, 0, 12),
        ([9000] * 50, 0, 14),
        ([255] * 50, 0, 8),
        ([3000] * 4, 0, None),  # too few images to know
        ([1500] * 50, 0, None),  # neither 10 bits nor half of 12
        ([300] * 50, 0, None),
        ([3000] * 5, 95, 16),  # dark images of a 16-bit set
        ([3000] * 6, 94, None),  # two kinds of images
    ],
)
def test_the_range_of_a_set(tops: list[int], full: int, bits: int | None) -> None:
    assert bits_of_set(np.array(tops), full) == bits


@settings(max_examples=50, deadline=None)
@given(st.integers(9, 16), st.integers(0, 2**32))
def test_scaling_keeps_order_and_uses_the_whole_range(bits: int, seed: int) -> None:
    values = np.sort(np.random.default_rng(seed).integers(0, 2**bits, 300))
    values[0], values[-1] = 0, 2**bits - 1
    grey = to_grey_levels(values, 2**bits - 1)
    assert (grey[0], grey[-1]) == (0, 255)
    assert (np.diff(grey.astype(int)) >= 0).all()
    assert np.abs(grey - values * 255 / (2**bits - 1)).max() <= 0.501
