"""From what was found in the images to one verdict and one reason each."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.clean.copies import by_appearance, group_numbers
from ferflow.settings.data import Clean

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_AUTHORITY = {"test": 2, "validation": 1, "train": 0, "": 0}  # a copy stays in the split of the highest


def judge(images: pd.DataFrame, settings: Clean) -> pd.DataFrame:
    """Give every readable image its verdict, reason, detail, group and copy_in_train.

    Findings are made in the order of REASONS. Each looks only at the images that those before it left, so that of
    several copies one stays. No policy but wrong_size and wrong_mode drops a test or validation image, save a
    validation image with the pixels of a test image.

    Args:
        images: readable images in place, sorted by path; the manifest's columns from path to phash.
        settings: the policies.

    Returns:
        `images` with the columns named above filled in.
    """
    pixels = by_appearance(_text(images["pixels"]))
    label = by_appearance(_text(images["label"]))
    authority = images["split"].map(_AUTHORITY).to_numpy(np.int64)
    trained = authority == 0
    blank = images["std"].to_numpy() < settings.blank_std
    group = group_numbers(pixels, images["phash"].to_numpy(np.uint64), blank, settings.near_copy_bits)
    found = _Findings(len(images))
    paths = _text(images["path"])

    sizes = np.array([f"{w}x{h}" for w, h in zip(images["width"], images["height"], strict=True)], object)
    side = settings.image_size
    found.add("wrong_size", sizes != f"{side}x{side}", settings.wrong_size == "drop", sizes)
    found.add("wrong_mode", _text(images["mode"]) != "L", settings.wrong_mode == "drop", _text(images["mode"]))
    spread = np.array([f"standard deviation {value:.2f}" for value in images["std"]], object)
    found.add("blank", blank, trained & (settings.blank == "drop"), spread)

    highest = np.zeros(_count(pixels), np.int64)
    np.maximum.at(highest, pixels, authority)
    leaked = authority < highest[pixels]
    original = _first(pixels, authority == highest[pixels])[pixels]
    found.add("leaked_copy", leaked, settings.leaked_copies == "drop", _named(paths, original))

    # Labels are compared within one split, lest a test label decide what is trained on.
    copies = by_appearance(pixels * 3 + authority)
    first = _first(copies, np.ones(len(copies), bool))[copies]
    other = _first(copies, label != label[first])[copies]  # -1 where all labels agree
    rival = np.where(label == label[first], other, first)
    loser: Bools | bool = settings.conflicting_copies == "drop_all"
    if settings.conflicting_copies == "majority":
        loser = ~_majority(copies, label, found.kept)
    found.add("conflicting_copies", other >= 0, trained & loser, _named(paths, rival))

    same = by_appearance(copies * _count(label) + label)
    first = _first(same, found.kept)[same]
    repeated = (first >= 0) & (first != np.arange(len(first)))
    found.add("exact_copy", repeated, trained & (settings.exact_copies == "drop"), _named(paths, first))

    mates = _first(group, found.kept & (authority > 0))[group]
    mates = np.where(mates >= 0, mates, _first(group, found.kept)[group])
    near = _mixed(group, pixels)[group] & ~blank
    relative = _other_pixels(group, pixels, found.kept)
    repeated = near & (mates != np.arange(len(mates)))
    found.add("near_copy", near, trained & repeated & (settings.near_copies == "drop"), _named(paths, relative))

    images = images.assign(verdict=np.where(found.kept, "keep", "drop"), reason=found.reason, detail=found.detail)
    in_train = np.zeros(_count(pixels), bool)
    in_train[pixels[_text(images["split"]) == "train"]] = True
    return images.assign(group=group, copy_in_train=in_train[pixels] & ~trained)


class _Findings:
    """One reason for each image: the first that drops it, else the first that it is kept with."""

    def __init__(self, count: int) -> None:
        self.kept = np.ones(count, bool)
        self.reason = np.full(count, "", object)
        self.detail = np.full(count, "", object)

    def add(self, reason: str, found: Bools, drop: Bools | bool, detail: npt.NDArray[np.object_]) -> None:
        """Note that `reason` holds where `found`, and drops the image where also `drop`."""
        found = found & self.kept
        dropped = found & drop
        named = dropped | (found & (self.reason == ""))
        self.reason[named] = reason
        self.detail[named] = detail[named]
        self.kept &= ~dropped


def _text(column: "pd.Series[str]") -> npt.NDArray[np.object_]:
    return column.to_numpy(dtype=object)


def _count(numbers: Ints) -> int:
    return int(numbers.max(initial=-1)) + 1


def _first(key: Ints, among: Bools) -> Ints:
    """Return for each key the first position among those where `among`, or -1."""
    first = np.full(_count(key), -1, np.int64)
    positions = np.flatnonzero(among)[::-1]
    first[key[positions]] = positions
    return first


def _mixed(key: Ints, value: Ints) -> Bools:
    """Return for each key whether it has several values."""
    first = value[_first(key, np.ones(len(key), bool))]
    mixed = np.zeros(len(first), bool)
    mixed[key[value != first[key]]] = True
    return mixed


def _other_pixels(group: Ints, pixels: Ints, kept: Bools) -> Ints:
    """Return for each image a member of its group with other pixels, a kept one if there is any."""
    everyone = np.ones(len(group), bool)
    relative = np.full(len(group), -1, np.int64)
    for among in (kept, everyone):
        first = _first(group, among)[group]
        second = _first(group, among & (pixels != pixels[first]))[group]
        candidate = np.where((first >= 0) & (pixels != pixels[first]), first, second)
        relative = np.where(relative >= 0, relative, candidate)
    return relative


def _majority(copies: Ints, label: Ints, kept: Bools) -> Bools:
    """Return whether each image's label is the one that most kept copies have; a tie has no majority."""
    key = copies * _count(label) + label
    votes = np.bincount(key[kept], minlength=_count(copies) * _count(label)).reshape(-1, _count(label))
    most = votes.max(axis=1)
    single = (votes == most[:, None]).sum(axis=1) == 1
    wins: Bools = single[copies] & (votes[copies, label] == most[copies])
    return wins


def _named(paths: npt.NDArray[np.object_], positions: Ints) -> npt.NDArray[np.object_]:
    """Return the paths at `positions`, empty at -1."""
    return np.where(positions >= 0, paths[positions], "").astype(object)
