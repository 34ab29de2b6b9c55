"""Each file read once: its SHA-256, its picture, the picture's numbers."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ferflow.clean.measuring import measure, perceptual_hash, pixel_digest
from ferflow.images import Grey, ImageProblem, decode, open_regular, whole_or_handle
from ferflow.tables import Table

_TOGETHER = 128 * 128  # pixels; smaller images of one size are measured together


@dataclass(slots=True)
class Facts:
    """What reading a file, or a table's row, told. Fields as in ferflow.manifest; digests as bytes."""

    bytes: int = 0
    sha256: bytes = b""
    reason: str = ""
    detail: str = ""
    pixels: bytes = b""
    width: int = 0
    height: int = 0
    mode: str = ""
    mean: float = 0.0
    std: float = 0.0
    phash: int = 0


class _Measured:
    """Images waiting to be measured with others of their size."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, ...], list[tuple[Facts, Grey]]] = {}

    def add(self, facts: Facts, grey: Grey) -> None:
        facts.height, facts.width = grey.shape
        facts.pixels = pixel_digest(grey)
        if grey.size <= _TOGETHER:
            self._waiting.setdefault(grey.shape, []).append((facts, grey))
        else:
            self._measure([(facts, grey)])

    def finish(self) -> None:
        for group in self._waiting.values():
            self._measure(group)
        self._waiting.clear()

    @staticmethod
    def _measure(group: list[tuple[Facts, Grey]]) -> None:
        greys = np.stack([grey for _, grey in group]) if len(group) > 1 else group[0][1][None]
        means, deviations = measure(greys)
        hashes = perceptual_hash(greys)
        for (facts, _), mean, std, phash in zip(group, means, deviations, hashes, strict=True):
            facts.mean, facts.std, facts.phash = float(mean), float(std), int(phash)


def read_files(raw: Path, relatives: Sequence[str], max_pixels: int) -> list[Facts]:
    """Read files that should be images.

    Args:
        raw: the raw folder.
        relatives: paths below it, as the system gives them.
        max_pixels: an image that claims more is not decoded.

    Returns:
        One item for each path. A file that gives no picture has a reason.
    """
    base, waiting, read = str(raw), _Measured(), []
    for relative in relatives:
        facts = Facts()
        read.append(facts)
        try:
            with open_regular(f"{base}/{relative}") as handle:
                facts.bytes = os.fstat(handle.fileno()).st_size
                source = whole_or_handle(handle, facts.bytes)
                facts.sha256 = hashlib.file_digest(source, "sha256").digest()
                source.seek(0)
                if not facts.bytes:
                    raise ImageProblem("unreadable", "empty")
                picture = decode(source, max_pixels)
        except ImageProblem as problem:
            facts.reason, facts.detail = problem.reason, str(problem)
            facts.mode, (facts.width, facts.height) = problem.mode, problem.size
        except OSError as error:
            facts.reason, facts.detail = "unreadable", error.strerror or str(error)
        else:
            facts.mode = picture.mode
            waiting.add(facts, picture.grey)
    waiting.finish()
    return read


def read_rows(path: Path, first: int, offsets: Sequence[int]) -> list[tuple[Facts, str, str]]:
    """Read successive rows of a table.

    Args:
        path: the table.
        first: number of the first row.
        offsets: where each row starts, in bytes.

    Returns:
        For each row what its pixels tell, its emotion and its Usage, as they stand there.
    """
    table, waiting, read = Table(path, offsets=offsets), _Measured(), []
    for row in range(len(offsets)):
        facts, fields = Facts(mode="L"), {}
        try:
            fields = table.fields(row)
            waiting.add(facts, table.pixels(fields))
        except (ValueError, OSError) as error:
            facts.reason, facts.detail = "unreadable", str(error)
        read.append((facts, fields.get("emotion", ""), fields.get("usage", "")))
    waiting.finish()
    return read
