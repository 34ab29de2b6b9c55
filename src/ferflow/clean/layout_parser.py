"""Parse the layout of a raw folder: list its files, and find each image's split, subset and class from its path."""

import functools
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ferflow.base.emotions import EMOTIONS
from ferflow.base.errors import DataError
from ferflow.base.formats import IMAGE_SUFFIXES
from ferflow.raw.manifest import Reason, manifest_path

Folders = tuple[str, ...]

_SYNONYMS = {
    "anger": "angry",
    "contemptuous": "contempt",
    "disgusted": "disgust",
    **dict.fromkeys(("fearful", "afraid", "scared"), "fear"),
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}
_EMOTION_BY_WORD = {emotion: emotion for emotion in EMOTIONS} | _SYNONYMS
_SPLIT_BY_WORD = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "tst", "publictest", "privatetest"), "test"),
}
_SUBSET_BY_WORD = {"training": "Training", "publictest": "PublicTest", "privatetest": "PrivateTest"}
_SPLIT_BY_SUBSET = {"Training": "train", "PublicTest": "test", "PrivateTest": "test"}
_SYSTEM_NAMES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "$recycle.bin", "@eadir", "icon\r"}
_NOT_LETTERS = re.compile(r"[\W\d_]+")
_DATASET_AFFIX = re.compile(r"^(ferplus|fer)(?=[a-z])|(set|data|images|folder|dir)$")


@dataclass(frozen=True, slots=True)
class Entry:
    """Anything in the raw folder that is not a folder.

    Attributes:
        relative: Path below the raw folder as the system gives it, with forward slashes.
        reason: Why it is never decoded: link, special_file, system_file, table or unreadable; otherwise empty.
        detail: The reason in words.
    """

    relative: str
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """The split, subset and class of an image.

    Attributes:
        split: One of train, validation and test, or empty.
        subset: Training, PublicTest or PrivateTest; otherwise the split.
        label: Name of the class, or empty.
        reason: Why the image has no place: outside_class, unknown_class, no_split or no_label; otherwise empty.
        detail: The reason in words.
    """

    split: str = ""
    subset: str = ""
    label: str = ""
    reason: str = ""
    detail: str = ""


def list_raw(raw: Path) -> list[Entry]:
    """List everything below `raw` except folders, sorted by path, without opening or following anything.

    A folder that cannot be listed is itself an entry with the reason unreadable.

    Raises:
        DataError: The folder does not exist or cannot be listed.
    """
    if not raw.is_dir():
        raise DataError(f"{raw} is missing. Run the stage that makes it: dvc repro download.")
    entries: list[Entry] = []
    folders = [("", False)]
    while folders:
        folder, in_system_folder = folders.pop()
        try:
            items = list(os.scandir(raw / folder))
        except OSError as error:
            if not folder:
                raise DataError(f"{raw} cannot be listed: {error.strerror}. Check its permissions.") from None
            entries.append(Entry(folder, Reason.UNREADABLE.value, f"folder: {error.strerror}"))
            continue
        for item in items:
            relative = f"{folder}/{item.name}" if folder else item.name
            is_system = in_system_folder or item.name.startswith(".") or item.name.casefold() in _SYSTEM_NAMES
            try:
                if item.is_dir(follow_symlinks=False):
                    folders.append((relative, is_system))
                else:
                    entries.append(_entry(item, relative, is_system))
            except OSError as error:
                entries.append(Entry(relative, Reason.UNREADABLE.value, error.strerror or "cannot be examined"))
    return sorted(entries, key=lambda entry: entry.relative)


def emotion_of(name: str) -> str:
    """Return the canonical emotion that a name means; empty if it means none.

    >>> emotion_of("0_Anger"), emotion_of("smirk")
    ('angry', '')
    """
    return _EMOTION_BY_WORD.get(_letters(name), "")


def split_of(name: str) -> str:
    """Return train, validation or test if a name means one of them; otherwise empty.

    >>> split_of("FER2013Valid"), split_of("Training")
    ('validation', 'train')
    """
    word = _letters(name)
    return _SPLIT_BY_WORD.get(word) or _SPLIT_BY_WORD.get(_DATASET_AFFIX.sub("", _DATASET_AFFIX.sub("", word)), "")


def subset_of(name: str) -> str:
    """Return Training, PublicTest or PrivateTest if the name of a folder, file or Usage begins with it; else empty.

    >>> subset_of("PrivateTest_123.jpg")
    'PrivateTest'
    """
    start = re.split(r"[.\d]", name, maxsplit=1)[0]
    return _SUBSET_BY_WORD.get(_letters(start)) or _SUBSET_BY_WORD.get(_letters(start.partition("_")[0]), "")


def place_files(paths: Sequence[str], classes: Sequence[str] = ()) -> list[Place]:
    """Find the place of every file from all paths together.

    A folder named after an emotion is a class, at any depth. If no folder is named after an emotion, the classes are
    the folders directly below the split's folder, or below the folder that holds all images.

    Args:
        paths: Paths of the files, relative to the raw folder.
        classes: The only classes to accept. Defaults to every class found.

    >>> place_files(["train/Happiness/1.jpg"])[0].label
    'happy'
    """
    folder_and_name = [(folder, name) for folder, _, name in (path.rpartition("/") for path in paths)]
    folders = {folder: PurePosixPath(folder).parts for folder in {folder for folder, _ in folder_and_name}}
    by_emotion = any(emotion_of(part) for parts in folders.values() for part in parts)
    class_parents: set[Folders] = set()
    if by_emotion:
        depth = {folder: _emotion_depth(parts) for folder, parts in folders.items()}
        class_parents = {folders[folder][:level] for folder, level in depth.items() if level is not None}
    else:
        with_images = {
            folder for folder, name in folder_and_name if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES
        }
        common = _common_depth([folders[folder] for folder in with_images])
        depth = {folder: _custom_class_depth(parts, common) for folder, parts in folders.items()}
    of_folder = {
        folder: _place_folder(parts, depth[folder], by_emotion, class_parents, classes)
        for folder, parts in folders.items()
    }
    with_subset = functools.lru_cache(maxsize=None)(_with_subset)
    return [with_subset(of_folder[folder], subset_of(name)) for folder, name in folder_and_name]


def place_row(label: str, detail: str, usage: str, classes: Sequence[str] = ()) -> Place:
    """Find the place of a table's row.

    Args:
        label: Name of the class; empty if the row has none.
        detail: Why it has none, in words.
        usage: The row's Usage, such as PublicTest.
        classes: The only classes to accept. Defaults to every class found.
    """
    split, subset = split_of(usage), subset_of(usage)
    place = Place(split, subset or split, label)
    if not label:
        return replace(place, reason=Reason.NO_LABEL.value, detail=detail)
    return _only_requested(place, classes)


def settle_splits(places: Iterable[Place]) -> list[Place]:
    """Discard a lone split other than train, and reject images without a split if others have one.

    If all images are in one split other than train, that split is ignored, so that prepare splits the data. If some
    images have a split, those without one are rejected as no_split.
    """
    places = list(places)
    found = {place.split for place in places if not place.reason}
    if len(found) == 1 and not found & {"", "train"}:
        return [replace(place, split="", subset="") for place in places]
    if len(found) > 1 and "" in found:
        stray = Place(reason=Reason.NO_SPLIT.value, detail="beside the train and test folders")
        return [place if place.split or place.reason else replace(stray, label=place.label) for place in places]
    return places


def _entry(item: "os.DirEntry[str]", relative: str, is_system: bool) -> Entry:
    if item.is_symlink():
        return Entry(relative, Reason.LINK.value, f"to {manifest_path(str(Path(item.path).readlink()))}")
    if not item.is_file(follow_symlinks=False):
        return Entry(relative, Reason.SPECIAL_FILE.value, "pipe, socket or device")
    return Entry(relative, Reason.SYSTEM_FILE.value) if is_system else Entry(relative)


@functools.lru_cache(maxsize=4096)
def _letters(name: str) -> str:
    return _NOT_LETTERS.sub("", name.casefold())


def _only_requested(place: Place, classes: Sequence[str]) -> Place:
    plain = re.sub(r"\W+", "_", place.label.casefold())  # as datasets.<name>.classes writes it
    if not classes or plain in classes:
        return place
    return replace(place, label="", reason=Reason.UNKNOWN_CLASS.value, detail=f"class {place.label}")


def _place_folder(
    folders: Folders, depth: int | None, by_emotion: bool, class_parents: set[Folders], classes: Sequence[str]
) -> Place:
    """Return the place of the files in a folder; `depth` is the position of its class folder."""
    split, subset = _folder_split(folders, depth)
    place = Place(split, subset or split)
    if depth is not None:
        label = emotion_of(folders[depth]) if by_emotion else manifest_path(folders[depth])
        return _only_requested(replace(place, label=label), classes)
    # A folder next to class folders is probably a class too, only not a known one.
    unknown = next((folders[i] for i in range(len(folders)) if folders[:i] in class_parents), None)
    if unknown is not None:
        return replace(place, reason=Reason.UNKNOWN_CLASS.value, detail=f"class {manifest_path(unknown)}")
    return replace(place, reason=Reason.OUTSIDE_CLASS.value, detail="in no class folder")


def _with_subset(place: Place, subset: str) -> Place:
    """Apply a file's own subset, and the split that follows from it if no folder defines one."""
    if not subset or (place.split and (place.split == "train") != (subset == "Training")):
        return place
    return replace(place, split=place.split or _SPLIT_BY_SUBSET[subset], subset=subset)


def _emotion_depth(folders: Folders) -> int | None:
    return next((i for i in reversed(range(len(folders))) if emotion_of(folders[i])), None)


def _custom_class_depth(folders: Folders, common: int) -> int | None:
    """Return the position of the class folder where classes have custom names; None if there is none."""
    split_depth = next((i for i in range(len(folders)) if split_of(folders[i])), None)
    depth = common if split_depth is None else split_depth + 1
    return depth if depth < len(folders) else None


def _folder_split(folders: Folders, depth: int | None) -> tuple[str, str]:
    """Return split and subset by the nearest folder above the class folder, or else below it."""
    above = folders if depth is None else folders[:depth]
    below = () if depth is None else folders[depth + 1 :]
    for folder in (*reversed(above), *below):
        if split_of(folder):
            return split_of(folder), subset_of(folder)
    return "", ""


def _common_depth(folders: Sequence[Folders]) -> int:
    """Return how many top folders all images share, one less if that would leave no folder for the class."""
    if not folders:
        return 0
    first, last = min(folders), max(folders)
    common = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return common - 1 if first == last and common else common
