"""What is wrong with the data, told from the manifest alone: sentences with numbers, and which images to show."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations

import pandas as pd

from ferflow.eda.choose import HELD_OUT
from ferflow.eda.text import count, listed, share, shown

MOST_IN_A_GROUP = 3  # beside each other on a phone
MEANINGS = {
    "": "nothing found",
    "link": "a link; never followed",
    "special_file": "a pipe, socket or device; never opened",
    "system_file": "hidden, or left behind by a system",
    "table": "a table; its rows have verdicts of their own",
    "outside_class": "in no class folder",
    "unknown_class": "in a folder of a class that is not asked for",
    "no_split": "beside the folders for train and test",
    "no_label": "no known emotion, or none agreed on",
    "bomb": "claims more pixels than are allowed; never decoded",
    "animated": "several frames; never decoded",
    "unreadable": "empty, cut off, damaged, or not an image",
    "wrong_size": "another size than the arrays for training",
    "wrong_mode": "colour, transparency, palette or 16 bits",
    "blank": "nearly one grey",
    "leaked_copy": "has the pixels of a test or validation image",
    "conflicting_copies": "the same pixels under several labels",
    "exact_copy": "has the pixels of another image of its split",
    "near_copy": "nearly the same picture as another",
}


@dataclass
class Group:
    """Images to show side by side.

    Attributes:
        paths: of the images, in order.
        note: a sentence under them, may be empty.
    """

    paths: list[str]
    note: str = ""


@dataclass
class Finding:
    """One kind of damage.

    Attributes:
        key: names the files of its pictures.
        title: heading.
        sentences: the finding in numbers.
        groups: what to show, the worst first.
        names: files that give no picture: path and what is known of it.
    """

    key: str
    title: str
    sentences: list[str]
    groups: list[Group] = field(default_factory=list)
    names: list[tuple[str, str]] = field(default_factory=list)


def find(manifest: pd.DataFrame, blank_std: float, most: int) -> list[Finding]:
    """Return every kind of damage that the manifest tells of, each counted over all readable images.

    Args:
        manifest: with the column `part`, sorted by path.
        blank_std: grey levels; an image that varies less is blank.
        most: examples of each kind.
    """
    # Examples come in the order of their pixels' hash, so that they are of every class and split.
    readable = manifest[manifest["group"] >= 0].sort_values(["pixels", "path"], kind="stable")
    interesting = readable[readable["std"] >= blank_std]  # blank images are copies of each other, and dull
    findings = [
        _leaks(readable, interesting, most),
        _conflicts(readable, interesting, most),
        _copies(readable, interesting, most),
        _near_copies(readable, interesting, most),
        _blanks(readable[readable["std"] < blank_std], len(readable), blank_std, most),
    ]
    told = {"", "blank", "leaked_copy", "conflicting_copies", "exact_copy", "near_copy"}
    for reason in dict.fromkeys([*MEANINGS, *sorted(manifest["reason"].unique())]):
        rows = manifest[manifest["reason"] == reason]
        if reason not in told and len(rows):
            findings.append(_plain(reason, rows, len(manifest), most))
    return findings


def _copies(readable: pd.DataFrame, interesting: pd.DataFrame, most: int) -> Finding:
    sizes = readable["pixels"].value_counts()
    sizes = sizes[sizes > 1]
    finding = Finding("copies", "Exact copies", [])
    if sizes.empty:
        finding.sentences.append(f"No two readable images of {len(readable):,} have the same pixels.")
        return finding
    redundant = int(sizes.sum()) - len(sizes)
    finding.sentences.append(
        f"{count(redundant, 'redundant copy', 'redundant copies')} in {count(len(sizes), 'group')} of images with the "
        f"very same pixels: {share(redundant, len(readable))} of the readable images. The largest group has "
        f"{sizes.max():,} images, {int((sizes == 2).sum()):,} are pairs."
    )
    groups = _groups(interesting, "pixels")
    groups = groups[groups["labels"] <= 1].sort_values("size", ascending=False, kind="stable")
    finding.groups = _shown_groups(interesting, "pixels", groups.head(most).index)
    return finding


def _conflicts(readable: pd.DataFrame, interesting: pd.DataFrame, most: int) -> Finding:
    finding = Finding("conflicts", "The same picture, different labels", [])
    everywhere = _groups(readable, "pixels")
    everywhere = everywhere[everywhere["labels"] > 1]
    if everywhere.empty:
        finding.sentences.append("No picture stands under two labels.")
        return finding
    rows = readable[readable["pixels"].isin(everywhere.index)]
    finding.sentences.append(
        f"{count(len(everywhere), 'group')} of copies with conflicting labels, {count(len(rows), 'image')} in all: "
        "no model can be right on all of them. " + _most_confused(rows, "pixels")
    )
    groups = _groups(interesting, "pixels")
    groups = groups[groups["labels"] > 1]
    groups = groups.sort_values(["labels", "size"], ascending=False, kind="stable")
    finding.groups = _shown_groups(interesting, "pixels", groups.head(most).index)
    return finding


def _leaks(readable: pd.DataFrame, interesting: pd.DataFrame, most: int) -> Finding:
    finding = Finding("leaks", "Held-out images that also stand in train", [])
    held_out = readable[readable["split"].isin(HELD_OUT)]
    if held_out.empty:
        finding.sentences.append("The data brings no test or validation images, so none can have leaked into train.")
        return finding
    leaked = held_out[held_out["copy_in_train"]]
    if leaked.empty:
        finding.sentences.append(f"None of {count(len(held_out), 'held-out image')} stands in train.")
        return finding
    by_part = held_out.groupby("part")["copy_in_train"].agg(["sum", "size"])
    each = [f"{shown(str(p))} {s:,} of {n:,} ({share(s, n)})" for p, s, n in by_part.itertuples(name=None)]
    train = readable[(readable["split"] == "train") & readable["pixels"].isin(leaked["pixels"])]
    labels = train.groupby("pixels")["label"].agg(set)
    differ = [
        label not in labels.get(key, {label}) for key, label in zip(leaked["pixels"], leaked["label"], strict=True)
    ]
    finding.sentences.append(
        f"{count(len(leaked), 'held-out image')} {'has' if len(leaked) == 1 else 'have'} an exact copy in train: "
        f"{listed(each)}. A model that learns train by heart answers them without knowing faces; "
        f"{sum(differ):,} of them {'carries' if sum(differ) == 1 else 'carry'} another label there."
    )
    visible = leaked.assign(differ=differ)[leaked["path"].isin(interesting["path"])].drop_duplicates("pixels")
    # Pairs whose labels agree are the rule and come first; a third of the room is for those that do not.
    wrong = visible[visible["differ"]].head(most // 3)
    right = visible[~visible["differ"]].head(most - len(wrong))
    for row in pd.concat([right, wrong]).itertuples():
        partners = train.loc[train["pixels"] == row.pixels, "path"].tolist()
        finding.groups.append(_group([str(row.path), *partners]))
    return finding


def _near_copies(readable: pd.DataFrame, interesting: pd.DataFrame, most: int) -> Finding:
    finding = Finding("near_copies", "Near-copies", [])
    # One image for each distinct picture: near-copies are what differs in its pixels.
    distinct = readable[readable["group"] >= 0].drop_duplicates(["group", "pixels"])
    everywhere = _groups(distinct, "group")
    if everywhere.empty:
        finding.sentences.append("No two different pictures look nearly the same to the perceptual hash.")
        return finding
    rows = readable[readable["group"].isin(everywhere.index)]
    text = (
        f"{count(len(everywhere), 'group')} of pictures that differ in their pixels and hardly to the eye, "
        f"{count(int(everywhere['size'].sum()), 'picture')} in all. Those that "
        "are kept go to one side of the validation cut together. "
    )
    differing = everywhere[everywhere["labels"] > 1]
    text += f"In {count(len(differing), 'group')} the labels differ. "
    finding.sentences.append(text + (_most_confused(rows, "group") if len(differing) else ""))
    visible = distinct[distinct["path"].isin(interesting["path"])]
    groups = _groups(visible, "group")
    groups = groups.sort_values(["labels", "size"], ascending=False, kind="stable")
    finding.groups = _shown_groups(visible, "group", groups.head(most).index)
    return finding


def _blanks(rows: pd.DataFrame, readable: int, blank_std: float, most: int) -> Finding:
    dropped = int((rows["verdict"] == "drop").sum())
    text = f"{count(len(rows), 'image')} of {readable:,} with a standard deviation below {blank_std:g} grey levels"
    text += f"; {dropped:,} dropped, {len(rows) - dropped:,} kept." if len(rows) else "."
    groups = [Group([path], detail) for path, detail in rows.head(most)[["path", "detail"]].itertuples(index=False)]
    return Finding("blank", "Blank images", [text], groups)


def _plain(reason: str, rows: pd.DataFrame, files: int, most: int) -> Finding:
    """Return the finding for a reason that is no copy: pictures where there are any, else names."""
    dropped = int((rows["verdict"] == "drop").sum())
    title = reason.replace("_", " ").capitalize()
    meaning = MEANINGS.get(reason, "")
    text = f"{count(len(rows), 'file')} ({share(len(rows), files, 2)})"
    text += f": {meaning}. " if meaning else ". "
    text += f"{dropped:,} dropped, {len(rows) - dropped:,} kept."
    readable = rows[rows["pixels"] != ""].head(most)
    names = rows[rows["pixels"] == ""].head(most)
    return Finding(
        f"reason_{reason}",
        shown(title),
        [text],
        [Group([path], detail) for path, detail in readable[["path", "detail"]].itertuples(index=False)],
        list(names[["path", "detail"]].itertuples(index=False, name=None)),
    )


def _groups(rows: pd.DataFrame, key: str) -> pd.DataFrame:
    """Return size and number of labels of every group of two or more, in the order of their first rows."""
    # Only rows that share their key at all are grouped: of tens of thousands that is a few.
    rows = rows[rows.duplicated(key, keep=False)]
    labels = rows["label"].where(rows["label"] != "")
    return pd.DataFrame(
        {
            "size": rows.groupby(key, sort=False)["path"].size(),
            "labels": labels.groupby(rows[key], sort=False).nunique(),
        }
    )


def _shown_groups(rows: pd.DataFrame, key: str, chosen: pd.Index) -> list[Group]:
    members = rows[rows[key].isin(chosen)].groupby(key)["path"].agg(list)
    labels = rows.set_index("path")["label"]
    return [_group(_varied(members[value], labels)) for value in chosen]


def _varied(paths: list[str], labels: "pd.Series[str]") -> list[str]:
    """Return the paths with one of each label first, so that a cut list still shows the conflict."""
    seen: set[str] = set()
    first: list[str] = []
    rest: list[str] = []
    for path in paths:
        (rest if labels[path] in seen else first).append(path)
        seen.add(labels[path])
    return first + rest


def _group(paths: list[str]) -> Group:
    hidden = len(paths) - MOST_IN_A_GROUP
    return Group(paths[:MOST_IN_A_GROUP], f"and {hidden:,} more" if hidden > 0 else "")


def _most_confused(rows: pd.DataFrame, key: str) -> str:
    """Return a sentence on the two labels that stand together in most groups."""
    pairs: Counter[tuple[str, str]] = Counter()
    rows = rows[rows["label"] != ""]
    for labels in rows.groupby(key)["label"].unique():
        pairs.update(combinations(sorted(labels), 2))
    if not pairs:
        return ""
    (one, other), number = min(pairs.items(), key=lambda item: (-item[1], item[0]))
    return f"Most often it is {shown(one)} or {shown(other)} ({count(number, 'group')})."
