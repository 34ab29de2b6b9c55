"""What clean leaves out because of its name or place: what stops the run, and what is said on the screen."""

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

import pandas as pd
import yaml

from ferflow.base.errors import DataError
from ferflow.base.formats import IMAGE_SUFFIXES
from ferflow.clean.layout_parser import Place
from ferflow.raw.class_names import EMOTION_WORDS, letters
from ferflow.raw.manifest import Reason, manifest_path, table_row

_SHOWN = 6  # names in a sentence
_MIN_SHARE = 0.01  # of the images with a class; an unknown folder with fewer is hardly a class of its own
_MIN_UNREADABLE = 10  # fewer unreadable files are ordinary damage, which the counts by reason cover
_PLACES = {
    Reason.LINK: "links, which are not followed",
    Reason.UNKNOWN_CLASS: "images of classes that are unknown or not requested",
    Reason.OUTSIDE_CLASS: "images in no class folder",
    Reason.NO_SPLIT: "images in class folders next to the train and test folders",
    Reason.NO_LABEL: "table rows without a class",
}


def check_classes(images: Iterable[Place], classes: Sequence[str]) -> None:
    """Check that no class of the user's is lost: neither one that params.yaml names, nor one next to the emotions.

    Args:
        images: Place of every file that may be an image, and of every table row.
        classes: The only classes to accept. Defaults of params.yaml: none, for every class found.

    Raises:
        DataError: No image has a class that params.yaml names, or folders next to those of the emotions have images
            too, at least 1 % of all, and params.yaml does not say whether they are classes.
    """
    places = list(images)
    found = Counter(place.label for place in places if not place.reason)
    unknown = Counter(place.name for place in places if place.reason and place.name)
    missing = [name for name in classes if not found[name]]
    if missing:
        hints = "".join(_near(name, unknown) for name in missing)
        raise DataError(
            f"datasets.<name>.labels.classes in params.yaml names classes without any image: {', '.join(missing)}."
            f"{hints} Received: {_counted(found + unknown) or 'no class at all'}. Correct the names, or rename the "
            "folders."
        )
    large = {name: number for name, number in unknown.items() if number >= max(2, _MIN_SHARE * found.total())}
    if classes or not large or not found:
        return
    hints = "".join(_near(name, EMOTION_WORDS) for name in sorted(large))
    raise DataError(
        f"Next to the emotions there are folders or labels that are no known emotion: {_counted(Counter(large))}."
        f"{hints} Known: {_counted(found)}. Say in params.yaml which classes to use, so that none is lost.\n"
        f"  To use all, under their own names:  {_setting([*found, *large])}\n"
        f"  To leave the unknown ones out:      {_setting(found)}"
    )


def describe_left_out(manifest: pd.DataFrame, names: dict[str, str], unused_tables: dict[str, str]) -> list[str]:
    """Return sentences on the images that have no place and the files that cannot be read, most important first.

    Args:
        manifest: One row for every raw file, with verdicts.
        names: The unknown class of each path, as far as that is why it is left out.
        unused_tables: Why each CSV file is not used, as a sentence without its subject.
    """
    sentences = [f"{manifest_path(name)} {why}." for name, why in sorted(unused_tables.items())[:_SHOWN]]
    dropped = manifest[manifest["verdict"] == "drop"]
    for reason, what in _PLACES.items():
        rows = dropped.loc[dropped["reason"] == reason.value, ["path", "detail"]].itertuples(index=False)
        counts = Counter(
            names.get(path) or (detail if table_row(path) is not None else path.rpartition("/")[0] or "top folder")
            for path, detail in rows
            if reason == Reason.LINK or table_row(path) is not None or may_be_image(path)
        )
        if counts:
            hints = "".join(_near(name, EMOTION_WORDS) for name in sorted(counts)[:_SHOWN] if name in names.values())
            sentences.append(f"Not used: {what}, {counts.total():,} in all: {_counted(counts)}.{hints}")
    is_unreadable = dropped["reason"] == Reason.UNREADABLE.value
    details = dropped.loc[is_unreadable & ~dropped["path"].isin(map(manifest_path, unused_tables)), "detail"]
    unreadable = Counter(detail.partition(" (")[0] for detail in details)  # without what is one image's own
    if unreadable.total() >= _MIN_UNREADABLE or (unreadable and not (manifest["verdict"] == "keep").any()):
        sentences.append(f"Not used: unreadable files or rows, {unreadable.total():,} in all: {_counted(unreadable)}.")
    return sentences


def may_be_image(path: str) -> bool:
    """Return whether a file's name allows an image: it has an image's suffix, or none.

    >>> [may_be_image(name) for name in ("a/1.JPG", "a/1", "a/readme.txt")]
    [True, True, False]
    """
    return PurePosixPath(path).suffix.lower() in IMAGE_SUFFIXES | {""}


def _counted(counts: "Counter[str]") -> str:
    """Return names with their counts, most frequent first, shortened to a few."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    listed = [f"{name} ({number:,})" for name, number in ordered[:_SHOWN] if number]
    return ", ".join(listed + [f"{len(ordered) - _SHOWN} more"] * (len(ordered) > _SHOWN))


def _near(name: str, known: Iterable[str]) -> str:
    """Return a question with the known name that resembles `name`, with a leading space; empty if none does."""
    by_letters = {letters(word): word for word in known}
    close = difflib.get_close_matches(letters(name), list(by_letters), n=1, cutoff=0.75)
    return f" Did you mean {by_letters[close[0]]} by {name}?" if close and by_letters[close[0]] != name else ""


def _setting(classes: Iterable[str]) -> str:
    """Return the setting in params.yaml for these classes."""
    names = yaml.safe_dump(sorted(classes), default_flow_style=True, allow_unicode=True, width=10_000).strip()
    return f"labels: {{kind: folder, classes: {names}}}"
