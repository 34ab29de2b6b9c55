"""The damage in the data according to the manifest: sentences with numbers, and which images to show."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations

import pandas as pd

from ferflow.eda.image_survey import HELD_OUT
from ferflow.raw.manifest import Reason
from ferflow.reporting.text import count, listed, percent_of, printable

IMAGES_PER_GROUP = 3  # fit side by side on a phone
# Reasons with a finding of their own; each of the others gets a plain one.
DETAILED_REASONS = {
    "",
    Reason.BLANK,
    Reason.LEAKED_COPY,
    Reason.CONFLICTING_COPIES,
    Reason.EXACT_COPY,
    Reason.NEAR_COPY,
}


@dataclass
class ImageGroup:
    """Images to show side by side.

    Attributes:
        paths: Paths of the images, in order.
        note: Sentence below them, may be empty.
    """

    paths: list[str]
    note: str = ""


@dataclass
class DamageFinding:
    """One kind of damage.

    Attributes:
        key: Name in the files of its pictures.
        title: Heading.
        sentences: Sentences with its numbers.
        groups: Images to show, the most serious first.
        names: Path and detail of files that cannot be shown.
    """

    key: str
    title: str
    sentences: list[str]
    groups: list[ImageGroup] = field(default_factory=list)
    names: list[tuple[str, str]] = field(default_factory=list)


def find_damage(manifest: pd.DataFrame, blank_std: float, limit: int) -> list[DamageFinding]:
    """Return every kind of damage in the manifest, each counted over all readable images.

    Args:
        manifest: Manifest with the column `part`, sorted by path.
        blank_std: Standard deviation in grey levels below which an image is blank.
        limit: Maximum number of examples of each kind.
    """
    # Examples are in the order of the hash of their pixels, so that they come from all classes and splits.
    readable = manifest[manifest["group"] >= 0].sort_values(["pixels", "path"], kind="stable")
    interesting = readable[readable["std"] >= blank_std]  # blank images are copies of each other, and show nothing
    findings = [
        _leaks(readable, interesting, limit),
        _conflicts(readable, interesting, limit),
        _copies(readable, interesting, limit),
        _near_copies(readable, interesting, limit),
        _blanks(readable[readable["std"] < blank_std], len(readable), blank_std, limit),
    ]
    for reason in dict.fromkeys([*(reason.value for reason in Reason), *sorted(manifest["reason"].unique())]):
        rows = manifest[manifest["reason"] == reason]
        if reason not in DETAILED_REASONS and len(rows):
            findings.append(_other(reason, rows, len(manifest), limit))
    return findings


def _copies(readable: pd.DataFrame, interesting: pd.DataFrame, limit: int) -> DamageFinding:
    sizes = readable["pixels"].value_counts()
    sizes = sizes[sizes > 1]
    finding = DamageFinding("copies", "Exact copies", [])
    if sizes.empty:
        finding.sentences.append(f"No two readable images of {len(readable):,} have the same pixels.")
        return finding
    redundant = int(sizes.sum()) - len(sizes)
    finding.sentences.append(
        f"{count(redundant, 'redundant copy', 'redundant copies')} in {count(len(sizes), 'group')} of images with "
        f"identical pixels: {percent_of(redundant, len(readable))} of the readable images. The largest group has "
        f"{sizes.max():,} images; {count(int((sizes == 2).sum()), 'group')} of {len(sizes):,} are pairs."
    )
    groups = _groups(interesting, "pixels")
    groups = groups[groups["labels"] <= 1].sort_values("size", ascending=False, kind="stable")
    finding.groups = _example_groups(interesting, "pixels", groups.head(limit).index)
    return finding


def _conflicts(readable: pd.DataFrame, interesting: pd.DataFrame, limit: int) -> DamageFinding:
    finding = DamageFinding("conflicts", "Identical images with different labels", [])
    everywhere = _groups(readable, "pixels")
    everywhere = everywhere[everywhere["labels"] > 1]
    if everywhere.empty:
        finding.sentences.append("No image occurs with two labels.")
        return finding
    rows = readable[readable["pixels"].isin(everywhere.index)]
    finding.sentences.append(
        f"{count(len(everywhere), 'group')} of copies with conflicting labels, {count(len(rows), 'image')} in all: "
        "no model can classify all of them correctly. " + _most_confused(rows, "pixels")
    )
    groups = _groups(interesting, "pixels")
    groups = groups[groups["labels"] > 1]
    groups = groups.sort_values(["labels", "size"], ascending=False, kind="stable")
    finding.groups = _example_groups(interesting, "pixels", groups.head(limit).index)
    return finding


def _leaks(readable: pd.DataFrame, interesting: pd.DataFrame, limit: int) -> DamageFinding:
    finding = DamageFinding("leaks", "Held-out images that are also in train", [])
    held_out = readable[readable["split"].isin(HELD_OUT)]
    if held_out.empty:
        finding.sentences.append(
            "The data has no test or validation split, so no held-out image can have leaked into train."
        )
        return finding
    leaked = held_out[held_out["copy_in_train"]]
    if leaked.empty:
        finding.sentences.append(f"None of {count(len(held_out), 'held-out image')} is also in train.")
        return finding
    by_part = held_out.groupby("part")["copy_in_train"].agg(["sum", "size"])
    each = [f"{printable(str(p))} {s:,} of {n:,} ({percent_of(s, n)})" for p, s, n in by_part.itertuples(name=None)]
    train = readable[(readable["split"] == "train") & readable["pixels"].isin(leaked["pixels"])]
    labels = train.groupby("pixels")["label"].agg(set)
    differ = [
        label not in labels.get(key, {label}) for key, label in zip(leaked["pixels"], leaked["label"], strict=True)
    ]
    finding.sentences.append(
        f"{count(len(leaked), 'held-out image')} {'has' if len(leaked) == 1 else 'have'} an exact copy in train: "
        f"{listed(each, limit=8)}. A model that memorizes train classifies them correctly without generalizing; "
        f"{sum(differ):,} of them {'has' if sum(differ) == 1 else 'have'} another label there."
    )
    visible = leaked.assign(differ=differ)[leaked["path"].isin(interesting["path"])].drop_duplicates("pixels")
    # Pairs with the same label are the rule and come first; a third of the examples is for the others.
    differing = visible[visible["differ"]].head(limit // 3)
    agreeing = visible[~visible["differ"]].head(limit - len(differing))
    for row in pd.concat([agreeing, differing]).itertuples():
        partners = train.loc[train["pixels"] == row.pixels, "path"].tolist()
        finding.groups.append(_group([str(row.path), *partners]))
    return finding


def _near_copies(readable: pd.DataFrame, interesting: pd.DataFrame, limit: int) -> DamageFinding:
    finding = DamageFinding("near_copies", "Near-copies", [])
    # One image for each set of identical pixels: near-copies differ in some pixels.
    distinct = readable[readable["group"] >= 0].drop_duplicates(["group", "pixels"])
    everywhere = _groups(distinct, "group")
    if everywhere.empty:
        finding.sentences.append("No two distinct images have a similar perceptual hash.")
        return finding
    rows = readable[readable["group"].isin(everywhere.index)]
    text = (
        f"{count(len(everywhere), 'group')} of images with similar perceptual hashes and different pixels, "
        f"{count(int(everywhere['size'].sum()), 'image')} in all. The kept images of a group stay on the same "
        "side of the validation split. "
    )
    differing = everywhere[everywhere["labels"] > 1]
    text += f"In {count(len(differing), 'group')} the labels differ. "
    finding.sentences.append(text + (_most_confused(rows, "group") if len(differing) else ""))
    visible = distinct[distinct["path"].isin(interesting["path"])]
    groups = _groups(visible, "group")
    groups = groups.sort_values(["labels", "size"], ascending=False, kind="stable")
    finding.groups = _example_groups(visible, "group", groups.head(limit).index)
    return finding


def _blanks(rows: pd.DataFrame, readable: int, blank_std: float, limit: int) -> DamageFinding:
    dropped = int((rows["verdict"] == "drop").sum())
    text = f"{count(len(rows), 'image')} of {readable:,} with a standard deviation below {blank_std:g} grey levels"
    text += f"; {dropped:,} dropped, {len(rows) - dropped:,} kept." if len(rows) else "."
    groups = [
        ImageGroup([path], detail) for path, detail in rows.head(limit)[["path", "detail"]].itertuples(index=False)
    ]
    return DamageFinding("blank", "Blank images", [text], groups)


def _other(reason: str, rows: pd.DataFrame, files: int, limit: int) -> DamageFinding:
    """Return the finding for any other reason: pictures of readable files and names of the others."""
    dropped = int((rows["verdict"] == "drop").sum())
    title = reason.replace("_", " ").capitalize()
    meaning = reason_meaning(reason)
    text = f"{count(len(rows), 'file')} ({percent_of(len(rows), files, 2)})"
    text += f": {meaning}. " if meaning else ". "
    text += f"{dropped:,} dropped, {len(rows) - dropped:,} kept."
    readable = rows[rows["pixels"] != ""].head(limit)
    names = rows[rows["pixels"] == ""].head(limit)
    return DamageFinding(
        f"reason_{reason}",
        printable(title),
        [text],
        [ImageGroup([path], detail) for path, detail in readable[["path", "detail"]].itertuples(index=False)],
        list(names[["path", "detail"]].itertuples(index=False, name=None)),
    )


def reason_meaning(reason: str) -> str:
    """Return what a reason of the manifest means; empty for one that this version does not know."""
    meanings = {"": "no finding", **{known.value: known.meaning for known in Reason}}
    return meanings.get(reason, "")


def _groups(rows: pd.DataFrame, key: str) -> pd.DataFrame:
    """Return size and number of labels of every group of at least two images, in the order of their first rows."""
    # Only rows that share their key are grouped: a few out of tens of thousands, which is much faster.
    rows = rows[rows.duplicated(key, keep=False)]
    labels = rows["label"].where(rows["label"] != "")
    return pd.DataFrame(
        {
            "size": rows.groupby(key, sort=False)["path"].size(),
            "labels": labels.groupby(rows[key], sort=False).nunique(),
        }
    )


def _example_groups(rows: pd.DataFrame, key: str, chosen: pd.Index) -> list[ImageGroup]:
    members = rows[rows[key].isin(chosen)].groupby(key)["path"].agg(list)
    labels = rows.set_index("path")["label"]
    return [_group(_labels_first(members[value], labels)) for value in chosen]


def _labels_first(paths: list[str], labels: "pd.Series[str]") -> list[str]:
    """Return the paths with one of each label first, so that a shortened list still shows the conflict."""
    seen: set[str] = set()
    first: list[str] = []
    rest: list[str] = []
    for path in paths:
        (rest if labels[path] in seen else first).append(path)
        seen.add(labels[path])
    return first + rest


def _group(paths: list[str]) -> ImageGroup:
    hidden = len(paths) - IMAGES_PER_GROUP
    return ImageGroup(paths[:IMAGES_PER_GROUP], f"and {hidden:,} more" if hidden > 0 else "")


def _most_confused(rows: pd.DataFrame, key: str) -> str:
    """Return a sentence on the two labels that occur together in the most groups."""
    pairs: Counter[tuple[str, str]] = Counter()
    rows = rows[rows["label"] != ""]
    for labels in rows.groupby(key)["label"].unique():
        pairs.update(combinations(sorted(labels), 2))
    if not pairs:
        return ""
    (one, other), number = min(pairs.items(), key=lambda item: (-item[1], item[0]))
    return f"The most frequent pair of labels is {printable(one)} and {printable(other)} ({count(number, 'group')})."
