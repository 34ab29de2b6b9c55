"""The receipt of a download, and the check that the raw folder contains images or a table."""

import warnings
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PIL import Image

from ferflow.base.errors import DownloadError
from ferflow.base.formats import DECODER_ERRORS, FORMATS, IMAGE_SUFFIXES
from ferflow.download import folders
from ferflow.download.unpack import quoted

_SUFFIXES = IMAGE_SUFFIXES | {".csv"}
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")


@dataclass(frozen=True)
class Receipt:
    """What the raw data is; the stage writes it to `reports/download/receipt.json`.

    Attributes:
        dataset: Name of the dataset in params.yaml.
        source: How the data was obtained: sample, kaggle, archive or folder.
        origin: owner/name on Kaggle (with /version if params.yaml requests one), the name of the archive or folder, or
            the generator of the sample and its seed.
        sha256: Digest that `fingerprint` returns for the archive or folder; for the sample, for the raw folder.
        licence: Licence that Kaggle stated with the download, or None if the data did not come from Kaggle or no
            licence was stated. The licence in params.yaml is not repeated here, so rewording it changes no receipt.
        files: Number of files in the raw folder.
        bytes: Total size of these files in bytes.
        left_out: Number of links, devices and the like in the user's folder that were not copied. Defaults to 0.
    """

    dataset: str
    source: str
    origin: str
    sha256: str
    licence: str | None
    files: int
    bytes: int
    left_out: int = 0


@dataclass(frozen=True)
class Contents:
    """Size of a filled raw folder.

    Attributes:
        files: Number of files.
        bytes: Total size of the files in bytes.
    """

    files: int
    bytes: int


def count_contents(folder: Path, origin: str, left_out: int = 0) -> Contents:
    """Count the files of a filled raw folder.

    Args:
        folder: The raw folder.
        origin: Name of the source, for the error message.
        left_out: Number of links and the like that were not copied, for the error message. Defaults to 0.

    Raises:
        DownloadError: Judged by suffix and header, no file is an image or a CSV.
    """
    names = folders.walk(folder).files
    if not any(_may_hold_images(folder, name) for name in names):
        links = f" (links and devices, which are not followed: {left_out})" if left_out else ""
        nested = next((name for name in names if name.lower().endswith(_ARCHIVES)), None)
        hint = f" It contains another archive, {quoted(nested)}: unpack it and pass that one." if nested else ""
        raise DownloadError(
            f"No images found: {origin} contains no image and no CSV. Received: {len(names)} files{links}. Pass the "
            f"archive or folder that contains the faces, one folder per emotion: ARCHIVE=path.{hint}"
        )
    return Contents(len(names), sum((folder / name).stat().st_size for name in names))


def _may_hold_images(folder: Path, name: str) -> bool:
    path = PurePosixPath(name)
    if any(part.startswith(".") or part == "__MACOSX" for part in path.parts):
        return False
    if path.suffix.lower() in _SUFFIXES:
        return True
    # Only files without a usual suffix get here; clean, which reads whatever their names, decides by the same list.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes that clean judges
            Image.open(folder / name, formats=FORMATS).close()
    except Image.DecompressionBombError:
        return True
    except DECODER_ERRORS:
        return False
    return True
