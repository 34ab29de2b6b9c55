"""The decoder that clean, eda and prepare share."""

import io

import numpy as np
import pytest
from clean_helpers import Raw, encoded, jpeg, pattern
from PIL import Image

from ferflow.base.errors import DataError
from ferflow.raw.images import ImageError, decode, decode_bytes, fit, read_grey
from ferflow.raw.manifest import set_bits


def outcome(data: bytes, fast: bool) -> tuple[str, str, bytes]:
    """Return what the fast or the general decoder makes of a file."""
    try:
        picture = decode_bytes(data, 10_000_000) if fast else decode(io.BytesIO(data), 10_000_000)
    except ImageError as error:
        return error.reason, "", b""
    return "", picture.mode + str(picture.grey.shape), picture.grey.tobytes()


OPTIONS = [{}, {"quality": 30}, {"optimize": True}, {"progressive": True}, {"comment": b"x"}, {"dpi": (72, 72)}]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_the_fast_decoder_gives_the_same_pixels_as_pillow(options: dict[str, object], mode: str) -> None:
    data = encoded(Image.fromarray(pattern(1, 50, 31)).convert(mode), **options)
    reason, shape, pixels = outcome(data, fast=True)
    assert (reason, shape, pixels) == outcome(data, fast=False)
    with Image.open(io.BytesIO(data)) as image:
        assert (shape, pixels) == (f"{mode}(50, 31)", image.convert("L").tobytes())


@pytest.mark.parametrize("step", [7])
def test_both_decoders_agree_on_truncated_files(step: int) -> None:
    data = jpeg(1)
    for length in [*range(0, len(data), step), *range(len(data) - 30, len(data))]:
        assert outcome(data[:length], fast=True) == outcome(data[:length], fast=False), length


def test_both_decoders_agree_on_damaged_files() -> None:
    data, rng = jpeg(1), np.random.default_rng(0)
    for _ in range(400):
        damaged = bytearray(data)
        for at in rng.integers(0, len(data), rng.integers(1, 4)):
            damaged[at] = rng.integers(0, 256)
        assert outcome(bytes(damaged), fast=True) == outcome(bytes(damaged), fast=False)


def test_wide_pixels_are_scaled_to_eight_bits() -> None:
    grey = pattern(1)
    for wide, kind in [
        (Image.fromarray(grey.astype(np.uint16) * 257), "PNG"),
        (Image.fromarray(grey.astype(np.uint16) * 257), "TIFF"),
        (Image.fromarray(grey.astype(np.int32)), "TIFF"),
        (Image.fromarray(grey / np.float32(255)), "TIFF"),
        (Image.fromarray(grey.astype(np.float32)), "TIFF"),
    ]:
        assert np.array_equal(decode_bytes(encoded(wide, kind)).grey, grey), kind


def test_nan_and_infinity_become_grey_levels() -> None:
    values = np.full((8, 8), 0.5, np.float32)
    values[0, :3] = [np.nan, np.inf, -np.inf]
    grey = decode_bytes(encoded(Image.fromarray(values), "TIFF")).grey
    assert grey[0, 2] == 0
    assert grey[0, 1] == 255


def test_transparent_parts_become_white() -> None:
    image = Image.new("LA", (8, 8), (0, 255))
    image.putpixel((3, 2), (0, 0))
    grey = decode_bytes(encoded(image, "PNG")).grey
    assert grey[2, 3] == 255
    assert grey.sum() == 255


def test_pictures_are_turned_upright() -> None:
    upright = Image.fromarray(pattern(1, 40, 60))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    turned = encoded(upright.transpose(Image.Transpose.ROTATE_90), exif=exif, quality=95)
    grey = decode_bytes(turned).grey
    assert grey.shape == (40, 60)
    assert np.abs(grey.astype(int) - np.asarray(upright).astype(int)).mean() < 3


def test_a_camera_picture_with_a_preview_is_one_picture() -> None:
    preview = Image.fromarray(pattern(1, 12))
    data = encoded(Image.fromarray(pattern(1)), "MPO", save_all=True, append_images=[preview])
    assert decode_bytes(data).grey.shape == (48, 48)


def test_fit() -> None:
    grey = pattern(1, 96)
    assert fit(grey, 96) is grey
    small = fit(grey, 48)
    assert small.shape == (48, 48)
    assert small.dtype == np.uint8
    averaged = grey.reshape(48, 2, 48, 2).mean(axis=(1, 3))
    assert np.abs(small - averaged).mean() < 2
    assert fit(pattern(1, 20, 70), 48).shape == (48, 48)


def test_read_grey_says_when_the_raw_data_has_changed(raw: Raw) -> None:
    file = raw.put("train/happy/a.jpg", 1)
    assert next(read_grey(raw.folder, ["train/happy/a.jpg"])).shape == (48, 48)
    for damage in (lambda: file.write_bytes(b"x"), file.unlink):
        damage()
        with pytest.raises(DataError, match=r"train/happy/a\.jpg was readable .* dvc repro clean"):
            next(read_grey(raw.folder, ["train/happy/a.jpg"]))


def put_deep(raw: Raw, bits: int, count: int, start: int = 0, brightest: int = 250, more: int = 0) -> None:
    """Put 16-bit PNG of smooth patterns that use only the lower bits."""
    for seed in range(start, start + count):
        grey = np.minimum(pattern(seed), brightest).astype(np.float64)
        values = np.rint(grey * ((2**bits - 1) / 255)).astype(np.uint16) + np.uint16(more)
        raw.put(
            f"{'train' if seed % 3 else 'test'}/{'happy' if seed % 2 else 'sad'}/{seed}.png",
            encoded(Image.fromarray(values), "PNG"),
        )


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_a_set_of_faces_of_few_bits_keeps_its_grey_levels(raw: Raw, bits: int) -> None:
    put_deep(raw, bits, 24)
    manifest = raw.clean().manifest
    assert set(manifest["verdict"]) == {"keep"}
    assert set(manifest["mode"]) == {f"I;16/{bits}"}
    paths = manifest["path"].tolist()
    for path, grey, mean in zip(
        paths, read_grey(raw.folder, paths, set_bits(manifest["mode"])), manifest["mean"], strict=True
    ):
        seed = int(path.rpartition("/")[2].removesuffix(".png"))
        assert np.array_equal(grey, np.minimum(pattern(seed), 250))
        assert grey.mean() == pytest.approx(mean)


def test_a_few_dark_faces_of_a_16_bit_set_are_16_bit(raw: Raw) -> None:
    put_deep(raw, 16, 60)
    put_deep(raw, 16, 2, start=60, brightest=50, more=3)
    cleaned = raw.clean()
    assert cleaned.summary.kept == 62
    assert cleaned.manifest.set_index("path").loc["test/sad/60.png", "mode"] == "I;16/16"
    assert cleaned.manifest.set_index("path").loc["test/sad/60.png", "mean"] < 51


def test_what_cannot_be_told_is_dropped_with_its_reason_on_the_screen(raw: Raw) -> None:
    put_deep(raw, 16, 20)
    put_deep(raw, 12, 20, start=20)
    cleaned = raw.clean()
    assert cleaned.summary.dropped_by_reason == {"unreadable": 20}
    assert "unreadable files or rows, 20 in all: pixels of 16 bits whose range is not told" in cleaned.notes[0]
