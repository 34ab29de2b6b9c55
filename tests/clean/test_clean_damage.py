"""Dozens of kinds of damaged and hostile files: each gets one verdict, none stops the run."""

import struct
import zlib

import numpy as np
import pytest
from clean_helpers import Raw, encoded, jpeg, pattern
from PIL import Image

from ferflow.raw.manifest import COLUMNS

GREY = Image.fromarray(pattern(1))
COLOUR = Image.merge("RGB", [Image.fromarray(pattern(seed)) for seed in (1, 2, 3)])


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header claims any size."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def jpeg_claiming(width: int, height: int) -> bytes:
    data = bytearray(jpeg(1))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def several(kind: str) -> bytes:
    return encoded(GREY, kind, save_all=True, append_images=[Image.fromarray(pattern(2))])


def with_alpha() -> Image.Image:
    image = COLOUR.copy()
    image.putalpha(GREY)
    return image


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 48 48\n(owned) print\nshowpage\n%%EOF\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48"><rect width="48" height="48"/></svg>'

UNREADABLE = {
    "empty.jpg": b"",
    "one_byte.jpg": b"\xff",
    "magic_only.jpg": b"\xff\xd8\xff",
    "html.jpg": b"<!doctype html><title>404</title>",
    "json.jpg": b'{"error": "not found"}',
    "text.jpg": b"an image, honestly",
    "zeros.jpg": bytes(4000),
    "noise.jpg": np.random.default_rng(0).bytes(4000),
    "zip.jpg": b"PK\x03\x04" + bytes(100),
    "pdf.jpg": b"%PDF-1.7\n%%EOF",
    "eps.eps": EPS,  # Pillow would start Ghostscript
    "eps.jpg": EPS,
    "svg.jpg": SVG,
    "notes.txt": b"no image and none meant",
    "cut_in_header.jpg": jpeg(1)[:100],
    "cut_in_tables.jpg": jpeg(1)[:400],
    "cut_in_pixels.jpg": jpeg(1)[:-300],
    "cut_at_end.jpg": jpeg(1)[:-2],
    "only_the_end.jpg": jpeg(1)[300:],
    "no_pixels.png": png_claiming(48, 0),
    "cut.png": encoded(COLOUR, "PNG")[:-200],
    "bad_sum.png": encoded(GREY, "PNG").replace(b"IDAT", b"IDAX"),
    "too_short.png": png_claiming(500, 500),
    "cut.bmp": encoded(GREY, "BMP")[:-500],
    "cut.gif": encoded(GREY, "GIF")[:-500],
    "cut.webp": encoded(GREY, "WEBP")[:-100],
    "cut.tiff": encoded(GREY, "TIFF")[:-2000],
    "cut.ppm": encoded(GREY, "PPM")[:-500],
    "no_number.pgm": b"P5\nx y\n255\n" + bytes(100),
    "negative.pgm": b"P5\n-48 -48\n255\n" + bytes(100),
}
BOMBS = {
    "bomb.png": png_claiming(60_000, 60_000),
    "bigger_bomb.png": png_claiming(2**31 - 1, 2**31 - 1),
    "wide_bomb.png": png_claiming(2**31 - 1, 1),
    "bomb.jpg": jpeg_claiming(65_500, 65_500),
    "bomb.pgm": b"P5\n99999 99999\n255\n",
}
ANIMATED = {f"several.{kind.lower()}": several(kind) for kind in ("GIF", "PNG", "WEBP", "TIFF")}
TOO_SMALL = {
    "one_pixel.png": encoded(Image.new("L", (1, 1), 9), "PNG"),
    "four_pixels.jpg": jpeg(4, 4),
    "thin.png": encoded(Image.fromarray(pattern(4, 300, 2)), "PNG"),
    "nearly.png": encoded(Image.fromarray(pattern(4, 19, 48)), "PNG"),
}
OTHER_SIZE = {
    "just.png": encoded(Image.fromarray(pattern(4, 20, 48)), "PNG"),
    "large.jpg": jpeg(4, 96),
    "small.jpg": jpeg(4, 24),
    "wide.jpg": jpeg(4, 24, 200),
}
OTHER_MODE = {
    "rgb.jpg": encoded(COLOUR, quality=95),
    "rgb.png": encoded(COLOUR, "PNG"),
    "rgba.png": encoded(with_alpha(), "PNG"),
    "grey_alpha.png": encoded(with_alpha().convert("LA"), "PNG"),
    "palette.png": encoded(COLOUR.quantize(64), "PNG"),
    "palette_clear.png": encoded(COLOUR.quantize(64), "PNG", transparency=3),
    "black_white.png": encoded(GREY.convert("1"), "PNG"),
    "16_bit.png": encoded(Image.fromarray(pattern(5).astype(np.uint16) * 257), "PNG"),
    "32_bit.tiff": encoded(Image.fromarray(pattern(5).astype(np.int32)), "TIFF"),
    "float.tiff": encoded(Image.fromarray(pattern(5) / np.float32(255)), "TIFF"),
    "cmyk.jpg": encoded(COLOUR.convert("CMYK"), quality=95),
    "colours.gif": encoded(COLOUR, "GIF"),
    "colours.webp": encoded(COLOUR, "WEBP"),
    "colours.jp2": encoded(COLOUR, "JPEG2000"),
}
FINE = {
    "UPPER.JPG": jpeg(10),
    "mixed.JpEg": jpeg(11),
    "no_suffix": jpeg(12),
    "wrong_suffix.png": jpeg(13),
    "grey.png": encoded(Image.fromarray(pattern(14)), "PNG"),
    "grey.bmp": encoded(Image.fromarray(pattern(15)), "BMP"),
    "grey.pgm": encoded(Image.fromarray(pattern(16)), "PPM"),
    "grey.tif": encoded(Image.fromarray(pattern(17)), "TIFF"),
    "with_tail.jpg": jpeg(18) + b"trailing bytes",
    "progressive.jpg": encoded(Image.fromarray(pattern(19)), progressive=True),
    "with_comment.jpg": encoded(Image.fromarray(pattern(20)), comment=b"hello"),
    "with_broken_exif.jpg": encoded(Image.fromarray(pattern(21)), exif=b"Exif\0\0garbage" * 3),
    "with_icc.jpg": encoded(Image.fromarray(pattern(22)), icc_profile=b"nonsense"),
}
EXPECTED = {
    **dict.fromkeys(UNREADABLE, "drop unreadable"),
    **dict.fromkeys(BOMBS, "drop bomb"),
    **dict.fromkeys(ANIMATED, "drop animated"),
    **dict.fromkeys(TOO_SMALL, "drop too_small"),
    **dict.fromkeys(OTHER_SIZE, "keep wrong_size"),
    **dict.fromkeys(OTHER_MODE, "keep wrong_mode"),
    **dict.fromkeys(FINE, "keep"),
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Raw:
    raw = Raw(tmp_path_factory.mktemp("damage") / "raw")
    for name, data in {**UNREADABLE, **BOMBS, **ANIMATED, **TOO_SMALL, **OTHER_SIZE, **OTHER_MODE, **FINE}.items():
        raw.put(f"train/happy/{name}", data)
    return raw


@pytest.fixture(scope="module")
def verdicts(judged: Raw) -> dict[str, str]:
    # Pictures of one pattern in many formats are near-copies, and copies: here only what is wrong with the file counts.
    return judged.reasons(exact_copies="keep", near_copies="keep", blank="keep", blank_std=0.0, near_copy_bits=0)


@pytest.mark.parametrize("name", EXPECTED)
def test_each_file_gets_its_verdict(verdicts: dict[str, str], name: str) -> None:
    found = verdicts[f"train/happy/{name}"]
    if EXPECTED[name] == "keep":
        assert found in ("keep", "keep near_copy", "keep exact_copy")
    else:
        assert found == EXPECTED[name]


def test_no_file_is_lost_and_no_value_is_missing(judged: Raw) -> None:
    cleaned = judged.clean()
    assert len(cleaned.manifest) == len(EXPECTED)
    assert list(cleaned.manifest.columns) == list(COLUMNS)
    assert not cleaned.manifest.isna().any().any()
    assert cleaned.summary.files == cleaned.summary.kept + cleaned.summary.dropped == len(EXPECTED)
    assert sum(cleaned.summary.dropped_by_reason.values()) == cleaned.summary.dropped
    gone = cleaned.manifest[cleaned.manifest["pixels"] == ""]
    assert (gone[["width", "height", "mean", "std", "phash"]].to_numpy() == 0).all()
    assert (gone["group"] == -1).all()
    assert (cleaned.manifest["detail"][cleaned.manifest["verdict"] == "drop"] != "").all()


def test_policies_of_size_and_mode_drop(judged: Raw) -> None:
    found = judged.reasons(wrong_size="drop", wrong_mode="drop", exact_copies="keep")
    assert {found[f"train/happy/{name}"] for name in OTHER_SIZE} == {"drop wrong_size"}
    assert {found[f"train/happy/{name}"] for name in OTHER_MODE} == {"drop wrong_mode"}


def test_the_smallest_size_is_the_users_to_set_and_holds_for_test_images_too(raw: Raw) -> None:
    for at, side in enumerate((4, 12, 48)):
        raw.put(f"train/happy/{side}.png", encoded(Image.fromarray(pattern(at, side)), "PNG"))
        raw.put(f"test/happy/{side}.png", encoded(Image.fromarray(pattern(at + 9, side)), "PNG"))
    assert raw.clean().summary.dropped_by_reason == {"too_small": 4}
    assert raw.clean(min_size=12).summary.dropped_by_reason == {"too_small": 2}
    assert raw.clean(min_size=1).summary.dropped == 0
    assert raw.rows().loc["test/happy/4.png", "detail"] == "4x4"


def test_max_pixels_is_the_users_to_set(raw: Raw) -> None:
    raw.put("train/happy/a.jpg", jpeg(1, 100))
    raw.put("train/happy/b.png", encoded(Image.fromarray(pattern(2, 100)), "PNG"))
    assert set(raw.reasons(max_pixels=9_999).values()) == {"drop bomb"}
    assert set(raw.reasons(max_pixels=10_000).values()) == {"keep wrong_size"}
