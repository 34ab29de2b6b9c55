"""The way from a dataset's entry in params.yaml to the raw folder and its receipt."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from ferflow.base.errors import DownloadError
from ferflow.base.files import whole_folder
from ferflow.download import folders
from ferflow.download.archives import unpack
from ferflow.download.budget import disk_errors
from ferflow.download.kaggle import fetch, forget
from ferflow.download.receipt import Receipt, look_over
from ferflow.download.streams import DamagedError
from ferflow.settings import AnyDataset, KaggleDataset, LocalDataset, SampleDataset, Unpack


def acquire(
    name: str,
    dataset: AnyDataset,
    *,
    raw: Path,
    cache: Path,
    limits: Unpack,
    seed: int,
    environment: Mapping[str, str],
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
        environment: of the kaggle client.
        archive: an archive, a CSV or a folder to take in place of a download.

    Raises:
        DownloadError: the data could not be had; `raw` is then as it was.
    """
    with disk_errors(raw.parent):
        _sweep(raw)
        return _acquire(name, dataset, raw, cache, limits, seed, environment, archive)


def _acquire(
    name: str,
    dataset: AnyDataset,
    raw: Path,
    cache: Path,
    limits: Unpack,
    seed: int,
    environment: Mapping[str, str],
    archive: Path | None,
) -> Receipt:
    if isinstance(dataset, SampleDataset):
        if archive is not None:
            raise DownloadError(
                f"dataset {name!r} is drawn by the program, and yet an archive is named: {archive.name}. Say which "
                "dataset the archive is, as in: make repro DATASET=fer2013 ARCHIVE=..."
            )
        return _draw(name, dataset, raw, seed)
    if archive is None:
        if isinstance(dataset, KaggleDataset):
            return _download(name, dataset, raw, cache, limits, environment)
        archive = _own_path(name, dataset)
    archive = archive.expanduser()
    if archive.is_dir():
        return _copy(name, dataset, archive, raw)
    if archive.is_file():  # a pipe would be waited on for ever
        return _unpack(name, dataset, archive, raw, limits)
    raise folders.missing(archive)


def _own_path(name: str, dataset: LocalDataset) -> Path:
    if dataset.path is None:
        raise DownloadError(
            f"dataset {name!r} needs your images: name an archive or a folder, as in make repro DATASET={name} "
            f"ARCHIVE=path, or set datasets.{name}.path in params.yaml."
        )
    return Path(dataset.path)


def _draw(name: str, dataset: SampleDataset, raw: Path, seed: int) -> Receipt:
    from ferflow.faces import write_sample  # numpy and Pillow are not needed for the other sources

    with whole_folder(raw) as temporary:
        write_sample(temporary, dataset.images, dataset.emotions, dataset.damage, seed)
        origin = f"ferflow.faces, seed {seed}"
        digest = folders.fingerprint(temporary)
        found = look_over(temporary, origin)
    return Receipt(name, "sample", origin, digest, dataset.licence, found.files, found.bytes)


def _download(
    name: str, dataset: KaggleDataset, raw: Path, cache: Path, limits: Unpack, environment: Mapping[str, str]
) -> Receipt:
    slug = dataset.dataset

    def once() -> Receipt:
        fetched = fetch(slug, cache, environment)
        entry = dataset.model_copy(update={"licence": fetched.licence or dataset.licence})
        try:
            return _unpack(name, entry, fetched.archive, raw, limits, source="kaggle", origin=slug)
        except DamagedError:
            forget(slug, cache)
            raise

    try:
        receipt = once()
    except DamagedError as error:  # the client may have gone on from a part that was not sound
        print(f"{error} Starting again.", file=sys.stderr, flush=True)
        receipt = once()
    forget(slug, cache)
    return receipt


def _unpack(
    name: str,
    dataset: AnyDataset,
    archive: Path,
    raw: Path,
    limits: Unpack,
    source: str = "archive",
    origin: str | None = None,
) -> Receipt:
    digest = folders.fingerprint(archive)
    _check(name, dataset, digest)
    with whole_folder(raw) as temporary:
        unpack(archive, temporary, limits)
        found = look_over(temporary, archive.name)
    return Receipt(name, source, origin or archive.name, digest, dataset.licence, found.files, found.bytes)


def _copy(name: str, dataset: AnyDataset, folder: Path, raw: Path) -> Receipt:
    if raw.resolve().is_relative_to(folder.resolve()):
        raise DownloadError(f"{str(folder)!r} holds the project's own {raw}. Name the folder of the images alone.")
    origin = folder.resolve().name if folder.name in ("", "..") else folder.name
    with whole_folder(raw) as temporary:
        digest, left_out = folders.copy(folder, temporary)
        _check(name, dataset, digest)
        found = look_over(temporary, origin, left_out)
    return Receipt(name, "folder", origin, digest, dataset.licence, found.files, found.bytes, left_out)


def _check(name: str, dataset: AnyDataset, digest: str) -> None:
    expected = None if isinstance(dataset, SampleDataset) else dataset.sha256
    if expected is not None and digest != expected:
        raise DamagedError(
            f"Wrong checksum: datasets.{name}.sha256 in params.yaml expects {expected}, and this has {digest}. It is "
            "damaged or another version. Get it again, or set the key to null to accept any."
        )


def _sweep(raw: Path) -> None:
    """Remove what a run that was killed left beside the raw folder."""
    for leftover in raw.parent.glob(f".{raw.name}.*"):
        shutil.rmtree(leftover)
