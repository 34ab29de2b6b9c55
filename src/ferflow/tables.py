"""Images as rows of a table: `fer2013.csv` and `icml_face_data.csv`, with the columns emotion, pixels and Usage."""

import csv
import math
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

_LONGEST_HEADER = 65_536  # bytes
_MOST_PIXELS = 512 * 512


class Table:
    """A CSV file whose rows can be read in any order; one line is one row.

    Only the place of each line is kept in memory. Names of columns are compared without case and without the blanks
    around them.

    Attributes:
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
            self.columns = read_header(handle.readline(_LONGEST_HEADER))
            self.offsets: npt.NDArray[np.int64] = np.array(
                _row_starts(handle) if offsets is None else offsets, np.int64
            )

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.offsets)

    def fields(self, row: int) -> dict[str, str]:
        """Return one row's values by column name in small letters.

        Raises:
            IndexError: there is no such row.
            ValueError: the row is not text, or not CSV.
        """
        with self.path.open("rb") as handle:
            handle.seek(int(self.offsets[row]))
            return self.parse(handle.readline())

    def parse(self, line: bytes) -> dict[str, str]:
        """Return one line's values by column name. See fields for what is raised."""
        try:
            values = next(csv.reader([line.decode("utf-8").strip("\r\n")]), [])
        except csv.Error as error:
            raise ValueError(str(error)) from None
        return {name: values[place].strip() for name, place in self.columns.items() if place < len(values)}

    @staticmethod
    def pixels(fields: dict[str, str]) -> npt.NDArray[np.uint8]:
        """Return a row's image: uint8, (side, side), as its `pixels` say, row by row.

        Raises:
            ValueError: the pixels are not a square of whole numbers from 0 to 255.
        """
        text = fields.get("pixels", "").split()
        side = math.isqrt(len(text))
        if not text or side * side != len(text) or len(text) > _MOST_PIXELS:
            raise ValueError(f"{len(text)} pixels, which is no square")
        values = np.array(text, np.int64)
        if values.min() < 0 or values.max() > 255:
            raise ValueError(f"pixels from {values.min()} to {values.max()}, not 0 to 255")
        return values.astype(np.uint8).reshape(side, side)


def _row_starts(handle: BinaryIO) -> list[int]:
    starts, rows = [handle.tell()], 0
    for line in handle:
        starts.append(starts[-1] + len(line))
        if line.strip():
            rows = len(starts) - 1
    return starts[:rows]


def read_header(line: bytes) -> dict[str, int]:
    """Return the position of each column by its name, in small letters, without blanks or a byte order mark."""
    try:
        names = next(csv.reader([line.decode("utf-8-sig")]), [])
    except (UnicodeDecodeError, csv.Error):
        return {}
    return {name.strip().casefold(): place for place, name in reversed(list(enumerate(names)))}
