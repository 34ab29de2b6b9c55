"""Read the faces of any folder as clean and prepare would, with the labels of folders, tables or file names."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from ferflow.base.arrays import read_split
from ferflow.base.errors import DataError
from ferflow.base.formats import IMAGE_SUFFIXES
from ferflow.clean.image_reader import Facts, read_files
from ferflow.clean.layout_parser import Place, list_raw, place_files, settle_splits
from ferflow.clean.table_parser import find_tables, read_tables
from ferflow.cross_dataset.label_codes import jaffe_label, meaning_of, subject_of
from ferflow.raw.images import read_grey
from ferflow.raw.manifest import manifest_path, set_bits
from ferflow.reporting.text import count, listed, printable
from ferflow.settings.data import Clean
from ferflow.ui.progress import progress

_SHOWN = 6  # names in a sentence

RESAMPLINGS = {"lanczos": Image.Resampling.LANCZOS, "bilinear": Image.Resampling.BILINEAR}
"""How images of another side are resized; networks of others were mostly trained with bilinear enlargement."""


@dataclass(frozen=True)
class Faces:
    """Labelled faces.

    Attributes:
        images: Grey levels, uint8 (N, side, side).
        labels: Class of each image, by its name; emotions have their canonical name.
        index: Columns id (path below the folder), subset, group (images of one person, else of the same pixels) and
            copy_in_train (always false), N rows.
        grouped_by: What the groups are, `person` or `identical image`.
        notes: Sentences on what was left out, and how labels were read.
    """

    images: npt.NDArray[np.uint8]
    labels: tuple[str, ...]
    index: pd.DataFrame
    grouped_by: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Found:
    """Images of a folder: path in the manifest, place, and what reading found."""

    path: str
    place: Place
    reason: str
    mode: str
    side: int
    std: float


def read_faces(
    folder: Path,
    side: int,
    clean: Clean,
    split: str = "test",
    labels: Mapping[str, str] | None = None,
    resampling: str = "lanczos",
) -> Faces:
    """Read the faces of a folder.

    Args:
        folder: A folder of images in class folders, with or without a folder for each split; a folder with a table of
            pixels such as fer2013.csv; the images of JAFFE; or arrays that prepare wrote.
        side: Side of the images in pixels.
        clean: Which images are too small or blank to count, and the limit on pixels. Copies are kept.
        split: Split to read, if the data has several. Defaults to test.
        labels: What labels mean, see label_codes.read_map. Defaults to names of emotions or known codes.
        resampling: A key of RESAMPLINGS, for images of another side. Defaults to that of prepare.

    Raises:
        DataError: There is no such folder, no image, no labelled image, or the meaning of the labels is not known.
    """
    if not folder.is_dir():
        raise DataError(
            f"{folder} is not a folder. Give a folder of faces: a folder for each class, such as happy/1.jpg."
        )
    if (folder / "classes.json").is_file():
        return _prepared(folder, side, split)
    found, left_out = _find(folder, clean)
    if not found:
        reasons = f" Found: {_counts(left_out)}." if left_out else " It has no image and no table of images."
        raise DataError(
            f"{folder} has no face with a label.{reasons} Expected: a folder for each class, such as happy/1.jpg, a "
            "CSV with the columns emotion and pixels, or the images of JAFFE."
        )
    notes = []
    splits = {image.place.split for image in found}
    if len(splits) > 1:
        chosen = [image for image in found if image.place.split == split]
        if not chosen:
            raise DataError(
                f"{folder} has no {split} images, but {listed(sorted(splits - {''}))}. Choose one with --split."
            )
        notes.append(f"Used: the {count(len(chosen), f'{split} image')} of {len(found):,}; --split chooses another.")
        found = chosen
    meaning, codes = meaning_of((image.place.label for image in found), labels)
    notes += [codes] if codes else []
    for image in found:
        if image.place.label not in meaning:
            left_out[f"of a label that --map does not name ({printable(image.place.label)})"] += 1
    found = [image for image in found if image.place.label in meaning]
    if not found:
        raise DataError(f"{folder}: no label is one of those that --map names ({listed(list(labels or ()))}).")
    if left_out:
        notes.append(f"Left out: {_counts(left_out)}.")
    paths = [image.path for image in found]
    greys = read_grey(folder, paths, set_bits(image.mode for image in found))
    images = np.stack([_fit(grey, side, resampling) for grey in progress(greys, len(paths), "reading faces")])
    subsets = [image.place.subset or image.place.split or "all" for image in found]
    index, grouped_by = _index(paths, subsets, images)
    return Faces(images, tuple(meaning[image.place.label] for image in found), index, grouped_by, tuple(notes))


def _fit(grey: npt.NDArray[np.uint8], side: int, resampling: str) -> npt.NDArray[np.uint8]:
    if grey.shape == (side, side):
        return grey
    return np.asarray(Image.fromarray(grey).resize((side, side), RESAMPLINGS[resampling]))


def _prepared(folder: Path, side: int, split: str) -> Faces:
    part = read_split(folder, split)
    if part.images.shape[1] != side:
        raise DataError(
            f"{folder} has prepared images of {part.images.shape[1]} pixels, but the network takes {side}. Give the "
            "folder of the original images instead."
        )
    names = tuple(part.classes[label] for label in part.labels)
    note = f"Used: the {count(len(part), f'{split} image')} of the prepared arrays; --split chooses another."
    return Faces(np.asarray(part.images), names, part.index, "identical image", (note,))


def _find(folder: Path, clean: Clean) -> tuple[list[_Found], Counter[str]]:
    """Return the usable images with a label, and how many others there are, by reason in words."""
    entries = list_raw(folder)
    tables = find_tables(folder, entries)
    entries = [tables.mark(entry) for entry in entries]
    relatives = [
        entry.relative
        for entry in entries
        if not entry.reason and PurePosixPath(entry.relative).suffix.lower() in IMAGE_SUFFIXES
    ]
    codes = [jaffe_label(PurePosixPath(relative).name) for relative in relatives]
    # JAFFE has its labels in the names of the files. A few other files, such as a stray copy, are left out.
    by_name = 2 * sum(map(bool, codes)) > len(relatives)
    if by_name:
        places = [Place(label=code, reason="" if code else "no_label") for code in codes]
    else:
        places = settle_splits(place_files(relatives))
    usable = [(relative, place) for relative, place in zip(relatives, places, strict=True) if not place.reason]
    left_out = Counter(_reason(place) for place in places if place.reason)
    facts = read_files(folder, [relative for relative, _ in usable], clean.max_pixels)
    found = _join([manifest_path(relative) for relative, _ in usable], [place for _, place in usable], facts)
    for rows in read_tables(tables, "folder"):
        found += _join(rows.paths, rows.places, rows.facts)
    for image in found:
        if reason := _unusable(image, clean):
            left_out[reason] += 1
    return [image for image in found if not _unusable(image, clean)], left_out


def _join(paths: Sequence[str], places: Sequence[Place], facts: Facts) -> list[_Found]:
    return [
        _Found(path, place, _reason(place) if place.reason else reason, mode, int(shape.min()), float(std))
        for path, place, reason, mode, shape, std in zip(
            paths, places, facts.reason, facts.mode, facts.shape, facts.std, strict=True
        )
    ]


def _reason(place: Place) -> str:
    return f"of {place.detail}" if place.reason == "unknown_class" else place.detail or "without a label"


def _unusable(image: _Found, clean: Clean) -> str:
    """Return why an image does not count, in words; empty if it does."""
    if image.reason:
        return {"bomb": "of too many pixels"}.get(image.reason, image.reason)
    if image.side < clean.min_size:
        return f"smaller than {clean.min_size} pixels"
    return "blank" if clean.blank == "drop" and image.std < clean.blank_std else ""


def _counts(left_out: Counter[str]) -> str:
    words = []
    for reason, number in left_out.most_common():
        before = reason in ("unreadable", "blank", "animated")
        words.append(count(number, f"{reason} image") if before else f"{count(number, 'image')} {reason}")
    return listed(words, limit=_SHOWN)


def _index(paths: Sequence[str], subsets: Sequence[str], images: npt.NDArray[np.uint8]) -> tuple[pd.DataFrame, str]:
    """Return the index, whose groups are people if the names of all files tell them, else identical images."""
    people = [subject_of(PurePosixPath(path).name) for path in paths]
    keys = people if all(people) else [image.tobytes() for image in images]
    groups = pd.factorize(pd.Series(keys, dtype=object))[0]
    index = pd.DataFrame({"id": paths, "subset": subsets, "group": groups.astype(np.int64), "copy_in_train": False})
    return index, "person" if all(people) else "identical image"
