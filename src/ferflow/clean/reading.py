"""Each file read once: its SHA-256, its picture, the picture's numbers."""

import hashlib
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ferflow.base.workers import in_parallel, portions
from ferflow.clean.measuring import measure, perceptual_hash, pixel_digest
from ferflow.raw.images import Grey, ImageError, Picture, decode, decode_bytes, read_bytes
from ferflow.raw.tables import Table
from ferflow.ui.progress import progress

_PORTION = 256  # files or rows handed to a process at a time
_TOGETHER = 128 * 128  # pixels; smaller images of one size are measured together

Digests = npt.NDArray[np.uint8]


@dataclass(slots=True)
class Facts:
    """What reading told, column by column; one item for each file or row, in the order asked for.

    Attributes:
        reason: bomb, animated, unreadable or empty.
        detail: the reason in words.
        bytes: size of each file; 0 for rows.
        sha256: uint8, (N, 32), of the files' bytes; zeros for rows and where a file could not be opened.
        pixels: uint8, (N, 32), see pixel_digest; zeros where unreadable.
        shape: int64, (N, 2), height and width; zeros where unreadable.
        mode: Pillow's name of the pixel format, empty where unreadable.
        mean: float64, (N,), grey levels.
        std: float64, (N,), grey levels.
        phash: uint64, (N,), see perceptual_hash.
        fields: for rows, emotion and Usage as they stand in the table.
    """

    reason: list[str]
    detail: list[str]
    bytes: npt.NDArray[np.int64]
    sha256: Digests
    pixels: Digests
    shape: npt.NDArray[np.int64]
    mode: list[str]
    mean: npt.NDArray[np.float64]
    std: npt.NDArray[np.float64]
    phash: npt.NDArray[np.uint64]
    fields: list[tuple[str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of files or rows."""
        return len(self.reason)


def read_files(raw: Path, relatives: Sequence[str], max_pixels: int, workers: int | None = None) -> Facts:
    """Read files that should be images.

    Args:
        raw: the raw folder.
        relatives: paths below it, as the system gives them.
        max_pixels: an image that claims more is not decoded.
        workers: as for in_parallel.
    """
    work = partial(_read_files, str(raw), max_pixels)
    return _gather(work, portions(relatives, _PORTION), len(relatives), "reading images", workers)


def read_rows(table: Table, workers: int | None = None) -> Facts:
    """Read all rows of an image table. Arguments as for read_files."""
    tasks = portions(table.offsets.tolist(), _PORTION)
    return _gather(partial(_read_rows, table.path), tasks, len(table), f"reading {table.path.name}", workers)


def hash_files(raw: Path, relatives: Sequence[str]) -> Facts:
    """Return size and SHA-256 of files that are not to be decoded; of links, pipes and the like, nothing."""
    facts = _empty(len(relatives))
    for at, relative in enumerate(relatives):
        path = raw / relative
        try:
            if stat.S_ISREG(path.lstat().st_mode):
                with path.open("rb") as handle:
                    facts.sha256[at] = np.frombuffer(hashlib.file_digest(handle, "sha256").digest(), np.uint8)
                    facts.bytes[at] = handle.tell()
        except OSError as error:
            facts.detail[at] = error.strerror or "cannot be opened"
    return facts


def hex_digests(digests: Digests) -> list[str]:
    """Return each row of uint8, (N, 32), as 64 hex digits, and as empty text where it is all zeros."""
    text, empty = digests.tobytes().hex(), (digests == 0).all(axis=1).tolist()
    return ["" if nothing else text[at * 64 : at * 64 + 64] for at, nothing in enumerate(empty)]


def _join(parts: Sequence[Facts]) -> Facts:
    joined = _empty(0)
    for name in Facts.__slots__:
        columns = [getattr(joined, name), *(getattr(part, name) for part in parts)]
        whole = list(chain(*columns)) if isinstance(columns[0], list) else np.concatenate(columns)
        setattr(joined, name, whole)
    return joined


def _gather(
    work: Callable[[Sequence[object]], Facts],
    tasks: Sequence[Sequence[object]],
    total: int,
    label: str,
    workers: int | None,
) -> Facts:
    parts: list[Facts] = []

    def items() -> Iterator[None]:
        for part in in_parallel(work, tasks, workers):
            parts.append(part)
            yield from (None,) * len(part)

    for _ in progress(items(), total, label):
        pass
    return _join(parts)


def _read_files(raw: str, max_pixels: int, relatives: Sequence[str]) -> Facts:
    facts = _empty(len(relatives))
    waiting = _Waiting(facts)
    for at, relative in enumerate(relatives):
        try:
            picture = _read_file(f"{raw}/{relative}", max_pixels, facts, at)
        except ImageError as problem:
            facts.reason[at], facts.detail[at] = problem.reason, str(problem)
        except OSError as error:
            facts.reason[at], facts.detail[at] = "unreadable", error.strerror or "cannot be opened"
        else:
            waiting.add(at, picture)
    waiting.finish()
    return facts


def _read_file(path: str, max_pixels: int, facts: Facts, at: int) -> Picture:
    data = read_bytes(path)
    if isinstance(data, bytes):
        facts.bytes[at] = len(data)
        facts.sha256[at] = np.frombuffer(hashlib.sha256(data).digest(), np.uint8)
        if not data:
            raise ImageError("unreadable", "empty")
        return decode_bytes(data, max_pixels)
    with data:
        facts.sha256[at] = np.frombuffer(hashlib.file_digest(data, "sha256").digest(), np.uint8)
        facts.bytes[at] = data.tell()
        data.seek(0)
        return decode(data, max_pixels)


def _read_rows(path: Path, offsets: Sequence[int]) -> Facts:
    table, facts = Table(path, offsets), _empty(len(offsets))
    waiting = _Waiting(facts)
    for at in range(len(offsets)):
        fields: dict[str, str] = {}
        try:
            fields = table.fields(at)
            waiting.add(at, Picture(table.image(fields), "L"))
        except (ValueError, OSError) as error:
            facts.reason[at], facts.detail[at] = "unreadable", str(error)
        facts.fields.append((fields.get("emotion", ""), fields.get("usage", "")))
    waiting.finish()
    return facts


class _Waiting:
    """Images waiting to be measured together with others of their size."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._images: dict[tuple[int, ...], list[tuple[int, Grey]]] = {}

    def add(self, at: int, picture: Picture) -> None:
        grey = picture.grey
        self._facts.mode[at] = picture.mode
        self._facts.shape[at] = grey.shape
        self._facts.pixels[at] = np.frombuffer(pixel_digest(grey), np.uint8)
        if grey.size <= _TOGETHER:
            self._images.setdefault(grey.shape, []).append((at, grey))
        else:
            self._measure([at], grey[None])

    def finish(self) -> None:
        for images in self._images.values():
            self._measure([at for at, _ in images], np.stack([grey for _, grey in images]))

    def _measure(self, at: list[int], greys: Grey) -> None:
        self._facts.mean[at], self._facts.std[at] = measure(greys)
        self._facts.phash[at] = perceptual_hash(greys)


def _empty(count: int) -> Facts:
    return Facts(
        reason=[""] * count,
        detail=[""] * count,
        bytes=np.zeros(count, np.int64),
        sha256=np.zeros((count, 32), np.uint8),
        pixels=np.zeros((count, 32), np.uint8),
        shape=np.zeros((count, 2), np.int64),
        mode=[""] * count,
        mean=np.zeros(count),
        std=np.zeros(count),
        phash=np.zeros(count, np.uint64),
    )
