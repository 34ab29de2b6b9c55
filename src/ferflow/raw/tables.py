"""Images as rows of a table: `fer2013.csv` and `icml_face_data.csv`, with the columns emotion, pixels and Usage."""

import csv
import math
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt

_LONGEST_HEADER = 65_536  # bytes
_BLOCK = 1 << 22  # bytes read at a time
_EMPTY_LINE = 2  # bytes: at most a line feed and a carriage return
_LONGEST_ROW = 4_000_000  # bytes: 1000 x 1000 pixels


class Table:
    """A CSV file whose rows can be read in any order; one line is one row.

    Only the place of each line is kept in memory. Names of columns are compared without case and without the blanks
    around them.

    Attributes:
        path: the file.
        columns: position of each column by its name in small letters.
        offsets: int64, (rows,), where each row starts in the file, in bytes; empty lines at the end do not count.
    """

    def __init__(self, path: Path, offsets: npt.ArrayLike | None = None) -> None:
        """Find the rows of a file.

        Args:
            path: the file.
            offsets: where the rows of interest start, where that is known already.

        Raises:
            OSError: the file cannot be read.
        """
        self.path = path
        with path.open("rb") as handle:
            self.columns = _header(handle.readline(_LONGEST_HEADER))
        self.offsets: npt.NDArray[np.int64] = np.array(_row_starts(path) if offsets is None else offsets, np.int64)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.offsets)

    def fields(self, row: int) -> dict[str, str]:
        """Return one row's values by column name in small letters.

        Raises:
            IndexError: there is no such row.
            OSError: the file cannot be read.
            ValueError: the row is not text, not CSV, or longer than 4 MB.
        """
        with self.path.open("rb") as handle:
            handle.seek(int(self.offsets[row]))
            line = handle.readline(_LONGEST_ROW)
        try:
            values = next(csv.reader([line.decode("utf-8").rstrip("\r\n")]), [])
        except csv.Error as error:
            raise ValueError(str(error)) from None
        return {name: values[place].strip() for name, place in self.columns.items() if place < len(values)}

    @staticmethod
    def image(fields: dict[str, str]) -> npt.NDArray[np.uint8]:
        """Return a row's image: uint8, (side, side), as its `pixels` say, row by row.

        Raises:
            ValueError: the pixels are not a square of whole numbers from 0 to 255.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # numpy warns of what is no number
            try:
                values = np.fromstring(fields.get("pixels", ""), np.int64, sep=" ")
            except DeprecationWarning:
                raise ValueError("pixels that are no whole numbers") from None
        side = math.isqrt(len(values))
        if not len(values) or side * side != len(values):
            raise ValueError(f"{len(values)} pixels, which is no square")
        if values.min() < 0 or values.max() > 255:
            raise ValueError(f"pixels from {values.min()} to {values.max()}, not 0 to 255")
        return values.astype(np.uint8).reshape(side, side)


def read_columns(path: Path) -> frozenset[str]:
    """Return the names in the first line of a CSV file, in small letters; none where it is not text.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as handle:
        return frozenset(_header(handle.readline(_LONGEST_HEADER)))


def _row_starts(path: Path) -> npt.NDArray[np.int64]:
    ends, at = [], 0
    with path.open("rb") as handle:
        while block := handle.read(_BLOCK):
            ends.append(np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n")) + (at + 1))
            at += len(block)
    edges = np.concatenate([*ends, [at]]) if at else np.zeros(1, np.int64)
    full = np.flatnonzero(np.diff(edges) > _EMPTY_LINE)
    return edges[: full[-1] + 1] if len(full) else edges[:0]


def _header(line: bytes) -> dict[str, int]:
    try:
        names = next(csv.reader([line.decode("utf-8-sig").rstrip("\r\n")]), [])
    except (UnicodeDecodeError, csv.Error):
        return {}
    return {name.strip().casefold(): place for place, name in reversed(list(enumerate(names)))}
