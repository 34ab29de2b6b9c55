"""`data/clean/manifest.parquet`: one row for every file of the raw data, written by clean, read by eda and prepare."""

import os
import re
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

import pandas as pd

from ferflow.base.errors import DataError
from ferflow.base.files import reading, whole_file


class Reason(StrEnum):
    """Why an image or file is dropped or flagged, in order of precedence; docs/data.md shows the same table.

    Each file has one reason: the first in this order that drops it; if none drops it, the first that applies.

    Attributes:
        meaning: What was found, as a phrase for people.

    >>> Reason("blank").meaning
    'standard deviation of the grey levels below blank_std'
    """

    meaning: str

    def __new__(cls, value: str, meaning: str) -> "Reason":
        """Create a member that is equal to its value in the manifest."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    LINK = "link", "a symbolic link; never followed"
    SPECIAL_FILE = "special_file", "a pipe, socket or device; never opened"
    SYSTEM_FILE = "system_file", "a hidden file, or one that an operating system left behind"
    TABLE = "table", "a CSV whose rows are images or votes; each row has its own verdict"
    OUTSIDE_CLASS = "outside_class", "not in a class folder"
    UNKNOWN_CLASS = "unknown_class", "in the folder of an unknown class, or of a class that is not requested"
    NO_SPLIT = "no_split", "in a class folder next to the train and test folders"
    NO_LABEL = "no_label", "a table row without a known emotion, or whose votes do not agree on one"
    BOMB = "bomb", "claims more than max_pixels pixels; never decoded"
    ANIMATED = "animated", "several frames; never decoded"
    UNREADABLE = "unreadable", "empty, truncated, damaged, not permitted, or not an image"
    SECOND_SET = "second_set", "in a folder or table whose images another one holds as well, each under the same label"
    TOO_SMALL = "too_small", "a side shorter than min_size pixels"
    WRONG_SIZE = "wrong_size", "not image_size x image_size pixels"
    WRONG_MODE = "wrong_mode", "colour, transparency, a palette, 1 or 16 bits"
    BLANK = "blank", "standard deviation of the grey levels below blank_std"
    LEAKED_COPY = (
        "leaked_copy",
        "a training image with the pixels of a test or validation image, "
        "or a validation image with those of a test image",
    )
    CONFLICTING_COPIES = "conflicting_copies", "the same pixels under several labels within one split"
    EXACT_COPY = "exact_copy", "has the pixels and the label of an earlier image of its split"
    NEAR_COPY = "near_copy", "nearly the same picture as another image, at most near_copy_bits bits of the hash apart"


COLUMNS: dict[str, str] = {
    "path": "str",  # relative to the raw folder, forward slashes; `file.csv#17` for row 17 (from 0) of a CSV
    "split": "str",  # train, validation or test; empty if the data does not define it (prepare then splits the data)
    "subset": "str",  # Training, PublicTest or PrivateTest, from names or Usage; otherwise the same as split
    "label": "str",  # canonical class name; empty if there is none
    "verdict": "str",  # keep or drop
    "reason": "str",  # a Reason; empty for a kept image without any finding
    "detail": "str",  # for people: the error, or the path of the image that this one is a copy of
    "bytes": "int64",  # size of the file
    "sha256": "str",  # of the file's bytes; empty for links and for CSV rows
    "pixels": "str",  # SHA-256 of size and grey pixels, shared by exact copies; empty if unreadable
    "width": "int64",  # pixels; 0 if unreadable
    "height": "int64",  # pixels; 0 if unreadable
    "mode": "str",  # Pillow's name of the original pixel format, such as L or RGB; see also set_bits
    "mean": "float64",  # grey levels, 0 to 255; 0 if unreadable
    "std": "float64",  # grey levels; 0 if unreadable
    "phash": "uint64",  # 64-bit perceptual hash; 0 if unreadable
    "group": "int64",  # shared by copies and near-copies of each other; -1 if unreadable or without a place
    "copy_in_train": "bool",  # a test or validation image whose pixels also occur in the raw training images
}


def count_values(values: "pd.Series[str]") -> dict[str, int]:
    """Return how often each value occurs, sorted by value.

    >>> count_values(pd.Series(["sad", "happy", "sad"]))
    {'happy': 1, 'sad': 2}
    """
    return {str(value): int(number) for value, number in values.value_counts().sort_index().items()}


def write_manifest(path: Path, manifest: pd.DataFrame) -> None:
    """Write the manifest with the columns of COLUMNS in that order, sorted by path.

    The same rows in any order give the same bytes.
    """
    ordered = manifest[list(COLUMNS)].astype(COLUMNS).sort_values("path", kind="stable", ignore_index=True)
    with whole_file(path) as temporary:
        ordered.to_parquet(temporary, index=False, compression="zstd")


def read_manifest(path: Path) -> pd.DataFrame:
    """Read the manifest.

    Raises:
        DataError: The file is missing or lacks a column.
    """
    manifest = _read_parquet(path)
    missing = [name for name in COLUMNS if name not in manifest.columns]
    if missing:
        raise DataError(f"{path} lacks the columns {', '.join(missing)}. Write it again: dvc repro -f clean.")
    return manifest


def mode_with_bits(mode: str, bits: int) -> str:
    """Return the `mode` of a 16-bit image that uses fewer bits, as only its whole set shows.

    >>> mode_with_bits("I;16", 12)
    'I;16/12'
    """
    return f"{mode}/{bits}"


def set_bits(modes: Iterable[str]) -> int | None:
    """Return the bits that clean found the set's 16-bit images to use; None if it did not have to.

    Args:
        modes: The manifest's `mode`.

    >>> set_bits(["L", "I;16/12"])
    12
    """
    return next((int(bits) for _, slash, bits in (mode.partition("/") for mode in modes) if slash), None)


def write_votes(path: Path, votes: pd.DataFrame) -> None:
    """Write the FER+ votes: `path` as in the manifest, then ferplus.COLUMNS; the same rows give the same bytes."""
    with whole_file(path) as temporary:
        votes.to_parquet(temporary, index=False, compression="zstd")


def read_votes(path: Path) -> pd.DataFrame:
    """Read the FER+ votes.

    Raises:
        DataError: The file is missing.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing: the data has no FER+ votes, or clean has not run. Run dvc repro clean.")
    return _read_parquet(path)


def _read_parquet(path: Path) -> pd.DataFrame:
    # Through a handle of Python's own: what Arrow opens by itself, the audit of dependencies cannot see.
    with reading(path, "clean"), path.open("rb") as handle:
        return pd.read_parquet(handle)


_ROW = re.compile(r"^(?P<table>.*\.csv)#(?P<row>[0-9]+)$", re.IGNORECASE | re.DOTALL)
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")
_NOT_TEXT = re.compile(r"[\x00-\x1f\x7f\\]")


def manifest_path(relative: str) -> str:
    r"""Return a file's path as the manifest writes it: always valid text, and unique for each file.

    Args:
        relative: Path below the raw folder as the system gives it, with bytes that are not UTF-8 as lone surrogates.

    Returns:
        The path with `\xNN` for each byte that is not UTF-8, each control character and each backslash.

    >>> manifest_path("happy/new\nline.jpg")
    'happy/new\\x0aline.jpg'
    """
    text = _NOT_TEXT.sub(lambda match: f"\\x{ord(match[0]):02x}", relative)
    if _ROW.match(text):  # a file with the name of a table row: escape its #, so that it does not read as one
        head, _, row = text.rpartition("#")
        text = f"{head}\\x23{row}"
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def raw_path(raw: Path, path: str) -> Path:
    """Return the file below `raw` for a path of the manifest; for a table's row, the table.

    >>> raw_path(Path("data/raw"), "fer2013.csv#17").as_posix()
    'data/raw/fer2013.csv'
    """
    return Path(raw_name(str(raw), path))


def raw_name(raw: str, path: str) -> str:
    """Return the same as raw_path as plain text, which is faster to build for many thousands of files."""
    table = _ROW.match(path) if "#" in path else None
    path = table["table"] if table else path
    if "\\" in path:
        path = os.fsdecode(_ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), path.encode("utf-8")))
    return f"{raw}/{path}"


def table_row(path: str) -> int | None:
    """Return the row number, from 0, if `path` is a table's row; otherwise None.

    >>> table_row("fer2013.csv#17")
    17
    """
    match = _ROW.match(path) if "#" in path else None
    return int(match["row"]) if match else None
