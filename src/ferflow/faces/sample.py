"""Write the built-in sample as files, in the layout of FER-2013 on Kaggle (msambare/fer2013)."""

import functools
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from ferflow.base.workers import in_parallel, portions
from ferflow.faces.action_units import random_units
from ferflow.faces.draw import SIDE, draw_face
from ferflow.faces.identity import random_identity, random_view
from ferflow.faces.plan import Damaged, Face, plan_damage, plan_faces
from ferflow.ui.progress import progress

PORTION = 25  # faces per task of a worker process

ERROR_PAGE = b"<!DOCTYPE html>\n<html><head><title>429 Too Many Requests</title></head><body></body></html>\n"
SIZES = ((64, 64), (32, 32), (96, 96), (48, 60))


def write_sample(folder: Path, images: int, emotions: Literal[7, 8] = 7, damage: bool = True, seed: int = 0) -> None:
    """Write drawn faces as 48x48 grey JPEG: `train/<class>/Training_<n>.jpg`, `test/<class>/PublicTest_<n>.jpg` etc.

    About 80 % are training images, and each of the two test subsets has about 10 %. The files are reproducible to the
    byte, and face n of a seed does not depend on the number of faces.

    Args:
        folder: Folder to write to; created if missing.
        images: Number of faces, at least 70.
        emotions: 7 as in FER-2013, or 8 with contempt as in FER+. Defaults to 7.
        damage: Whether to add the files that `plan_damage` lists. Defaults to true.
        seed: Seed of all faces, 0 or more. Defaults to 0.

    Raises:
        ValueError: `images` is less than 70.
    """
    tasks = portions(list(plan_faces(images, emotions)), PORTION)
    drawn = in_parallel(functools.partial(_write_faces, folder, seed), tasks)
    for _ in progress((number for numbers in drawn for number in numbers), images, "drawing faces"):
        pass
    for item in plan_damage(images, emotions) if damage else ():
        _write(folder / item.path, _damaged(item, seed))


def random_face(rng: np.random.Generator, emotion: str) -> npt.NDArray[np.uint8]:
    """Return an image of a random person showing `emotion`, grey levels 0 to 255.

    Args:
        rng: Source of randomness.
        emotion: One of `ferflow.base.emotions.EMOTIONS`.

    Returns:
        uint8 array of shape (48, 48).

    >>> random_face(np.random.default_rng(0), "happy").shape
    (48, 48)
    """
    return draw_face(random_identity(rng), random_units(rng, emotion), random_view(rng))


def encode_face(emotion: str, seed: int, number: int) -> bytes:
    """Return the bytes of face `number` of the sample with this seed, as JPEG."""
    rng = np.random.default_rng([seed, number])
    return _jpeg(Image.fromarray(random_face(rng, emotion)), int(rng.integers(80, 96)))


def _write_faces(folder: Path, seed: int, faces: Sequence[Face]) -> list[int]:
    """Draw and write `faces`; return their numbers."""
    for face in faces:
        _write(folder / face.path, encode_face(face.emotion, seed, face.number))
    return [face.number for face in faces]


def _jpeg(image: Image.Image, quality: int) -> bytes:
    """Return `image` as JPEG with a quality from 1 to 95."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _write(path: Path, data: bytes) -> None:
    """Write `data`, and create the parent folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _damaged(item: Damaged, seed: int) -> bytes:
    """Return the bytes of a damaged file."""
    if item.face is None:
        if item.kind == "blank":
            return _jpeg(Image.new("L", (SIDE, SIDE), 85 * item.number % 256), 90)
        return {"empty": b"", "html": ERROR_PAGE, "system_file": b"\x00\x00\x00\x01Bud1" + bytes(56)}[item.kind]
    data = encode_face(item.face.emotion, seed, item.face.number)
    if item.kind == "truncated":
        return data[: len(data) * (3 + item.number % 5) // 10]
    if item.kind in ("copy", "conflicting_copy", "leaked_copy"):
        return data
    picture = Image.open(io.BytesIO(data))
    if item.kind == "near_copy":
        return _jpeg(picture, 70)
    if item.kind == "wrong_size":
        return _jpeg(picture.resize(SIZES[item.number % len(SIZES)], Image.Resampling.BICUBIC), 90)
    warm = [picture.point(lambda grey, f=factor: min(255, grey * f)) for factor in (1.08, 1.0, 0.9)]
    return _jpeg(Image.merge("RGB", warm), 92)
