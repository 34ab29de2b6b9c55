"""Read and write files: atomically, and with the same bytes from the same values."""

import contextlib
import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pandas as pd
import yaml

from ferflow.base.errors import DataError, FerflowError


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`; on success rename it to `path`, on failure remove it.

    Readers thus see the old file or the whole new one, even if the process is killed.

    Args:
        path: Destination of the file. Its folder is created if missing. The temporary name keeps the suffix, because
            many writers choose their format by it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder next to `path`; on success it replaces `path`, on failure it is removed.

    If `path` is a link to a folder, such as one on another disk, the link stays and that folder is replaced.
    """
    path = path.resolve() if path.is_symlink() else path
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    temporary.chmod(0o755)
    old = temporary.with_name(f"{temporary.name}.old")
    try:
        yield temporary
        if path.exists():
            # Renamed, not removed, so that a kill between the two renames loses no finished folder.
            path.rename(old)
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if path.exists():
            shutil.rmtree(old, ignore_errors=True)
        elif old.exists():
            old.rename(path)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8; see whole_file."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON in its own key order.

    Raises:
        ValueError: `value` contains NaN or infinity, which JSON does not have.
    """
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_yaml(path: Path, value: Any) -> None:
    """Write `value` as YAML in its own key order."""
    write_text(path, yaml.safe_dump(value, sort_keys=False, allow_unicode=True))


def write_csv(path: Path, table: pd.DataFrame, float_format: str | None = None) -> None:
    """Write a table as CSV without its index, with the same bytes on every system; see whole_file.

    Args:
        path: Destination of the file.
        table: Table to write.
        float_format: Format of floats, such as `%.6g`. Defaults to the shortest text that reads back as the same
            number.
    """
    write_text(path, table.to_csv(index=False, lineterminator="\n", float_format=float_format))


def write_array(path: Path, array: npt.NDArray[Any]) -> None:
    """Write an array in NumPy's format, the same bytes as np.save; see whole_file.

    np.save hands a real file to C code that ignores whether its last buffer could be written: on a full disk it leaves
    a truncated file without an error.

    Args:
        path: Destination of the file, with the suffix .npy.
        array: Array to write, of any shape and plain dtype.

    Raises:
        OSError: The disk is full, or the file cannot be written.
    """
    with whole_file(path) as temporary, temporary.open("wb") as handle:
        np.save(_Plain(handle), array)


class _Plain:
    """A file of which NumPy sees only `write`, so that it writes through Python, which reports every error."""

    def __init__(self, handle: BinaryIO) -> None:
        self.write = handle.write


def write_archive(path: Path, **arrays: npt.NDArray[Any]) -> None:
    """Write arrays as .npz, the same bytes from the same values on every machine.

    np.savez writes headers that differ between Python 3.11.2 and 3.11.7, and np.savez_compressed bytes that differ
    between versions of zlib. Here the archive is not compressed, and its headers are stated.

    Args:
        path: Destination.
        arrays: Arrays by name; none of objects.

    Raises:
        ValueError: An array holds objects.
    """
    with whole_file(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asarray(array), version=(1, 0), allow_pickle=False)
            header = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            header.create_system = 3  # Unix, also on Windows
            archive.writestr(header, content.getvalue())


def require(path: Path, stage: str) -> Path:
    """Return `path` if it exists.

    Args:
        path: A file or folder that a stage writes.
        stage: DVC stage that writes it, such as `train@cnn`.

    Raises:
        DataError: The path does not exist; the message names the stage to run.

    >>> require(Path("none/best.json"), "search@cnn")
    Traceback (most recent call last):
    ...
    ferflow.base.errors.DataError: none/best.json is missing. Run the stage that makes it: dvc repro search@cnn.
    """
    if not path.exists():
        raise DataError(f"{path} is missing. Run the stage that makes it: dvc repro {stage}.")
    return path


@contextlib.contextmanager
def reading(path: Path, stage: str = "", *, remedy: str = "") -> Iterator[Path]:
    """Yield a file that exists; whatever its damage makes a parser raise becomes a DataError.

    What NumPy, pandas, Arrow, zipfile and PyYAML raise for a damaged file is not limited to a few types: a wrong length
    in a header can be a MemoryError, a wrong flag a NotImplementedError. Keep everything but the parsing outside.

    Args:
        path: The file.
        stage: DVC stage that writes it, such as `train@cnn`; see require.
        remedy: What to do if it is damaged. Defaults to running the stage again.

    Raises:
        DataError: The file is missing or cannot be read; the message says what to do.
    """
    if stage:
        require(path, stage)
    try:
        yield path
    except FerflowError:
        raise
    except Exception as error:
        advice = remedy or f"Run again: dvc repro -f {stage}."
        raise DataError(f"{path} cannot be read: {reason_of(error)}. {advice}") from error


def reason_of(error: Exception) -> str:
    """Return what a parser says of a damaged file, on one line and short: some quote the file at length."""
    return " ".join(str(error).split())[:200] or type(error).__name__
