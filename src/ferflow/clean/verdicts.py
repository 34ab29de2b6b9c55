"""Derive one verdict and one reason for each image from what was found in all of them."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.clean.copy_groups import by_appearance, group_numbers
from ferflow.raw.manifest import Reason
from ferflow.settings.data import Clean

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_SPLIT_RANK = {"test": 2, "validation": 1, "train": 0, "": 0}  # of copies in several splits, the highest rank stays


def judge(images: pd.DataFrame, settings: Clean, image_size: int) -> pd.DataFrame:
    """Give every readable image its verdict, reason, detail, group and copy_in_train.

    Findings are made in the order of Reason. Each considers only the images that earlier ones kept, so that one of
    several copies stays. Only too_small, wrong_size and wrong_mode can drop a test or validation image, with one
    exception: a validation image with the pixels of a test image.

    Args:
        images: Readable images with a place, sorted by path; the manifest's columns from path to phash.
        settings: Thresholds and policies.
        image_size: Expected side of the images in pixels.

    Returns:
        `images` with the columns named above filled in.
    """
    pixels = by_appearance(_text(images["pixels"]))
    label = by_appearance(_text(images["label"]))
    rank = images["split"].map(_SPLIT_RANK).to_numpy(np.int64)
    is_train = rank == 0
    blank = images["std"].to_numpy() < settings.blank_std
    group = group_numbers(pixels, images["phash"].to_numpy(np.uint64), blank, settings.near_copy_bits)
    findings = _Findings(len(images))
    paths = _text(images["path"])

    sizes = np.array([f"{w}x{h}" for w, h in zip(images["width"], images["height"], strict=True)], object)
    too_small = images[["width", "height"]].min(axis=1).to_numpy() < settings.min_size
    findings.add(Reason.TOO_SMALL, too_small, True, sizes)
    other_size = sizes != f"{image_size}x{image_size}"
    findings.add(Reason.WRONG_SIZE, other_size, settings.wrong_size == "drop", sizes)
    mode = _text(images["mode"])
    findings.add(Reason.WRONG_MODE, mode != "L", settings.wrong_mode == "drop", mode)
    spread = np.array([f"standard deviation {value:.2f}" for value in images["std"]], object)
    findings.add(Reason.BLANK, blank, is_train & (settings.blank == "drop"), spread)

    # Leaks count even where the copy in the higher split was dropped above: that split's raw images stay unseen.
    highest = np.zeros(_count(pixels), np.int64)
    np.maximum.at(highest, pixels, rank)
    leaked = rank < highest[pixels]
    original = _first(pixels, rank == highest[pixels])[pixels]
    findings.add(Reason.LEAKED_COPY, leaked, settings.leaked_copies == "drop", _paths_at(paths, original))

    # Labels are compared within one split only, so that no test label decides what is trained on.
    copies = by_appearance(pixels * 3 + rank)
    first = _first(copies, np.ones(len(copies), bool))[copies]
    other = _first(copies, label != label[first])[copies]  # -1 if all labels agree
    contradicting = np.where(label == label[first], other, first)
    outvoted: Bools | bool = settings.conflicting_copies == "drop_all"
    if settings.conflicting_copies == "majority":
        outvoted = ~_has_majority_label(copies, label, findings.kept)
    findings.add(Reason.CONFLICTING_COPIES, other >= 0, is_train & outvoted, _paths_at(paths, contradicting))

    same = by_appearance(copies * _count(label) + label)
    first = _first(same, findings.kept)[same]
    repeated = (first >= 0) & (first != np.arange(len(first)))
    drop = is_train & (settings.exact_copies == "drop")
    findings.add(Reason.EXACT_COPY, repeated, drop, _paths_at(paths, first))

    # One image represents its group: a test or validation image if there is any, otherwise the first kept one.
    representative = _first(group, findings.kept & (rank > 0))[group]
    representative = np.where(representative >= 0, representative, _first(group, findings.kept)[group])
    near = _has_several(group, pixels)[group] & ~blank
    relative = _other_pixels(group, pixels, findings.kept)
    redundant = near & (representative != np.arange(len(representative)))
    drop = is_train & redundant & (settings.near_copies == "drop")
    findings.add(Reason.NEAR_COPY, near, drop, _paths_at(paths, relative))

    in_train = np.zeros(_count(pixels), bool)
    in_train[pixels[_text(images["split"]) == "train"]] = True
    return images.assign(
        verdict=np.where(findings.kept, "keep", "drop"),
        reason=findings.reason,
        detail=findings.detail,
        group=group,
        copy_in_train=in_train[pixels] & ~is_train,
    )


class _Findings:
    """One reason for each image: the first that drops it, or else the first that applies."""

    def __init__(self, count: int) -> None:
        self.kept = np.ones(count, bool)
        self.reason = np.full(count, "", object)
        self.detail = np.full(count, "", object)

    def add(self, reason: Reason, found: Bools, drop: Bools | bool, detail: npt.NDArray[np.object_]) -> None:
        """Record `reason` for the images in `found` that are still kept, and drop those that are also in `drop`."""
        found = found & self.kept
        dropped = found & drop
        named = dropped | (found & (self.reason == ""))
        self.reason[named] = reason.value
        self.detail[named] = detail[named]
        self.kept &= ~dropped


def _text(column: "pd.Series[str]") -> npt.NDArray[np.object_]:
    return column.to_numpy(dtype=object)


def _count(numbers: Ints) -> int:
    """Return how many numbers there are from 0 to the largest."""
    return int(numbers.max(initial=-1)) + 1


def _first(key: Ints, among: Bools) -> Ints:
    """Return for each key the first position where `among` is true, or -1 if there is none: int64, (keys,)."""
    first = np.full(_count(key), -1, np.int64)
    positions = np.flatnonzero(among)[::-1]  # reversed, because the last assignment to a key wins
    first[key[positions]] = positions
    return first


def _has_several(key: Ints, value: Ints) -> Bools:
    """Return for each key whether it occurs with several values: bool, (keys,)."""
    first = value[_first(key, np.ones(len(key), bool))]
    several = np.zeros(len(first), bool)
    several[key[value != first[key]]] = True
    return several


def _other_pixels(group: Ints, pixels: Ints, kept: Bools) -> Ints:
    """Return for each image the position of a member of its group with other pixels, a kept one if there is any."""
    everyone = np.ones(len(group), bool)
    relative = np.full(len(group), -1, np.int64)
    for among in (kept, everyone):
        # The group's first member serves all images but its own copies; for those, the first member unlike it.
        first = _first(group, among)[group]
        second = _first(group, among & (pixels != pixels[first]))[group]
        candidate = np.where((first >= 0) & (pixels != pixels[first]), first, second)
        relative = np.where(relative >= 0, relative, candidate)
    return relative


def _has_majority_label(copies: Ints, label: Ints, kept: Bools) -> Bools:
    """Return whether each image has the most frequent label of its kept copies; a tie has no majority."""
    key = copies * _count(label) + label
    votes = np.bincount(key[kept], minlength=_count(copies) * _count(label)).reshape(-1, _count(label))
    highest = votes.max(axis=1)
    unique = (votes == highest[:, None]).sum(axis=1) == 1
    wins: Bools = unique[copies] & (votes[copies, label] == highest[copies])
    return wins


def _paths_at(paths: npt.NDArray[np.object_], positions: Ints) -> npt.NDArray[np.object_]:
    """Return the paths at `positions`; empty text for -1."""
    return np.where(positions >= 0, paths[positions], "").astype(object)
