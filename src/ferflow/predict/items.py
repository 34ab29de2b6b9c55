"""What is to be recognized: the pictures, videos and cameras that the arguments of `ferflow predict` name."""

import csv
import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from ferflow.base.errors import DataError
from ferflow.base.formats import IMAGE_SUFFIXES

VIDEO_SUFFIXES = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".ts", ".webm", ".wmv"})
"""File suffixes of videos, in lower case. In a folder only these and those of pictures are looked at."""

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".parquet"})


class Kind(StrEnum):
    """What an item is."""

    PICTURE = "picture"
    VIDEO = "video"
    CAMERA = "camera"
    URL = "url"


@dataclass(frozen=True, slots=True)
class Item:
    """One picture, video, camera or URL.

    Attributes:
        name: As the table's column `path` has it: a path, a URL or a camera's number.
        kind: What it is.
        place: Where an annotated copy goes below the folder for such copies, with `/` between parts.
    """

    name: str
    kind: Kind
    place: str


def find_items(names: Iterable[str], column: str = "path") -> list[Item]:
    """Return the items that some names stand for, without repetitions, in the order of the names.

    A name is a picture, a video, a folder (searched with its subfolders, in sorted order, hidden files left out), a
    pattern such as `faces/*.jpg`, a table (.csv, .tsv, .parquet) with a column of such names, a URL, or a camera's
    number. A path that does not exist is an item too: its row in the table says so.

    Args:
        names: What the user typed.
        column: Column of paths in tables; relative paths start at the table's folder. Defaults to `path`.

    Raises:
        DataError: A folder, pattern or table contains nothing, or a table cannot be read.
    """
    found = {item.name: item for name in names for item in _items_of(name, column)}
    return list(found.values())


def kind_of(name: str) -> Kind:
    """Return what a single file is, by its suffix; unknown suffixes are taken for pictures."""
    return Kind.VIDEO if Path(name).suffix.lower() in VIDEO_SUFFIXES else Kind.PICTURE


def _items_of(name: str, column: str) -> Iterator[Item]:
    path = Path(name)
    if name.lower().startswith(("http://", "https://")):
        yield Item(name, Kind.URL, Path(urlsplit(name).path).name or "picture")
    elif path.is_dir():
        files = list(_files_below(path))
        if not files:
            raise DataError(f"{name} and its subfolders contain no picture and no video.")
        for file in files:
            yield Item(str(file), kind_of(file.name), file.relative_to(path).as_posix())
    elif path.exists():
        if path.suffix.lower() in TABLE_SUFFIXES:
            yield from _items_of_table(path, column)
        else:
            yield Item(name, kind_of(name), path.name)
    elif name.isascii() and name.isdigit():
        yield Item(name, Kind.CAMERA, f"camera{name}.mp4")
    elif glob.has_magic(name):
        matches = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - an absolute pattern is allowed
        if not matches:
            raise DataError(f"{name} matches no file.")
        for match in matches:
            if Path(match).is_file():
                yield Item(match, kind_of(match), Path(match).name)
    else:
        yield Item(name, kind_of(name), path.name)


def _files_below(folder: Path) -> Iterator[Path]:
    for directory, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            suffix = Path(name).suffix.lower()
            if not name.startswith(".") and (suffix in IMAGE_SUFFIXES or suffix in VIDEO_SUFFIXES):
                yield Path(directory, name)


def _items_of_table(table: Path, column: str) -> Iterator[Item]:
    values = list(_parquet_column(table, column) if table.suffix.lower() == ".parquet" else _csv_column(table, column))
    if not values:
        raise DataError(f"Column {column!r} of {table} has no rows.")
    for value in values:
        if value.lower().startswith(("http://", "https://")):
            yield Item(value, Kind.URL, Path(urlsplit(value).path).name or "picture")
        else:
            place = value.lstrip("/") if ".." not in Path(value).parts and not Path(value).drive else Path(value).name
            yield Item(str(table.parent / value), kind_of(value), place)


def _csv_column(table: Path, column: str) -> Iterator[str]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as handle:
            first = handle.readline()
            handle.seek(0)
            reader = csv.DictReader(handle, delimiter=max(",;\t", key=first.count))
            if column not in (reader.fieldnames or ()):
                raise _no_column(table, column, reader.fieldnames or ())
            yield from (row[column] for row in reader if row[column])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table} cannot be read as a table: {error}.") from None


def _parquet_column(table: Path, column: str) -> Iterator[str]:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ModuleNotFoundError:
        raise DataError(f"{table} needs the package pyarrow. Install it (pip install pyarrow), or use CSV.") from None
    try:
        names = parquet.read_schema(table).names
        if column not in names:
            raise _no_column(table, column, names)
        values = parquet.read_table(table, columns=[column])[column].to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(f"{table} cannot be read as a table: {error}.") from None
    yield from (str(value) for value in values if value)


def _no_column(table: Path, column: str, names: Iterable[str]) -> DataError:
    return DataError(f"{table} has no column {column!r}; name it with --column. Its columns: {', '.join(names)}.")
