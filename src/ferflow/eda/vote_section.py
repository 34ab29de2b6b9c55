"""The section on FER+: how the labels agree with the votes of ten annotators (Barsoum et al. 2016)."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ferflow.eda import charts
from ferflow.eda.image_survey import Survey, rows_by_path
from ferflow.raw.class_names import emotion_of
from ferflow.raw.ferplus import EMOTIONS
from ferflow.reporting.page import Gallery, PageSection, ReportFiles, page_picture
from ferflow.reporting.text import count, percent_of, printable

# Meaning of each column of votes; of answers with equally many votes the first in this order wins.
ANSWERS = {**EMOTIONS, "unknown": "unknown", "nf": "not a face"}


@dataclass(frozen=True)
class VoteCounts:
    """The votes on the images that have both votes and a label.

    Attributes:
        rows: One row per image, sorted by path: path, label, `answer` (the one with most votes), and numbers of votes:
            `winning` for that answer, `agreeing` for the label, `cast` in all.
        contradicted: Paths of the images without a vote for their label, those with the most unanimous votes first.
    """

    rows: pd.DataFrame
    contradicted: list[str]


def count_votes(manifest: pd.DataFrame, votes: pd.DataFrame | None) -> VoteCounts | None:
    """Join the votes with the labels.

    Args:
        manifest: Manifest as clean wrote it.
        votes: `path` as in the manifest, then ferflow.raw.ferplus.COLUMNS; None if there are none.

    Returns:
        None if no image has both.
    """
    if votes is None:
        return None
    labelled = manifest.loc[(manifest["label"] != "") & (manifest["pixels"] != ""), ["path", "label"]]
    labelled["label"] = [emotion_of(label) or label for label in labelled["label"]]  # which the user may call happiness
    joined = labelled.merge(votes, on="path", validate="one_to_one").sort_values("path", ignore_index=True)
    numbers = joined[list(ANSWERS)].to_numpy(np.int64)
    joined, numbers = joined[numbers.sum(axis=1) > 0], numbers[numbers.sum(axis=1) > 0]
    if joined.empty:
        return None
    answers = np.array(list(ANSWERS.values()), dtype=object)
    for_label = answers[None, :] == joined["label"].to_numpy(dtype=object)[:, None]
    rows = joined[["path", "label"]].assign(
        answer=answers[numbers.argmax(axis=1)],
        winning=numbers.max(axis=1),
        agreeing=np.where(for_label, numbers, 0).sum(axis=1),
        cast=numbers.sum(axis=1),
    )
    contradicted = rows[(rows["agreeing"] == 0) & (rows["answer"] != rows["label"])]
    return VoteCounts(rows, contradicted.sort_values(["winning", "path"], ascending=[False, True])["path"].tolist())


def vote_section(votes: VoteCounts, limit: int, survey: Survey, files: ReportFiles) -> PageSection:
    """Return the section on agreement between labels and votes.

    Args:
        votes: Counts from count_votes.
        limit: Maximum number of pictures.
        survey: Provides the pictures of the contradicted labels.
        files: Receives `votes.png`, `unanimity.png` and `votes.csv`.
    """
    rows = votes.rows
    matrix = pd.crosstab(rows["label"], rows["answer"])
    known = [name for name in matrix.index if name in ANSWERS.values()]
    others = [name for name in ANSWERS.values() if name in matrix.columns and name not in known]
    matrix = matrix.reindex(columns=[name for name in known if name in matrix.columns] + others)
    files.tables["votes"] = matrix.rename_axis("label").reset_index()
    result = PageSection("votes", "What ten annotators say", paired=True)
    labels = PageSection("agreement", "Labels and votes", _agreement(rows))
    alt = "Coloured table: for each label, the percentage of its images for which each answer has most votes."
    labels.blocks.append(files.add_chart("votes", charts.vote_agreement(matrix), alt))
    unanimity = PageSection("unanimity", "How unanimous the annotators are", _unanimity(rows))
    alt = "Bars: number of images by the share of the votes that the most frequent answer has."
    unanimity.blocks.append(files.add_chart("unanimity", charts.vote_shares(rows["winning"] / rows["cast"]), alt))
    contradicted = PageSection("contradicted", "Labels without a vote")
    number = len(votes.contradicted)
    contradicted.findings.append(
        f"For {count(number, 'image')} ({percent_of(number, len(rows))}) no annotator voted for the label of the data."
    )
    voted = rows_by_path(rows, votes.contradicted[:limit])
    groups = []
    for path in votes.contradicted[:limit]:
        label, answer = printable(voted[path]["label"]), voted[path]["answer"]
        line = f"{voted[path]['winning']} of {voted[path]['cast']}: {answer}"
        name = printable(path.rpartition("/")[2], 48)
        alt = f"{label}, voted {answer}: {printable(path)}"
        picture = page_picture(survey.thumbnails[path], alt, (label, line, name))
        groups.append(((picture,), ""))
    if groups:
        contradicted.blocks.append(Gallery("", tuple(groups)))
    result.sections = [labels, unanimity, contradicted]
    return result


def _agreement(rows: pd.DataFrame) -> list[str]:
    agrees = rows["answer"] == rows["label"]
    text = (
        f"The label of the data has most votes for {percent_of(agrees.sum(), len(rows))} of "
        f"{count(len(rows), 'image')}; on average {percent_of(rows['agreeing'].sum(), rows['cast'].sum(), 0)} of the "
        "votes are for it."
    )
    by_class = agrees.groupby(rows["label"]).mean()
    if len(by_class) > 1:
        text += (
            f" By label the share of such images ranges from {percent_of(by_class.min(), 1)} "
            f"({printable(str(by_class.idxmin()))}) to "
            f"{percent_of(by_class.max(), 1)} ({printable(str(by_class.idxmax()))})."
        )
    pairs = Counter(zip(rows.loc[~agrees, "label"], rows.loc[~agrees, "answer"], strict=True))
    if pairs:
        (label, answer), number = min(pairs.items(), key=lambda item: (-item[1], item[0]))
        images = count(number, "image")
        text += f" The most frequent disagreement: labelled {printable(label)}, voted {answer} ({images})."
    return [text]


def _unanimity(rows: pd.DataFrame) -> list[str]:
    first = rows["winning"] / rows["cast"]
    no_face = int(rows["answer"].isin(["unknown", "not a face"]).sum())
    unanimous, divided = int((first == 1).sum()), int((first <= 0.5).sum())
    return [
        f"All annotators agree on {percent_of(unanimous, len(rows))} of the images; for "
        f"{percent_of(divided, len(rows))} no answer has more than half of the votes (red bars). For "
        f"{count(no_face, 'image')} most annotators see no face, or one whose emotion they cannot tell."
    ]
