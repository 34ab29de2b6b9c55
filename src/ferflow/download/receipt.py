"""The receipt: what the raw data is, and that there are images in it at all."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ferflow.base.errors import DownloadError
from ferflow.download import folders
from ferflow.download.names import shown

_SUFFIXES = frozenset(
    {".bmp", ".csv", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm"}
    | {".tif", ".tiff", ".webp"}
)
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"P5", b"P6", b"RIFF")


@dataclass(frozen=True)
class Receipt:
    """What the raw data is; written to `reports/download/receipt.json`.

    Attributes:
        dataset: its name in params.yaml.
        source: how it came: sample, kaggle, archive or folder.
        origin: owner/name on Kaggle (with /version where params.yaml asks for one), the archive's or folder's own
            name, or the generator.
        sha256: as `fingerprint` gives it, of the archive or folder; for the sample, of the raw folder.
        licence: as Kaggle states it with a download, else as params.yaml does.
        files: how many there are in the raw folder.
        bytes: how many these have.
        left_out: links, devices and the like in the user's folder that were not copied.
    """

    dataset: str
    source: str
    origin: str
    sha256: str
    licence: str
    files: int
    bytes: int
    left_out: int = 0


@dataclass(frozen=True)
class Contents:
    """What stands in a filled raw folder."""

    files: int
    bytes: int


def look_over(folder: Path, origin: str, left_out: int = 0) -> Contents:
    """Count what is in a filled raw folder.

    Args:
        folder: the raw folder.
        origin: names its source in the error.
        left_out: links and the like that were not copied into it.

    Raises:
        DownloadError: no file in it looks like an image or a CSV, by its suffix or its first bytes.
    """
    names, _ = folders.walk(folder)
    if not any(_may_hold_images(folder, name) for name in names):
        links = f", {left_out} links or devices that are not followed" if left_out else ""
        nested = next((name for name in names if name.lower().endswith(_ARCHIVES)), None)
        hint = f" It holds another archive, {shown(nested)}: unpack it, and name that one." if nested else ""
        raise DownloadError(
            f"No images: {origin} holds {len(names)} files{links}, and no image or CSV among them. Name the "
            f"archive or folder that has the faces, in a folder for each emotion.{hint}"
        )
    return Contents(len(names), sum((folder / name).stat().st_size for name in names))


def _may_hold_images(folder: Path, name: str) -> bool:
    path = PurePosixPath(name)
    if any(part.startswith(".") or part == "__MACOSX" for part in path.parts):
        return False
    if path.suffix.lower() in _SUFFIXES:
        return True
    with (folder / name).open("rb") as handle:
        return handle.read(4).startswith(_MAGIC)
