"""Read each raw file once: its SHA-256, its pixels and their measures."""

import hashlib
import io
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ferflow.base.links import cached_file, open_file
from ferflow.base.workers import in_parallel, portions
from ferflow.clean.image_measures import measure, perceptual_hash, pixel_digest
from ferflow.raw.images import Grey, ImageError, Picture, decode, decode_bytes, read_bytes
from ferflow.raw.manifest import Reason, mode_with_bits
from ferflow.raw.tables import Table
from ferflow.raw.wide_pixels import UntoldRangeError, bits_of_set
from ferflow.ui.progress import progress

_PORTION = 256  # files or rows handed to a process at a time
_SMALL_PIXELS = 128 * 128  # images up to this size are measured together with others of their size

Digests = npt.NDArray[np.uint8]


@dataclass(slots=True)
class Facts:
    """What reading found, column by column, with one item for each file or row in the requested order.

    Attributes:
        reason: One of bomb, animated and unreadable, or empty.
        detail: The reason in words.
        bytes: Size of each file, int64, (N,); 0 for rows.
        sha256: SHA-256 of the files' bytes, uint8, (N, 32); zeros for rows and for files that could not be opened.
        pixels: Digest of the pixels, uint8, (N, 32), see pixel_digest; zeros if unreadable.
        shape: Height and width, int64, (N, 2); zeros if unreadable.
        mode: Pillow's name of the pixel format; empty if unreadable.
        mean: Mean in grey levels, float64, (N,).
        std: Standard deviation in grey levels, float64, (N,).
        phash: Perceptual hash, uint64, (N,), see perceptual_hash.
        top: Largest value of 16-bit images that do not tell their range, int64, (N,); 0 for all others.
        full: Whether an image surely uses all 16 bits, bool, (N,).
        fields: Values of each row by column name in lower case, without the pixels; empty for files.
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
    top: npt.NDArray[np.int64]
    full: npt.NDArray[np.bool_]
    fields: list[dict[str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of files or rows."""
        return len(self.reason)

    def replace(self, positions: Sequence[int], others: "Facts") -> None:
        """Put others, read again, in the place of some files."""
        for name in Facts.__slots__:
            column, other = getattr(self, name), getattr(others, name)
            for position, value in zip(positions, other, strict=False):  # files have no `fields`
                column[position] = value


def read_files(raw: Path, relatives: Sequence[str], max_pixels: int, workers: int | None = None) -> Facts:
    """Read files that should be images.

    Args:
        raw: The raw folder.
        relatives: Paths below it, as the system gives them.
        max_pixels: Maximum number of pixels; an image that claims more is not decoded.
        workers: Number of processes. Defaults to one per core, see in_parallel.
    """
    work = partial(_read_files, str(raw), max_pixels, None)
    facts = _gather(work, portions(relatives, _PORTION), len(relatives), "reading images", workers)
    untold = np.flatnonzero(facts.top).tolist()
    bits = bits_of_set(facts.top[untold], int(facts.full.sum())) if untold else None
    if bits:
        work = partial(_read_files, str(raw), max_pixels, bits)
        tasks = portions([relatives[index] for index in untold], _PORTION)
        facts.replace(untold, _gather(work, tasks, len(untold), f"reading {bits}-bit images", workers))
        for index in untold:
            facts.mode[index] = mode_with_bits(facts.mode[index], bits) if facts.mode[index] else ""
    return facts


def read_rows(table: Table, workers: int | None = None) -> Facts:
    """Read all rows of an image table, with `workers` processes as in read_files."""
    tasks = portions(table.offsets.tolist(), _PORTION)
    return _gather(partial(_read_rows, table.path), tasks, len(table), f"reading {table.path.name}", workers)


def hash_files(raw: Path, relatives: Sequence[str]) -> Facts:
    """Return size and SHA-256 of files that are not decoded; pipes and the like are not opened, nor are links.

    A link into DVC's cache stands for its file.
    """
    facts = _empty_facts(len(relatives))
    for index, relative in enumerate(relatives):
        path = raw / relative
        try:
            if stat.S_ISREG(path.lstat().st_mode) or cached_file(path):
                with io.FileIO(open_file(path)) as handle:
                    facts.sha256[index] = np.frombuffer(hashlib.file_digest(handle, "sha256").digest(), np.uint8)
                    facts.bytes[index] = handle.tell()
        except OSError as error:
            facts.detail[index] = error.strerror or "cannot be opened"
    return facts


def hex_digests(digests: Digests) -> list[str]:
    """Return each row of uint8, (N, 32), as 64 hex digits; a row of zeros as empty text."""
    text, zeros = digests.tobytes().hex(), (digests == 0).all(axis=1).tolist()
    return ["" if zero else text[index * 64 : index * 64 + 64] for index, zero in enumerate(zeros)]


def _join(parts: Sequence[Facts]) -> Facts:
    joined = _empty_facts(0)
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
    """Run `work` on all tasks, show the progress in images, and join the results."""
    parts: list[Facts] = []

    def items() -> Iterator[None]:
        for part in in_parallel(work, tasks, workers):
            parts.append(part)
            yield from (None,) * len(part)

    for _ in progress(items(), total, label):
        pass
    return _join(parts)


def _read_files(raw: str, max_pixels: int, bits: int | None, relatives: Sequence[str]) -> Facts:
    facts = _empty_facts(len(relatives))
    batches = _SizeBatches(facts)
    for index, relative in enumerate(relatives):
        try:
            picture = _read_file(f"{raw}/{relative}", max_pixels, bits, facts, index)
        except ImageError as error:
            facts.reason[index], facts.detail[index] = error.reason, str(error)
        except UntoldRangeError as error:
            facts.reason[index], facts.detail[index] = Reason.UNREADABLE.value, str(error)
            facts.top[index] = error.top
        except OSError as error:
            facts.reason[index], facts.detail[index] = Reason.UNREADABLE.value, error.strerror or "cannot be opened"
        else:
            facts.full[index] = picture.full
            batches.add(index, picture)
    batches.finish()
    return facts


def _read_file(path: str, max_pixels: int, bits: int | None, facts: Facts, index: int) -> Picture:
    data = read_bytes(path)
    if isinstance(data, bytes):
        facts.bytes[index] = len(data)
        facts.sha256[index] = np.frombuffer(hashlib.sha256(data).digest(), np.uint8)
        if not data:
            raise ImageError(Reason.UNREADABLE.value, "empty")
        return decode_bytes(data, max_pixels, bits)
    with data:
        facts.sha256[index] = np.frombuffer(hashlib.file_digest(data, "sha256").digest(), np.uint8)
        facts.bytes[index] = data.tell()
        data.seek(0)
        return decode(data, max_pixels, bits)


def _read_rows(path: Path, offsets: Sequence[int]) -> Facts:
    table, facts = Table(path, offsets), _empty_facts(len(offsets))
    batches = _SizeBatches(facts)
    for index in range(len(offsets)):
        fields: dict[str, str] = {}
        try:
            fields = table.fields(index)
            batches.add(index, Picture(table.image(fields), "L"))
        except (ValueError, OSError) as error:
            facts.reason[index], facts.detail[index] = Reason.UNREADABLE.value, str(error)
        facts.fields.append({name: value for name, value in fields.items() if name != "pixels"})
    batches.finish()
    return facts


class _SizeBatches:
    """Small images, collected by size so that all of one size are measured in one call."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._images: dict[tuple[int, ...], list[tuple[int, Grey]]] = {}

    def add(self, index: int, picture: Picture) -> None:
        """Record an image; measure it immediately if it is large, otherwise with its batch."""
        grey = picture.grey
        self._facts.mode[index] = picture.mode
        self._facts.shape[index] = grey.shape
        self._facts.pixels[index] = np.frombuffer(pixel_digest(grey), np.uint8)
        if grey.size <= _SMALL_PIXELS:
            self._images.setdefault(grey.shape, []).append((index, grey))
        else:
            self._measure([index], grey[None])

    def finish(self) -> None:
        """Measure the collected images."""
        for images in self._images.values():
            self._measure([index for index, _ in images], np.stack([grey for _, grey in images]))

    def _measure(self, indices: list[int], greys: Grey) -> None:
        self._facts.mean[indices], self._facts.std[indices] = measure(greys)
        self._facts.phash[indices] = perceptual_hash(greys)


def _empty_facts(count: int) -> Facts:
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
        top=np.zeros(count, np.int64),
        full=np.zeros(count, np.bool_),
    )
