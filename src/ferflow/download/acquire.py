"""Fill the raw folder from a dataset's source in params.yaml, and describe the result in a receipt."""

import errno
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ferflow.base.errors import DownloadError
from ferflow.base.files import whole_folder
from ferflow.download import folders
from ferflow.download.archive_reader import DamagedError
from ferflow.download.kaggle_download import fetch, forget
from ferflow.download.receipt import Receipt, count_contents
from ferflow.download.unpack import unpack
from ferflow.settings.datasets import AnySource, KaggleSource, LocalSource, SampleSource, Unpack


def acquire(
    dataset_name: str,
    source: AnySource,
    *,
    raw: Path,
    cache: Path,
    limits: Unpack,
    seed: int,
    environment: Mapping[str, str],
    archive: Path | None = None,
) -> Receipt:
    """Fill the raw folder, completely or not at all.

    Args:
        dataset_name: Name of the dataset in params.yaml.
        source: The dataset's `source:` in params.yaml.
        raw: Folder to fill; on success its previous content is removed.
        cache: Folder for unfinished downloads, so that an interrupted one can be resumed.
        limits: Limits against archive bombs.
        seed: Seed of the built-in sample.
        environment: Environment variables of the kaggle client.
        archive: Archive, CSV or folder to use instead of the source in params.yaml. Defaults to none.

    Returns:
        What the raw folder now contains and where it came from.

    Raises:
        DownloadError: The data could not be obtained; `raw` is then unchanged.
    """
    with _convert_disk_errors(raw.parent):
        _remove_leftovers(raw)
        if isinstance(source, SampleSource):
            if archive is not None:
                raise DownloadError(
                    f"The dataset {dataset_name!r} is drawn by FERflow and takes no archive. Received: "
                    f"ARCHIVE={archive.name}. Name the dataset that it contains: make repro DATASET=fer2013 ARCHIVE=..."
                )
            return _draw(dataset_name, source, raw, seed)
        if archive is None:
            if isinstance(source, KaggleSource):
                return _download(dataset_name, source, raw, cache, limits, environment)
            archive = _local_path(dataset_name, source)
        archive = archive.expanduser()
        if archive.is_dir():
            return _copy(dataset_name, source, archive, raw)
        if archive.is_file():  # reading a pipe would wait forever
            return _unpack(dataset_name, source, archive, raw, limits)
        raise folders.missing(archive)


def _local_path(dataset_name: str, source: LocalSource) -> Path:
    if source.path is None:
        raise DownloadError(
            f"The dataset {dataset_name!r} needs your images. Pass an archive or a folder: make repro "
            f"DATASET={dataset_name} ARCHIVE=path. Or set datasets.{dataset_name}.source.path in params.yaml."
        )
    return Path(source.path)


def _draw(dataset_name: str, source: SampleSource, raw: Path, seed: int) -> Receipt:
    from ferflow.faces import write_sample  # imports OpenCV, which the other sources do not need

    with whole_folder(raw) as temporary:
        write_sample(temporary, source.images, source.emotions, source.damage, seed)
        origin = f"ferflow.faces, seed {seed}"
        digest = folders.fingerprint(temporary)
        contents = count_contents(temporary, origin)
    return Receipt(dataset_name, "sample", origin, digest, None, contents.files, contents.bytes)


def _download(
    dataset_name: str,
    source: KaggleSource,
    raw: Path,
    cache: Path,
    limits: Unpack,
    environment: Mapping[str, str],
) -> Receipt:
    def download_and_unpack() -> Receipt:
        with _convert_disk_errors(cache):
            fetched = fetch(source.dataset, cache, environment)
        try:
            return _unpack(
                dataset_name, source, fetched.archive, raw, limits, "kaggle", source.dataset, fetched.licence
            )
        except DamagedError:
            forget(source.dataset, cache)
            raise

    try:
        receipt = download_and_unpack()
    except DamagedError as error:  # the client may have resumed from a damaged part, so one fresh download is tried
        print(f"{error} Downloading again from the beginning.", file=sys.stderr, flush=True)
        receipt = download_and_unpack()
    forget(source.dataset, cache)
    return receipt


def _unpack(
    dataset_name: str,
    source: AnySource,
    archive: Path,
    raw: Path,
    limits: Unpack,
    kind: str = "archive",
    origin: str | None = None,
    licence: str | None = None,
) -> Receipt:
    digest = folders.fingerprint(archive)
    _check_digest(dataset_name, source, digest)
    with whole_folder(raw) as temporary:
        unpack(archive, temporary, limits)
        contents = count_contents(temporary, archive.name)
    return Receipt(dataset_name, kind, origin or archive.name, digest, licence, contents.files, contents.bytes)


def _copy(dataset_name: str, source: AnySource, folder: Path, raw: Path) -> Receipt:
    if raw.resolve().is_relative_to(folder.resolve()):
        raise DownloadError(
            f"The folder {str(folder)!r} contains the project's own {raw}, which cannot be its own source. Pass a "
            "folder that contains only the images: ARCHIVE=path."
        )
    origin = folder.resolve().name if folder.name in ("", "..") else folder.name
    with whole_folder(raw) as temporary:
        digest, left_out = folders.copy(folder, temporary)
        _check_digest(dataset_name, source, digest)
        contents = count_contents(temporary, origin, left_out)
    return Receipt(dataset_name, "folder", origin, digest, None, contents.files, contents.bytes, left_out)


def _check_digest(dataset_name: str, source: AnySource, digest: str) -> None:
    expected = None if isinstance(source, SampleSource) else source.sha256
    if expected is not None and digest != expected:
        raise DamagedError(
            f"Wrong checksum: datasets.{dataset_name}.source.sha256 in params.yaml requires {expected}. Received: "
            f"{digest}. The data is damaged or another version. Get it again, or remove the key to accept any version."
        )


def _remove_leftovers(raw: Path) -> None:
    """Remove the temporary folders that a killed run left next to the raw folder."""
    raw = raw.resolve() if raw.is_symlink() else raw
    for leftover in raw.parent.glob(f".{raw.name}.*"):
        shutil.rmtree(leftover)


@contextmanager
def _convert_disk_errors(folder: Path) -> Iterator[None]:
    """Convert the errors of a full or unwritable disk to a DownloadError; `folder` is being filled."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # not raised by the operating system
            raise
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DownloadError(
                f"{error.filename or folder} cannot be read or written: {error.strerror}. Check its permissions and "
                "the disk, then run again."
            ) from None
        raise DownloadError(
            f"The disk is full: {folder} could not be written ({error.strerror}). Incomplete files were removed. Free "
            "some space, or move the project to a larger disk, then run again."
        ) from None
