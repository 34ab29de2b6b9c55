"""Parse the layout of a raw folder: list its files, and find each image's split, subset and class from its path."""

import functools
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ferflow.base.errors import DataError
from ferflow.base.formats import IMAGE_SUFFIXES
from ferflow.base.links import cached_file
from ferflow.raw.class_names import emotion_of, letters, requested_class
from ferflow.raw.manifest import Reason, manifest_path

Folders = tuple[str, ...]

_SPLIT_BY_WORD = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "tst", "publictest", "privatetest"), "test"),
}
_SUBSET_BY_WORD = {"training": "Training", "publictest": "PublicTest", "privatetest": "PrivateTest"}
_SPLIT_BY_SUBSET = {"Training": "train", "PublicTest": "test", "PrivateTest": "test"}
_SYSTEM_NAMES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "$recycle.bin", "@eadir", "icon\r"}
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
        name: The folder or label that is no class, if that is the reason; otherwise empty.
        source: The folder that holds the image's whole set: all above its split and its class; empty for rows.
        split_name: Name of the folder that gives the split; empty if there is none.
    """

    split: str = ""
    subset: str = ""
    label: str = ""
    reason: str = ""
    detail: str = ""
    name: str = ""
    source: str = ""
    split_name: str = ""


def list_raw(raw: Path) -> list[Entry]:
    """List everything below `raw` except folders, sorted by path, without opening or following anything.

    A folder that cannot be listed is itself an entry with the reason unreadable. A link that DVC made of its cache is
    listed as the file that it stands for.

    Raises:
        DataError: The folder does not exist or cannot be listed, or a file is missing in DVC's cache.
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


def split_of(name: str) -> str:
    """Return train, validation or test if a name means one of them; otherwise empty.

    >>> split_of("FER2013Valid"), split_of("Training")
    ('validation', 'train')
    """
    word = letters(name)
    return _SPLIT_BY_WORD.get(word) or _SPLIT_BY_WORD.get(_DATASET_AFFIX.sub("", _DATASET_AFFIX.sub("", word)), "")


def subset_of(name: str) -> str:
    """Return Training, PublicTest or PrivateTest if the name of a folder, file or Usage begins with it; else empty.

    >>> subset_of("PrivateTest_123.jpg")
    'PrivateTest'
    """
    start = re.split(r"[.\d]", name, maxsplit=1)[0]
    return _SUBSET_BY_WORD.get(letters(start)) or _SUBSET_BY_WORD.get(letters(start.partition("_")[0]), "")


def place_files(paths: Sequence[str], classes: Sequence[str] = ()) -> list[Place]:
    """Find the place of every file from all paths together.

    A folder named after an emotion is a class, at any depth. If no folder is named after an emotion, the classes are
    the folders directly below the split's folder, or below the folder that holds all images.

    Args:
        paths: Paths of the files, relative to the raw folder.
        classes: The only classes to accept, see requested_class; a class has the name that stands here. Defaults to
            every class found.

    >>> place_files(["train/Happiness/1.jpg"])[0].label
    'happy'
    >>> place_files(["train/Happiness/1.jpg", "train/calm/2.jpg"], ["calm", "happiness"])[0].label
    'happiness'
    """
    folder_and_name = [(folder, name) for folder, _, name in (path.rpartition("/") for path in paths)]
    folders = {folder: PurePosixPath(folder).parts for folder in {folder for folder, _ in folder_and_name}}
    by_emotion = any(emotion_of(part) for parts in folders.values() for part in parts)
    depth: dict[str, int | None]
    if by_emotion:
        depth = {folder: _last(parts, emotion_of) for folder, parts in folders.items()}
    else:
        with_images = {
            folder for folder, name in folder_and_name if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES
        }
        common = _common_depth([folders[folder] for folder in with_images])
        depth = {folder: _custom_class_depth(parts, common) for folder, parts in folders.items()}
    label_of: Callable[[str], str] = emotion_of if by_emotion else manifest_path
    if classes:
        label_of = functools.lru_cache(maxsize=None)(functools.partial(requested_class, classes=classes))
        for folder, parts in folders.items():
            requested = _last(parts, label_of)
            depth[folder] = depth[folder] if requested is None else requested
    class_parents: set[Folders] = set()
    if by_emotion or classes:
        class_parents = {folders[folder][:level] for folder, level in depth.items() if level is not None}
    of_folder = {
        folder: _place_folder(parts, depth[folder], label_of, class_parents) for folder, parts in folders.items()
    }
    with_subset = functools.lru_cache(maxsize=None)(_with_subset)
    return [with_subset(of_folder[folder], subset_of(name)) for folder, name in folder_and_name]


def place_row(label: str, detail: str, usage: str, name: str = "") -> Place:
    """Find the place of a table's row.

    Args:
        label: Name of the class; empty if the row has none.
        detail: Why it has none, in words.
        usage: The row's Usage, such as PublicTest.
        name: The row's label in the table, if that is a word. Defaults to none.
    """
    split, subset = split_of(usage), subset_of(usage)
    place = Place(split, subset or split, label)
    if label:
        return place
    known = bool(emotion_of(name))  # and so it is only not requested
    reason = Reason.UNKNOWN_CLASS if known else Reason.NO_LABEL
    return replace(place, reason=reason.value, detail=f"class {name}" if known else detail, name=name)


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
    if item.is_symlink() and (cached := cached_file(item.path)):
        if not Path(cached).is_file():
            raise DataError(
                f"{item.path} is a link into DVC's cache, which lacks the file. Get it back, then run again: "
                "dvc pull, or dvc repro -f download."
            )
    elif item.is_symlink():
        return Entry(relative, Reason.LINK.value, f"to {manifest_path(str(Path(item.path).readlink()))}")
    elif not item.is_file(follow_symlinks=False):
        return Entry(relative, Reason.SPECIAL_FILE.value, "pipe, socket or device")
    return Entry(relative, Reason.SYSTEM_FILE.value) if is_system else Entry(relative)


def _place_folder(
    folders: Folders, depth: int | None, label_of: Callable[[str], str], class_parents: set[Folders]
) -> Place:
    """Return the place of the files in a folder; `depth` is the position of its class folder."""
    split_depth = _split_depth(folders, depth)
    split_name = "" if split_depth is None else folders[split_depth]
    split, subset = split_of(split_name), subset_of(split_name)
    top = min(level for level in (depth, split_depth, len(folders)) if level is not None)
    place = Place(split, subset or split, source="/".join(folders[:top]), split_name=split_name)
    unknown = None
    if depth is not None:
        label = label_of(folders[depth])
        if label:
            return replace(place, label=label)
        unknown = folders[depth]
    # A folder next to class folders is probably a class too, only not a known one.
    unknown = unknown or next((folders[i] for i in range(len(folders)) if folders[:i] in class_parents), None)
    if unknown is None:
        return replace(place, reason=Reason.OUTSIDE_CLASS.value, detail="in no class folder")
    name = manifest_path(unknown)
    return replace(place, reason=Reason.UNKNOWN_CLASS.value, detail=f"class {name}", name=name)


def _with_subset(place: Place, subset: str) -> Place:
    """Apply a file's own subset, and the split that follows from it if no folder defines one."""
    if not subset or (place.split and (place.split == "train") != (subset == "Training")):
        return place
    return replace(place, split=place.split or _SPLIT_BY_SUBSET[subset], subset=subset)


def _last(folders: Folders, label_of: Callable[[str], str]) -> int | None:
    """Return the position of the last folder that has a label; None if none has."""
    return next((i for i in reversed(range(len(folders))) if label_of(folders[i])), None)


def _custom_class_depth(folders: Folders, common: int) -> int | None:
    """Return the position of the class folder where classes have custom names; None if there is none."""
    split_depth = next((i for i in range(len(folders)) if split_of(folders[i])), None)
    depth = common if split_depth is None else split_depth + 1
    return depth if depth < len(folders) else None


def _split_depth(folders: Folders, depth: int | None) -> int | None:
    """Return the position of the folder that gives the split: the nearest above the class folder, or else below it."""
    class_depth = len(folders) if depth is None else depth
    above, below = reversed(range(class_depth)), range(class_depth + 1, len(folders))
    return next((i for i in (*above, *below) if split_of(folders[i])), None)


def _common_depth(folders: Sequence[Folders]) -> int:
    """Return how many top folders all images share, one less if that would leave no folder for the class."""
    if not folders:
        return 0
    first, last = min(folders), max(folders)
    common = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return common - 1 if first == last and common else common
