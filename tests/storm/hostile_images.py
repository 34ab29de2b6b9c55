"""Write hostile image files: every format that is read, damaged, lying about itself, or under a hostile name."""

import io
import os
import random
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

from PIL import Image

MODES = {
    "JPEG": ("L", "RGB", "CMYK", "YCbCr"),
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "BMP": ("1", "L", "P", "RGB"),
    "GIF": ("L", "P"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "I;16", "F", "LAB"),
    "WEBP": ("RGB", "RGBA"),
    "PPM": ("1", "L", "RGB", "I"),
    "JPEG2000": ("L", "LA", "RGB", "RGBA"),
    "AVIF": ("RGB",),
}
SIDES = (1, 2, 7, 19, 20, 47, 48, 49, 96, 300)
SUFFIXES = ("jpg", "jpeg", "png", "bmp", "gif", "tif", "tiff", "webp", "pgm", "jp2", "avif", "JPG", "txt", "csv#1", "")
NAMES = (
    b"new\nline",
    b"\xff\xfe",
    b"caf\xc3\xa9",
    b"-rf",
    b" ",
    b"%41",
    b"a\\b",
    b"x" * 200,
    b"\x7f\x01",
    b"\xe2\x80\xae",
    b"CON",
)


def some_image(chance: random.Random, kind: str) -> bytes:
    """A file of the format with noise or one grey as its picture."""
    mode = chance.choice(MODES[kind])
    width, height = chance.choice(SIDES), chance.choice((*SIDES, 48, 48))
    bands = {"1": 1, "L": 1, "P": 1}.get(mode)
    if bands:
        picture = Image.frombytes("L", (width, height), chance.randbytes(width * height))
        picture = picture.quantize(16) if mode == "P" else picture.convert(mode)
    elif mode in ("I;16", "I", "F"):
        picture = Image.frombytes(
            mode, (width, height), chance.randbytes(width * height * (2 if mode == "I;16" else 4))
        )
    else:
        picture = Image.frombytes("RGB", (width, height), chance.randbytes(width * height * 3))
        if mode == "LAB":
            picture = Image.frombytes("LAB", (width, height), picture.tobytes())
        elif mode == "LA":
            picture = picture.convert("L").convert("LA")
        else:
            picture = picture.convert(mode)
    options: dict[str, object] = {}
    if kind in ("JPEG", "PNG", "WEBP", "TIFF") and chance.random() < 0.2:
        options["exif" if kind != "TIFF" else "description"] = (
            b"Exif\0\0" + chance.randbytes(60) if kind != "TIFF" else "x" * 1000
        )
    if kind in ("GIF", "PNG", "WEBP", "TIFF") and chance.random() < 0.1:
        options |= {"save_all": True, "append_images": [picture] * chance.randint(1, 40)}
    if kind == "TIFF":
        options["compression"] = chance.choice(["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
    buffer = io.BytesIO()
    try:
        picture.save(buffer, kind, **options)
    except (OSError, ValueError, SystemError, struct.error):  # a pair of mode and option that the format cannot hold
        buffer = io.BytesIO()
        picture.convert("RGB").save(buffer, kind)
    return buffer.getvalue()


def cut(chance: random.Random, data: bytes) -> bytes:
    """The first part of a file, the last, or all but a hole."""
    a, b = sorted((chance.randint(0, len(data)), chance.randint(0, len(data))))
    return chance.choice([data[:a], data[b:], data[:a] + data[b:], data[:a] + bytes(b - a) + data[b:]])


def flipped(chance: random.Random, data: bytes) -> bytes:
    """A file with some bits flipped, most of them in its header."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 3, 20])):
        if changed:
            changed[chance.randrange(min(len(changed), chance.choice([32, 128, 100_000])))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def numbers(chance: random.Random, data: bytes) -> bytes:
    """A file with some of its header's bytes replaced by extreme numbers, as sizes and offsets."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        number = chance.choice(
            [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x00\x00\x00\x00", b"\x00\x01\x00\x00", b"\xff\xff"]
        )
        at = chance.randrange(max(1, min(len(changed), 200)))
        changed[at : at + len(number)] = number
    return bytes(changed)


def spliced(chance: random.Random, data: bytes) -> bytes:
    """Two files of different formats as one."""
    other = some_image(chance, chance.choice(list(MODES)))
    at = chance.randint(0, len(data))
    return chance.choice([data[:at] + other, data + other, other[: at + 1] + data, data[:at] + data])


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(chance: random.Random, _: bytes) -> bytes:
    """A small file that claims, or unpacks to, very much."""
    width, height = chance.choice(
        [(60_000, 60_000), (2**31 - 1, 1), (7_000, 7_000), (48, 2**31 - 1), (0, 48), (48, 48)]
    )
    head = _chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, chance.choice([1, 8, 16]), chance.choice([0, 2, 3, 6]), 0, 0, 0)
    )
    zeros = zlib.compress(bytes(chance.choice([10_000, 30_000_000])))
    extra = chance.choice(
        [
            b"",
            _chunk(b"zTXt", b"a\0\0" + zeros),
            _chunk(b"iCCP", b"a\0\0" + zeros),
            _chunk(b"tEXt", b"a\0" + bytes(10_000)),
        ]
    )
    png = b"\x89PNG\r\n\x1a\n" + head + extra + _chunk(b"IDAT", zeros) + _chunk(b"IEND", b"")
    number = str(chance.choice([10**5, 10**9, 10**30, -5])).encode()
    pgm = (
        chance.choice([b"P5", b"P2", b"P6", b"P1", b"Pf", b"P7"])
        + b"\n"
        + number
        + b" "
        + number
        + b"\n255\n"
        + bytes(100)
    )
    gif = b"GIF89a" + struct.pack("<HHBBB", 48, 48, 0, 0, 0) + (b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0" * 2000) + b";"
    loop = b"II*\0\x08\0\0\0" + struct.pack("<H", 1) + struct.pack("<HHII", 256, 4, 1, 48) + struct.pack("<I", 8)
    tags = b"II*\0\x08\0\0\0" + struct.pack("<H", 65_535) + struct.pack("<HHII", 273, 4, 2**31, 8) * 400
    bmp = (
        b"BM"
        + struct.pack("<IHHIIiiHHIIiiII", 200, 0, 0, 54, 40, 2**31 - 1, -(2**31), 1, 24, 0, 0, 0, 0, 0, 0)
        + bytes(99)
    )
    return chance.choice([png, png, png, pgm, gif, loop, tags, bmp])


def other(chance: random.Random, _: bytes) -> bytes:
    """No image at all."""
    texts = [
        b"",
        b"\0",
        b"<html>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n(x) print",
        b"<svg/>",
        b"%PDF-1.7",
        b"PK\x03\x04",
        b"{}",
        b"#!/bin/sh\n",
    ]
    return chance.choice([*texts, chance.randbytes(chance.choice([3, 100, 5_000]))])


KINDS: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "whole": lambda _, data: data,
    "cut": cut,
    "flipped": flipped,
    "numbers": numbers,
    "spliced": spliced,
    "bomb": bomb,
    "other": other,
}


def write_images(folder: Path, seed: int, count: int) -> None:
    """Write `count` files below `folder`, in class folders of train and test; the same files from the same seed."""
    chance = random.Random(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(count):
            data = some_image(chance, chance.choice(list(MODES)))
            for _ in range(chance.choice([1, 1, 2])):
                data = chance.choice(list(KINDS.values()))(chance, data)
            name = chance.choice(NAMES) if chance.random() < 0.1 else b"f"
            place = folder / chance.choice(["train", "test"]) / chance.choice(["happy", "sad"])
            place.mkdir(parents=True, exist_ok=True)
            suffix = chance.choice(SUFFIXES)
            (place / os.fsdecode(name + f"_{number}.{suffix}".rstrip(".").encode())).write_bytes(data)
