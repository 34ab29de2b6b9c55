"""Split, subset and label of every image, from where it lies."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from ferflow.clean import names

_IMAGE_SUFFIXES = {
    *(
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".bmp",
        ".gif",
        ".tif",
        ".tiff",
        ".webp",
        ".pgm",
        ".ppm",
        ".pnm",
    ),
    *(".jp2", ".avif"),
}


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
    parts = [PurePosixPath(path).parts for path in paths]
    known = any(names.emotion(part) for part in {part for folders in parts for part in folders[:-1]})
    top = 0 if known else _common_depth([p for p in parts if PurePosixPath(p[-1]).suffix.lower() in _IMAGE_SUFFIXES])
    beside = {p[:at] for p in parts if (at := _emotion_at(p[:-1])) is not None} if known else set()
    return [_place(p, known, top, beside, frozenset(classes)) for p in parts]


def settle_splits(places: Sequence[Place]) -> list[Place]:
    """Take back a split that stands alone, and put out what lies beside the others' split folders.

    Where all images are in one split other than train, nothing is told, and all is left to prepare. Where some images
    have a split, those without one have no place.
    """
    found = {place.split for place in places if not place.reason}
    if len(found - {""}) == 1 and "train" not in found:
        return [replace(place, split="", subset="") for place in places]
    if len(found) > 1 and "" in found:
        stray = {"reason": "no_split", "detail": "beside the train and test folders"}
        return [replace(p, **stray) if not p.split and not p.reason else p for p in places]
    return list(places)


def label_known(label: str, classes: frozenset[str]) -> bool:
    """Return whether a label is wanted; empty `classes` accepts every one."""
    return not classes or label in classes


def _place(
    parts: tuple[str, ...], known: bool, top: int, beside: set[tuple[str, ...]], classes: frozenset[str]
) -> Place:
    folders, name = parts[:-1], parts[-1]
    at = _emotion_at(folders) if known else _own_at(folders, top)
    split, subset = _split_of(folders, at)
    subset = names.subset(name) if names.subset(name) and _fits(names.subset(name), split) else subset
    split = split or names.subset_split(subset)
    place = Place(split, subset or split)
    if at is None:
        strange = next((folders[i] for i in range(len(folders)) if folders[:i] in beside), None)
        if strange is not None:
            return replace(place, reason="unknown_class", detail=f"class {strange}")
        return replace(place, reason="outside_class", detail="in no class folder")
    label = names.emotion(folders[at]) if known else folders[at]
    if not label_known(label, classes):
        return replace(place, reason="unknown_class", detail=f"class {label}")
    return replace(place, label=label)


def _emotion_at(folders: tuple[str, ...]) -> int | None:
    return next((i for i in reversed(range(len(folders))) if names.emotion(folders[i])), None)


def _own_at(folders: tuple[str, ...], top: int) -> int | None:
    """Position of the class folder where classes have names of their own."""
    split_at = next((i for i in range(len(folders)) if names.split(folders[i])), None)
    at = top if split_at is None else split_at + 1
    return at if at < len(folders) else None


def _split_of(folders: tuple[str, ...], at: int | None) -> tuple[str, str]:
    """Split and subset by the folder nearest above the class folder, or else below it."""
    above = folders if at is None else folders[:at]
    below = () if at is None else folders[at + 1 :]
    for folder in (*reversed(above), *below):
        if names.split(folder):
            return names.split(folder), names.subset(folder)
    return "", ""


def _fits(subset: str, split: str) -> bool:
    """Whether a file's subset may stand in a folder's split: PublicTest often serves as validation."""
    return not split or (split == "train") == (subset == "Training")


def _common_depth(image_parts: Sequence[tuple[str, ...]]) -> int:
    """How many folders all images have in common at the top, one less where that would leave none for the class."""
    folders = sorted({parts[:-1] for parts in image_parts})
    if not folders:
        return 0
    first, last = folders[0], folders[-1]
    common = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return common - 1 if len(folders) == 1 and common else common
