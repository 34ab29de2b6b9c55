"""The way from a dataset's entry in params.yaml to the raw folder and its receipt."""

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ferflow.config import AnyDataset, LocalDataset, SampleDataset, Unpack
from ferflow.download import folders
from ferflow.download.archives import unpack
from ferflow.errors import DownloadError
from ferflow.files import sha256, whole_folder

_IMAGE_SUFFIXES = frozenset(
    ".bmp .gif .jfif .jpe .jpeg .jpg .jp2 .pbm .pgm .png .pnm .ppm .tif .tiff .webp".split()  # and tables below
)
_TABLE_SUFFIXES = frozenset({".csv"})
_IMAGE_MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"P5", b"P6", b"RIFF")


@dataclass(frozen=True)
class Receipt:
    """What the raw data is; written to `reports/download/receipt.json`.

    Attributes:
        dataset: its name in params.yaml.
        source: how it came: sample, kaggle, archive or folder.
        origin: owner/name on Kaggle (with /version where one is asked for), the archive's or folder's own name, or the
            generator.
        sha256: of the archive, see folders.fingerprint; for the sample, of the raw folder.
        licence: as params.yaml or, for a download, Kaggle states it.
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
    left_out: int


def acquire(
    name: str,
    dataset: AnyDataset,
    raw: Path,
    cache: Path,
    limits: Unpack,
    seed: int,
    archive: Path | None = None,
) -> Receipt:
    """Fill the raw folder, whole or not at all.

    Args:
        name: of the dataset in params.yaml.
        dataset: its entry.
        raw: the folder to fill; what it held before goes.
        cache: a folder for unfinished downloads, so that they can go on after a break.
        limits: against archive bombs.
        seed: of the built-in sample.
        archive: an archive, a CSV or a folder to take in place of a download.

    Raises:
        DownloadError: the data could not be had; `raw` is then as it was.
    """
    _sweep(raw)
    if isinstance(dataset, SampleDataset):
        if archive is not None:
            raise DownloadError(
                f"dataset {name!r} is drawn by the program, and an archive is named too ({archive.name}). Say which "
                "dataset the archive is, as in: make repro DATASET=fer2013 ARCHIVE=..."
            )
        return _draw(name, dataset, raw, seed)
    if archive is None and isinstance(dataset, LocalDataset):
        if dataset.path is None:
            raise DownloadError(
                f"dataset {name!r} needs your images: name an archive or a folder, as in make repro DATASET={name} "
                f"ARCHIVE=path, or set datasets.{name}.path in params.yaml."
            )
        archive = Path(dataset.path)
    if archive is not None:
        return _take(name, dataset, archive.expanduser(), raw, limits)
    raise DownloadError(f"Download {dataset.dataset} from kaggle.com yourself, and name it with ARCHIVE=.")


def _draw(name: str, dataset: SampleDataset, raw: Path, seed: int) -> Receipt:
    from ferflow.faces import write_sample

    with whole_folder(raw) as temporary:
        write_sample(temporary, dataset.images, dataset.emotions, dataset.damage, seed)
        return _receipt(temporary, name, "sample", f"ferflow.faces, seed {seed}", None, dataset.licence)


def _take(name: str, dataset: AnyDataset, archive: Path, raw: Path, limits: Unpack) -> Receipt:
    if not archive.exists():
        raise folders.missing(archive)
    origin = archive.resolve().name if archive.name in ("", "..") else archive.name
    if archive.is_dir():
        if raw.resolve().is_relative_to(archive.resolve()):
            raise DownloadError(
                f"{str(archive)!r} holds the project's own {raw}. Name the folder of the images alone."
            )
        with whole_folder(raw) as temporary:
            digest, left_out = folders.copy(archive, temporary)
            _check(name, dataset, digest)
            return _receipt(temporary, name, "folder", origin, digest, dataset.licence, left_out)
    digest = _file_digest(archive)
    _check(name, dataset, digest)
    with whole_folder(raw) as temporary:
        unpack(archive, temporary, limits)
        return _receipt(temporary, name, "archive", origin, digest, dataset.licence)


def _file_digest(archive: Path) -> str:
    try:
        return sha256(archive)
    except PermissionError as error:
        raise folders.unreadable(error) from None


def _check(name: str, dataset: AnyDataset, digest: str) -> None:
    expected = getattr(dataset, "sha256", None)
    if expected is not None and digest != expected:
        raise DownloadError(
            f"wrong checksum: datasets.{name}.sha256 in params.yaml expects {expected}, and this has {digest}. The "
            "archive is damaged or another version. Get it again, or set the key to null to accept any."
        )


def _receipt(
    folder: Path, name: str, source: str, origin: str, digest: str | None, licence: str, left_out: int = 0
) -> Receipt:
    names, _ = folders.walk(folder)
    if not any(_may_hold_images(folder, path) for path in names):
        links = f" ({left_out} links or devices in it were not followed)" if left_out else ""
        raise DownloadError(
            f"{origin} holds {len(names)} files{links}, and no image or CSV among them. Name the archive or folder "
            "that has the faces, in a folder for each emotion."
        )
    size = sum((folder / path).stat().st_size for path in names)
    digest = digest or folders.fingerprint(folder)
    return Receipt(name, source, origin, digest, licence, len(names), size, left_out)


def _may_hold_images(folder: Path, name: str) -> bool:
    path = PurePosixPath(name)
    if any(part.startswith(".") or part == "__MACOSX" for part in path.parts):
        return False
    if path.suffix.lower() in _IMAGE_SUFFIXES | _TABLE_SUFFIXES:
        return True
    with (folder / name).open("rb") as handle:
        return handle.read(4).startswith(_IMAGE_MAGIC)


def _sweep(raw: Path) -> None:
    """Remove what a run that was killed left beside the raw folder."""
    for leftover in raw.parent.glob(f".{raw.name}.*"):
        with contextlib.suppress(NotADirectoryError):
            shutil.rmtree(leftover)
