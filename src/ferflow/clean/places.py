"""Split, subset and label of every image, from where it lies."""

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from ferflow.clean import names
from ferflow.raw.manifest import manifest_path

_IMAGE_SUFFIXES = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pnm"),
    *(".jp2", ".avif"),
}
Folders = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an image belongs.

    Attributes:
        split: train, validation, test, or empty.
        subset: Training, PublicTest, PrivateTest, else the split.
        label: name of the class, or empty.
        reason: outside_class, unknown_class, no_split or no_label where it belongs nowhere; else empty.
        detail: the reason in words.
    """

    split: str = ""
    subset: str = ""
    label: str = ""
    reason: str = ""
    detail: str = ""


def place_files(paths: Sequence[str], classes: Sequence[str] = ()) -> list[Place]:
    """Tell the place of every file from all paths together.

    A known emotion's folder is a class, at any depth. Where no folder is named after an emotion, the classes are the
    folders right below the split's folder, or below the folder that holds all images.

    Args:
        paths: relative to the raw folder.
        classes: the only classes to accept; empty: every class found.
    """
    split_paths = [(folder, name) for folder, _, name in (path.rpartition("/") for path in paths)]
    folders = {folder: PurePosixPath(folder).parts for folder in {folder for folder, _ in split_paths}}
    known = any(names.emotion(part) for parts in folders.values() for part in parts)
    if known:
        at = {folder: _emotion_at(parts) for folder, parts in folders.items()}
    else:
        image_folders = {
            folder for folder, name in split_paths if PurePosixPath(name).suffix.lower() in _IMAGE_SUFFIXES
        }
        top = _common_depth([folders[folder] for folder in image_folders])
        at = {folder: _own_at(parts, top) for folder, parts in folders.items()}
    beside = {folders[folder][:place] for folder, place in at.items() if place is not None} if known else set()
    of_folder = {folder: _folder_place(parts, at[folder], known, beside, classes) for folder, parts in folders.items()}
    with_subset = functools.lru_cache(maxsize=None)(_with_subset)
    return [with_subset(of_folder[folder], names.subset(name)) for folder, name in split_paths]


def place_row(label: str, detail: str, usage: str, classes: Sequence[str] = ()) -> Place:
    """Tell the place of a table's row.

    Args:
        label: name of the class; empty where the row has none.
        detail: why it has none, in words.
        usage: the row's Usage, such as PublicTest.
        classes: as for place_files.
    """
    split, subset = names.split(usage), names.subset(usage)
    place = Place(split, subset or split, label)
    if not label:
        return replace(place, reason="no_label", detail=detail)
    return _wanted(place, classes)


def settle_splits(places: Iterable[Place]) -> list[Place]:
    """Take back a split that stands alone, and put out what lies beside the others' split folders.

    Where all images are in one split other than train, nothing is told, and all is left to prepare. Where some images
    have a split, those without one have no place.
    """
    places = list(places)
    found = {place.split for place in places if not place.reason}
    if len(found) == 1 and not found & {"", "train"}:
        return [replace(place, split="", subset="") for place in places]
    if len(found) > 1 and "" in found:
        stray = Place(reason="no_split", detail="beside the train and test folders")
        return [place if place.split or place.reason else replace(stray, label=place.label) for place in places]
    return places


def _wanted(place: Place, classes: Sequence[str]) -> Place:
    plain = re.sub(r"\W+", "_", place.label.casefold())
    if not classes or plain in classes:
        return place
    return replace(place, label="", reason="unknown_class", detail=f"class {place.label}")


def _folder_place(folders: Folders, at: int | None, known: bool, beside: set[Folders], classes: Sequence[str]) -> Place:
    split, subset = _split_of(folders, at)
    place = Place(split, subset or split)
    if at is not None:
        label = names.emotion(folders[at]) if known else manifest_path(folders[at])
        return _wanted(replace(place, label=label), classes)
    strange = next((folders[i] for i in range(len(folders)) if folders[:i] in beside), None)
    if strange is not None:
        return replace(place, reason="unknown_class", detail=f"class {manifest_path(strange)}")
    return replace(place, reason="outside_class", detail="in no class folder")


def _with_subset(place: Place, subset: str) -> Place:
    """Let a file's own name tell the subset, and the split where no folder does."""
    if not subset or (place.split and (place.split == "train") != (subset == "Training")):
        return place
    return replace(place, split=place.split or names.subset_split(subset), subset=subset)


def _emotion_at(folders: Folders) -> int | None:
    return next((i for i in reversed(range(len(folders))) if names.emotion(folders[i])), None)


def _own_at(folders: Folders, top: int) -> int | None:
    """Position of the class folder where classes have names of their own."""
    split_at = next((i for i in range(len(folders)) if names.split(folders[i])), None)
    at = top if split_at is None else split_at + 1
    return at if at < len(folders) else None


def _split_of(folders: Folders, at: int | None) -> tuple[str, str]:
    """Split and subset by the folder nearest above the class folder, or else below it."""
    above = folders if at is None else folders[:at]
    below = () if at is None else folders[at + 1 :]
    for folder in (*reversed(above), *below):
        if names.split(folder):
            return names.split(folder), names.subset(folder)
    return "", ""


def _common_depth(folders: Sequence[Folders]) -> int:
    """How many folders all images have in common at the top, one less where that would leave none for the class."""
    if not folders:
        return 0
    first, last = min(folders), max(folders)
    common = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return common - 1 if first == last and common else common
