"""Write the rows to CSV, JSON lines or parquet, append to what an interrupted run wrote, or show them on a terminal."""

import csv
import io
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, TextIO

from ferflow.base.errors import DataError
from ferflow.predict.rows import Cell, Row, columns

FORMATS = {".csv": "CSV", ".jsonl": "JSON lines", ".ndjson": "JSON lines", ".parquet": "parquet"}


class Table(Protocol):
    """Where rows go.

    Attributes:
        done: Column `path` of the items that an earlier run has finished.
    """

    done: set[str]

    def write(self, rows: Sequence[Row]) -> None:
        """Append rows."""
        ...

    def close(self) -> None:
        """Finish the table."""
        ...


def open_table(out: Path | None, classes: Sequence[str], overwrite: bool = False) -> Table:
    """Open the table that rows are written to.

    If the file exists, rows are appended. An earlier run may have been stopped within its last item, so that this
    item's rows, and the half line at the end that a power failure leaves, are removed, and the item is done again.

    Args:
        out: The file; its suffix is the format. None: standard output, for people on a terminal and CSV elsewhere.
        classes: Names of the classes.
        overwrite: Whether to start an existing file anew. Defaults to false.

    Raises:
        DataError: The suffix is unknown, the file cannot be written, has other columns, or needs a missing package.
    """
    names = columns(classes)
    if out is None:
        return TerminalTable(sys.stdout, classes) if sys.stdout.isatty() else TextTable(sys.stdout, names, csv_line)
    suffix = out.suffix.lower()
    if suffix not in FORMATS:
        known = ", ".join(f"{name} ({what})" for name, what in FORMATS.items())
        raise DataError(f"--out {out}: the suffix names the format. Received: {suffix or 'none'}. Allowed: {known}.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if suffix == ".parquet":
            return ParquetTable(out, classes, overwrite)
        lines = csv_line if suffix == ".csv" else json_line
        done = set() if overwrite or not out.exists() else _continue(out, names, suffix == ".csv")
        handle = out.open("a" if done else "w", encoding="utf-8", newline="")
    except OSError as error:
        raise DataError(f"--out {out} cannot be written: {error.strerror or error}.") from None
    return TextTable(handle, names, lines, done)


def csv_line(names: Sequence[str], cells: Sequence[Cell] | None) -> str:
    """Return a row, or the header if there are no cells, as a line of CSV (RFC 4180 with line feeds)."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(names if cells is None else cells)
    return buffer.getvalue()


def json_line(names: Sequence[str], cells: Sequence[Cell] | None) -> str:
    """Return a row as a line of JSON; there is no header."""
    return "" if cells is None else json.dumps(dict(zip(names, cells, strict=True)), ensure_ascii=False) + "\n"


class TextTable:
    """A table of lines, written item by item, so that all rows of finished items are on disk."""

    def __init__(self, handle: TextIO, names: Sequence[str], line: "LineOf", done: set[str] | None = None) -> None:
        """Write the header, unless the file continues an earlier one.

        Args:
            handle: Where to write.
            names: Names of the columns.
            line: How a row is written.
            done: Items that the file has already. Defaults to none.
        """
        self.done = done or set()
        self._handle, self._names, self._line = handle, list(names), line
        if not self.done:
            self._handle.write(line(self._names, None))
            self._handle.flush()

    def write(self, rows: Sequence[Row]) -> None:
        """Append rows and hand them to the system at once."""
        classes = [name[2:] for name in self._names if name.startswith("p_")]
        self._handle.write("".join(self._line(self._names, row.cells(classes)) for row in rows))
        self._handle.flush()

    def close(self) -> None:
        """Close the file; standard output stays open."""
        if self._handle is not sys.stdout:
            self._handle.close()


class LineOf(Protocol):
    """How a table's format writes a line."""

    def __call__(self, names: Sequence[str], cells: Sequence[Cell] | None) -> str:
        """Return the line of a row's cells, or the header if `cells` is None."""
        ...


class ParquetTable:
    """A parquet file, which cannot be appended to: all rows are written at the end, those of an earlier run first."""

    def __init__(self, out: Path, classes: Sequence[str], overwrite: bool = False) -> None:
        """Read what an earlier run wrote.

        Args:
            out: The file.
            classes: Names of the classes.
            overwrite: Whether to leave out what the file has. Defaults to false.

        Raises:
            DataError: The package pyarrow is missing, or the file is another table.
        """
        try:
            import pyarrow
            import pyarrow.parquet as parquet
        except ModuleNotFoundError:
            raise DataError(
                f"--out {out} needs the package pyarrow. Install it (pip install pyarrow), or write .csv or .jsonl."
            ) from None
        self._out, self._classes, self._parquet, self._pyarrow = out, list(classes), parquet, pyarrow
        kinds = dict.fromkeys(columns(classes), pyarrow.float64())
        kinds |= dict.fromkeys(("path", "answer", "status", "reason"), pyarrow.string())
        kinds |= dict.fromkeys(("frame", "face"), pyarrow.int64())
        self._schema = pyarrow.schema(list(kinds.items()))
        self._earlier = None
        self._rows: list[list[Cell]] = []
        self.done: set[str] = set()
        if out.exists() and not overwrite:
            try:
                self._earlier = parquet.read_table(out)
            except (OSError, pyarrow.ArrowException) as error:
                raise DataError(f"{out} is no parquet file ({error}). Choose another --out, or --overwrite.") from None
            if self._earlier.schema.names != self._schema.names:
                raise _other_columns(out)
            paths = self._earlier["path"].to_pylist()
            self._earlier = self._earlier.slice(0, paths.index(paths[-1]) if paths else 0)
            self.done = set(self._earlier["path"].to_pylist())

    def write(self, rows: Sequence[Row]) -> None:
        """Keep rows in memory."""
        self._rows += [row.cells(self._classes) for row in rows]

    def close(self) -> None:
        """Write the file."""
        values = list(zip(*self._rows, strict=True)) or [()] * len(self._schema)
        arrays = [self._pyarrow.array(column, kind.type) for column, kind in zip(values, self._schema, strict=True)]
        table = self._pyarrow.Table.from_arrays(arrays, schema=self._schema)
        if self._earlier is not None:
            table = self._pyarrow.concat_tables([self._earlier.cast(self._schema), table])
        temporary = self._out.with_name(f".{self._out.name}.{os.getpid()}")
        try:
            self._parquet.write_table(table, temporary)
            temporary.replace(self._out)
        finally:
            temporary.unlink(missing_ok=True)


class TerminalTable:
    """Lines for people: path, time and face, the answer with its probability, and the next best one."""

    def __init__(self, handle: TextIO, classes: Sequence[str]) -> None:
        """Measure the terminal.

        Args:
            handle: Where to write.
            classes: Names of the classes.
        """
        self.done: set[str] = set()
        self._handle = handle
        self._width = max(map(len, classes))
        self._room = max(20, shutil.get_terminal_size().columns - 2 * (self._width + 8) - 28)

    def write(self, rows: Sequence[Row]) -> None:
        """Show rows."""
        for row in rows:
            path = _printable(row.path)
            path = path if len(path) <= self._room else f"…{path[1 - self._room :]}"
            place = "" if row.time is None else f"{row.time:8.2f} s"
            head = f"{path:<{self._room}} {place:>10} "
            if row.face is None:
                print(f"{head} {'no face' if row.status == 'no_face' else _printable(row.reason)}", file=self._handle)
                continue
            best = sorted(row.probabilities.items(), key=lambda item: -item[1])[:2]
            shares = "  ".join(f"{name:<{self._width}} {share:6.1%}".replace("%", " %") for name, share in best)
            print(f"{head} face {row.face:<3} {shares}", file=self._handle, flush=True)

    def close(self) -> None:
        """Do nothing: every line is shown already."""


def _printable(text: str) -> str:
    """Return a text without what a terminal would obey, such as the escape sequences that a file name may contain."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _continue(out: Path, names: list[str], is_csv: bool) -> set[str]:
    """Cut an existing file to whole rows of finished items and return these; an empty set if none is left.

    Raises:
        DataError: It is a table with other columns.
    """
    records = list(_csv_records(out) if is_csv else _json_records(out))
    start = csv_line(names, None) if is_csv else '{"path": '
    with out.open("rb") as handle:
        begun = handle.read(len(start.encode()))
    # A run that was killed within its first line leaves the start of what it would have written.
    if not start.encode().startswith(begun) or (records and records[0][0] != names):
        raise _other_columns(out)
    records = records[1:] if is_csv else records
    if not records:
        return set()
    last = records[-1][1]
    first = next(number for number, record in enumerate(records) if record[1] == last)
    finished = records[:first]
    if not finished:
        return set()
    with out.open("r+b") as handle:
        handle.truncate(finished[-1][2])
    return {path for _, path, _ in finished}


Record = tuple[list[str], str, int]
"""Cells of a header or names of a row's columns; the row's path; offset of the record's end in the file."""


def _csv_records(out: Path) -> Iterator[Record]:
    """Yield the whole records of a CSV file: cells, path, end."""
    end = 0

    def lines(handle: io.BufferedReader) -> Iterator[str]:
        nonlocal end
        for line in handle:
            if not line.endswith(b"\n"):
                return
            end += len(line)
            yield line.decode("utf-8", "replace")

    width = None
    with out.open("rb") as handle:
        try:
            for cells in csv.reader(lines(handle)):
                width = width or len(cells)
                if len(cells) != width:
                    return
                yield cells, cells[0], end
        except csv.Error:
            return


def _json_records(out: Path) -> Iterator[Record]:
    """Yield the whole records of a file of JSON lines: keys, path, end."""
    end = 0
    with out.open("rb") as handle:
        for line in handle:
            try:
                content = json.loads(line) if line.endswith(b"\n") else None
            except ValueError:
                return
            if not isinstance(content, dict):
                return
            end += len(line)
            yield list(content), str(content.get("path")), end


def _other_columns(out: Path) -> DataError:
    return DataError(
        f"{out} exists and is another table: its columns are not those of this network. Choose another --out, or start "
        "the file anew with --overwrite."
    )
