"""The section on FER+: how the labels agree with the votes of ten people (Barsoum et al. 2016)."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ferflow.eda import charts
from ferflow.eda.choose import rows_of
from ferflow.eda.page import Files, Gallery, Section, inline
from ferflow.eda.survey import Survey
from ferflow.eda.text import count, share, shown
from ferflow.raw.ferplus import EMOTIONS

# Column of votes: what it means, in the order that settles ties.
ANSWERS = {**EMOTIONS, "unknown": "unknown", "nf": "not a face"}


@dataclass(frozen=True)
class Ballot:
    """The votes on the images that have both votes and a label.

    Attributes:
        rows: sorted by path: path, label; `answer`, which has most votes; `winning`, how many those are; `agreeing`,
            how many are for the label; `cast`, how many there are.
        contradicted: paths of the images where no one voted for the label, the most agreed on first.
    """

    rows: pd.DataFrame
    contradicted: list[str]


def count_votes(manifest: pd.DataFrame, votes: pd.DataFrame | None) -> Ballot | None:
    """Join the votes with the labels.

    Args:
        manifest: as clean wrote it.
        votes: `path` as in the manifest, then ferflow.raw.ferplus.COLUMNS; None: there are none.

    Returns:
        None where no image has both.
    """
    if votes is None:
        return None
    labelled = manifest.loc[(manifest["label"] != "") & (manifest["pixels"] != ""), ["path", "label"]]
    joined = labelled.merge(votes, on="path", validate="one_to_one").sort_values("path", ignore_index=True)
    numbers = joined[list(ANSWERS)].to_numpy(np.int64)
    joined, numbers = joined[numbers.sum(axis=1) > 0], numbers[numbers.sum(axis=1) > 0]
    if joined.empty:
        return None
    answers = np.array(list(ANSWERS.values()), dtype=object)
    own = answers[None, :] == joined["label"].to_numpy(dtype=object)[:, None]
    rows = joined[["path", "label"]].assign(
        answer=answers[numbers.argmax(axis=1)],
        winning=numbers.max(axis=1),
        agreeing=np.where(own, numbers, 0).sum(axis=1),
        cast=numbers.sum(axis=1),
    )
    against = rows[(rows["agreeing"] == 0) & (rows["answer"] != rows["label"])]
    return Ballot(rows, against.sort_values(["winning", "path"], ascending=[False, True])["path"].tolist())


def section(ballot: Ballot, most: int, seen: Survey, files: Files) -> Section:
    """Return the section.

    Args:
        ballot: from count_votes.
        most: pictures to show.
        seen: holds the pictures of the contradicted labels.
        files: takes `votes.png`, `unanimity.png` and `votes.csv`.
    """
    rows = ballot.rows
    matrix = pd.crosstab(rows["label"], rows["answer"])
    known = [name for name in matrix.index if name in ANSWERS.values()]
    others = [name for name in ANSWERS.values() if name in matrix.columns and name not in known]
    matrix = matrix.reindex(columns=[name for name in known if name in matrix.columns] + others)
    files.tables["votes"] = matrix.rename_axis("label").reset_index()
    result = Section("votes", "What ten people say", paired=True)
    labels = Section("agreement", "Labels and votes", _agreement(rows))
    alt = "Table in colours: of the images of each label, the share in percent that most people gave each answer."
    labels.blocks.append(files.chart("votes", charts.agreement(matrix), alt))
    people = Section("unanimity", "How much people agree", _unanimity(rows))
    alt = "Bars: images by the share of the votes that the first answer has."
    people.blocks.append(files.chart("unanimity", charts.histogram(rows["winning"] / rows["cast"]), alt))
    against = Section("contradicted", "Labels that no one gave")
    number = len(ballot.contradicted)
    against.findings.append(
        f"For {count(number, 'image')} ({share(number, len(rows))}) not one vote is for the label of the data."
    )
    voted = rows_of(rows, ballot.contradicted[:most])
    groups = []
    for path in ballot.contradicted[:most]:
        label, answer = shown(voted[path]["label"]), voted[path]["answer"]
        line = f"{voted[path]['winning']} of {voted[path]['cast']}: {answer}"
        name = shown(path.rpartition("/")[2], 48)
        picture = inline(seen.thumbs[path], f"{label}, voted {answer}: {shown(path)}", (label, line, name))
        groups.append(((picture,), ""))
    if groups:
        against.blocks.append(Gallery("", tuple(groups)))
    result.sections = [labels, people, against]
    return result


def _agreement(rows: pd.DataFrame) -> list[str]:
    right = rows["answer"] == rows["label"]
    text = (
        f"Most people give the label of the data for {share(right.sum(), len(rows))} of {count(len(rows), 'image')}; "
        f"on average {share(rows['agreeing'].sum(), rows['cast'].sum(), 0)} of the votes are for it."
    )
    by_class = right.groupby(rows["label"]).mean()
    if len(by_class) > 1:
        text += (
            f" By label it is from {share(by_class.min(), 1)} ({shown(str(by_class.idxmin()))}) to "
            f"{share(by_class.max(), 1)} ({shown(str(by_class.idxmax()))})."
        )
    pairs = Counter(zip(rows.loc[~right, "label"], rows.loc[~right, "answer"], strict=True))
    if pairs:
        (label, answer), number = min(pairs.items(), key=lambda item: (-item[1], item[0]))
        text += f" The most frequent difference: labelled {shown(label)}, voted {answer} ({count(number, 'image')})."
    return [text]


def _unanimity(rows: pd.DataFrame) -> list[str]:
    first = rows["winning"] / rows["cast"]
    no_face = int(rows["answer"].isin(["unknown", "not a face"]).sum())
    united, split = int((first == 1).sum()), int((first <= 0.5).sum())
    return [
        f"All agree on {share(united, len(rows))} of the images; for {share(split, len(rows))} no answer has more than "
        f"half of the votes (red bars). For {count(no_face, 'image')} most people see no face, or one they cannot read."
    ]
