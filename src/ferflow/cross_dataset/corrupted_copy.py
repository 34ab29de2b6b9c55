"""Write corrupted copies of images, FER-2013-C, for programs of anyone's making; see ferflow.infer.corruptions."""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from ferflow.base.arrays import read_split
from ferflow.base.errors import DataError
from ferflow.base.files import whole_folder, write_array, write_csv, write_json, write_text
from ferflow.base.formats import IMAGE_SUFFIXES
from ferflow.base.hashing import sha256
from ferflow.clean.image_reader import read_files
from ferflow.clean.layout_parser import list_raw
from ferflow.infer.corruptions import corrupt
from ferflow.raw.images import fit, read_grey
from ferflow.raw.manifest import manifest_path, set_bits
from ferflow.reporting.text import count
from ferflow.ui.progress import progress

CHECKSUMS = "SHA256SUMS"


def corrupt_arrays(data: Path, out: Path, kinds: Sequence[str], severities: Sequence[int], split: str = "test") -> str:
    """Write corrupted copies of prepared arrays.

    Args:
        data: Folder that prepare wrote.
        out: Folder to write: `<kind>/<severity>.npy`, uint8 (N, side, side); the images as they are in clean.npy, their
            classes in labels.npy, int64 (N,), and classes.json; index.csv with id and label; and SHA256SUMS.
        kinds: Kinds of corruption.
        severities: Severities, 1 to 5.
        split: Split to copy. Defaults to test.

    Returns:
        What was written, as a sentence.

    Raises:
        DataError: The arrays are missing.
    """
    part = read_split(data, split)
    images = np.asarray(part.images)
    names = np.array(part.classes)[part.labels]
    with whole_folder(out) as folder:
        write_array(folder / "clean.npy", images)
        write_array(folder / "labels.npy", part.labels)
        write_json(folder / "classes.json", list(part.classes))
        write_csv(folder / "index.csv", pd.DataFrame({"id": part.index["id"], "label": names}))
        for kind, severity, corrupted in _corrupted(images, kinds, severities):
            (folder / kind).mkdir(exist_ok=True)
            write_array(folder / kind / f"{severity}.npy", corrupted)
        _write_checksums(folder)
    return _summary(len(images), kinds, severities)


def corrupt_folder(
    data: Path, out: Path, kinds: Sequence[str], severities: Sequence[int], side: int, max_pixels: int
) -> str:
    """Write corrupted copies of the image files of a folder.

    Args:
        data: Folder of images, in any folders below it.
        out: Folder to write: `<kind>/<severity>/<path of the image>.png`, grey, side x side pixels, and SHA256SUMS.
        kinds: Kinds of corruption.
        severities: Severities, 1 to 5.
        side: Side of the copies in pixels; images of other sizes are resized as prepare does, before they are
            corrupted.
        max_pixels: Maximum number of pixels of an image.

    Returns:
        What was written and left out, as a sentence.

    Raises:
        DataError: There is no such folder, or no image that can be read.
    """
    if not data.is_dir():
        raise DataError(f"{data} is not a folder. Give a folder of images, or one that prepare wrote.")
    relatives = [
        entry.relative
        for entry in list_raw(data)
        if not entry.reason and PurePosixPath(entry.relative).suffix.lower() in IMAGE_SUFFIXES
    ]
    facts = read_files(data, relatives, max_pixels)
    paths = [manifest_path(path) for path, reason in zip(relatives, facts.reason, strict=True) if not reason]
    if not paths:
        raise DataError(f"{data} has no image that can be read. Found: {count(len(relatives), 'damaged image')}.")
    greys = read_grey(data, paths, set_bits(facts.mode))
    images = np.stack([fit(grey, side) for grey in progress(greys, len(paths), "reading images")])
    with whole_folder(out) as folder:
        for kind, severity, corrupted in _corrupted(images, kinds, severities):
            for path, image in zip(paths, corrupted, strict=True):
                target = folder / kind / str(severity) / f"{path}.png"
                target.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(image).save(target)
        _write_checksums(folder)
    damaged = len(relatives) - len(paths)
    left_out = f" Left out: {count(damaged, 'image')} that cannot be read." if damaged else ""
    return _summary(len(paths), kinds, severities) + left_out


def _corrupted(
    images: npt.NDArray[np.uint8], kinds: Sequence[str], severities: Sequence[int]
) -> Iterator[tuple[str, int, npt.NDArray[np.uint8]]]:
    tasks = [(kind, severity) for kind in kinds for severity in severities]
    for kind, severity in progress(tasks, len(tasks), "corrupting", unit="set"):
        yield kind, severity, corrupt(images, kind, severity)


def _write_checksums(folder: Path) -> None:
    """Write the SHA-256 of every file, in the format of `sha256sum --check`."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    write_text(folder / CHECKSUMS, "".join(lines))


def _summary(images: int, kinds: Sequence[str], severities: Sequence[int]) -> str:
    return (
        f"{count(images, 'image')} under {count(len(kinds), 'kind')} of corruption at "
        f"{count(len(severities), 'severity', 'severities')}: {count(images * len(kinds) * len(severities), 'image')}."
    )
