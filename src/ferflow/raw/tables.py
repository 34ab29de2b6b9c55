"""Read images from rows of a CSV such as `fer2013.csv`, with the columns emotion, pixels and Usage."""

import csv
import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

_DELIMITERS = ",;\t"  # spreadsheets write a semicolon where the comma is the decimal mark
_LONGEST_HEADER = 65_536  # bytes
_BLOCK = 1 << 22  # bytes read at a time
_EMPTY_LINE = 2  # bytes: an empty line has at most a line feed and a carriage return
_LONGEST_ROW = 4_000_000  # bytes: 1000 x 1000 pixels


@dataclass(frozen=True)
class Header:
    """The first line of a CSV file.

    Attributes:
        columns: Position of each column by its name in lower case, without surrounding blanks.
        delimiter: Character between the columns: the most frequent in the line of comma, semicolon and tab.
    """

    columns: dict[str, int]
    delimiter: str


class Table:
    """A CSV file whose rows can be read in any order; one line is one row.

    Only the offset of each line is kept in memory. Column names are compared without case and surrounding blanks.

    Attributes:
        path: The file.
        columns: Position of each column by its name in lower case.
        delimiter: Character between the columns.
        offsets: Start of each row in bytes, int64, (rows,); empty lines at the end do not count.
    """

    def __init__(self, path: Path, offsets: npt.ArrayLike | None = None) -> None:
        """Find the rows of a file.

        Args:
            path: The file.
            offsets: Starts of the rows in bytes, if already known. Defaults to a search for all rows.

        Raises:
            OSError: The file cannot be read.
        """
        self.path = path
        header = read_header(path)
        self.columns, self.delimiter = header.columns, header.delimiter
        self.offsets: npt.NDArray[np.int64] = np.array(_row_starts(path) if offsets is None else offsets, np.int64)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.offsets)

    def fields(self, row: int) -> dict[str, str]:
        """Return one row's values by column name in lower case.

        Args:
            row: Number of the row, from 0.

        Raises:
            IndexError: There is no such row.
            OSError: The file cannot be read.
            ValueError: The row is neither text nor CSV, or longer than 4 MB.
        """
        with self.path.open("rb") as handle:
            handle.seek(int(self.offsets[row]))
            line = handle.readline(_LONGEST_ROW)
        try:
            values = next(csv.reader([line.decode("utf-8").rstrip("\r\n")], delimiter=self.delimiter), [])
        except csv.Error as error:
            raise ValueError(str(error)) from None
        return {name: values[column].strip() for name, column in self.columns.items() if column < len(values)}

    @staticmethod
    def image(fields: dict[str, str]) -> npt.NDArray[np.uint8]:
        """Return the image in a row's `pixels`, which list it row by row: uint8, (side, side).

        Raises:
            ValueError: The pixels are not a square of whole numbers from 0 to 255.

        >>> Table.image({"pixels": "0 50 100 150"}).tolist()
        [[0, 50], [100, 150]]
        """
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # numpy only warns of text that is not a number
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


def read_header(path: Path) -> Header:
    """Return the first line of a CSV file; without columns if the line is not text.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as handle:
        line = handle.readline(_LONGEST_HEADER)
    try:
        text = line.decode("utf-8-sig").rstrip("\r\n")
        delimiter = max(_DELIMITERS, key=text.count)
        names = next(csv.reader([text], delimiter=delimiter), [])
    except (UnicodeDecodeError, csv.Error):
        return Header({}, ",")
    # Reversed, so that of two columns with one name the first counts.
    columns = {name.strip().casefold(): position for position, name in reversed(list(enumerate(names)))}
    return Header(columns, delimiter)


def _row_starts(path: Path) -> npt.NDArray[np.int64]:
    ends, position = [], 0
    with path.open("rb") as handle:
        while block := handle.read(_BLOCK):
            ends.append(np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n")) + (position + 1))
            position += len(block)
    edges = np.concatenate([*ends, [position]]) if position else np.zeros(1, np.int64)
    full = np.flatnonzero(np.diff(edges) > _EMPTY_LINE)
    return edges[: full[-1] + 1] if len(full) else edges[:0]
