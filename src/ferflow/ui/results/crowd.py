"""How far people agree with the labels, and how the networks do where they agree and where they do not.

The votes are those of FER+ (Barsoum et al. 2016, section 2): ten annotators named the emotion of each FER-2013 image.
The labels of FER-2013 came first, from search words (Goodfellow et al. 2013), so that both can be compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from ferflow.raw.class_names import emotion_of
from ferflow.raw.ferplus import COLUMNS as VOTES
from ferflow.raw.ferplus import EMOTIONS
from ferflow.reporting.style import GREY, PALETTE, PercentTicks, new_figure, save_figure, style
from ferflow.reporting.text import markdown_table, percent
from ferflow.ui.results.predictions import kept_predictions
from ferflow.ui.results.records import ResultRecord, Run

EDGES = (0.0, 0.4, 0.6, 0.8, 0.95, 1.01)  # of the share of the ten votes that the most frequent answer has
BINS = ("below 40 %", "40 to 60 %", "60 to 80 %", "80 to 95 %", "95 % and more")
_MODELS = 4  # in table and figure


@dataclass(frozen=True)
class Crowd:
    """The annotators' votes on a set of images.

    Attributes:
        labels: Labels of the dataset, int64 (N,), positions in `classes`.
        votes: Votes for each class, float64 (N, K).
        all_votes: Votes for any answer, including unknown and no face, float64 (N,).
        top: Share of all votes that the most frequent answer has, float64 (N,).
        classes: Names of the classes.
    """

    labels: npt.NDArray[np.int64]
    votes: npt.NDArray[np.float64]
    all_votes: npt.NDArray[np.float64]
    top: npt.NDArray[np.float64]
    classes: tuple[str, ...]

    @classmethod
    def on(cls, rows: pd.DataFrame, classes: Sequence[str]) -> "Crowd":
        """Return the votes on rows of images.parquet, those without votes left out."""
        rows = rows[rows[list(VOTES)].sum(axis=1) > 0]
        column = {emotion: name for name, emotion in EMOTIONS.items()}
        votes = rows[[column[str(emotion_of(name))] for name in classes]].to_numpy(np.float64)
        answers = rows[list(VOTES)].to_numpy(np.float64)
        labels = pd.Categorical(rows["label"], categories=list(classes)).codes.astype(np.int64)
        total = answers.sum(axis=1)
        return cls(labels, votes, total, answers.max(axis=1) / total, tuple(classes))

    @property
    def most_frequent(self) -> npt.NDArray[np.bool_]:
        """Which classes have the most votes of an image, bool (N, K): several in a tie."""
        return np.asarray(self.votes == self.votes.max(axis=1, keepdims=True))

    @property
    def right(self) -> npt.NDArray[np.float64]:
        """How much of the most frequent answer is the label, float64 (N,): 1, 0, or in a tie the label's part of it."""
        # No order of the classes decides a tie: that of FER+'s columns would find 2 points less of FER-2013's fear.
        chosen = self.most_frequent
        return np.asarray(chosen[np.arange(len(self.labels)), self.labels] / chosen.sum(axis=1))

    @property
    def one_annotator(self) -> float:
        """Probability that an annotator drawn by chance gives the label; no answer among the classes is a miss."""
        return float((self.votes[np.arange(len(self.labels)), self.labels] / self.all_votes).mean())


def crowd_section(run: Run, images: pd.DataFrame, figure: Path) -> str:
    """Return the section on people, and draw its figure; empty if images.parquet has no votes.

    Args:
        run: The run whose networks are compared with people.
        images: Content of images.parquet.
        figure: PNG to write.
    """
    if not set(VOTES) <= set(images.columns):
        return ""
    chosen = [record for record in run.results if record.predictions is not None][:_MODELS]
    subset = "PrivateTest" if (images["subset"] == "PrivateTest").any() else "test"
    rows = images[(images["subset"] == subset) if subset != "test" else (images["split"] == "test")]
    crowd = Crowd.on(rows, run.about.classes)
    right = crowd.right
    bins = np.digitize(crowd.top, EDGES) - 1
    recalls = {name: float(right[crowd.labels == k].mean()) for k, name in enumerate(crowd.classes)}
    table = [("the answer most annotators gave", _by_bin(right, bins))]
    errors = []
    for record in chosen:
        correct, accepted, known_bins = _network(run, record, images, subset)
        table.append((record.result, _by_bin(correct, known_bins)))
        errors.append(f"{percent(accepted, space=' ')} of the errors of `{record.result}`")
    save_figure(_figure(table, subset), figure)
    worst = min(recalls, key=lambda name: recalls[name])
    header = ["", "all", *BINS]
    share = ["share of images, %", "100.0", *(f"{100 * float((bins == k).mean()):.1f}" for k in range(len(BINS)))]
    cells = [[name, *(f"{100 * value:.1f}" for value in values)] for name, values in table]
    text = (
        f"## How far people agree\n\nOn {len(crowd.labels):,} images of {subset}, the answer that most of ten "
        f"annotators gave (FER+) is the label of {run.about.dataset} in {percent(float(right.mean()), space=' ')} of "
        f"the cases; a single annotator gives it in {percent(crowd.one_annotator, space=' ')}. People find "
        + ", ".join(f"{percent(value, space=' ')} of {name}" for name, value in sorted(recalls.items(), key=_by_value))
        + f". What a network learns beyond that is how the labels were made, above all for {worst}.\n\n"
        f"Accuracy in percent by the share of the ten votes that the most frequent answer got:\n\n"
        f"{markdown_table(header, [share, *cells])}\n\n![Accuracy by agreement of the annotators]"
        f"({figure.parent.name}/{figure.name})"
    )
    return text if not errors else f"{text}\n\nMost annotators would accept {'; '.join(errors)}."


def _by_value(item: tuple[str, float]) -> tuple[float, str]:
    return -item[1], item[0]


def _by_bin(right: npt.NDArray[np.bool_] | npt.NDArray[np.float64], bins: npt.NDArray[np.int64]) -> list[float]:
    parts = [right[bins == k] for k in range(len(BINS))]
    return [float(right.mean()), *(float(part.mean()) if len(part) else float("nan") for part in parts)]


def _network(
    run: Run, record: ResultRecord, images: pd.DataFrame, subset: str
) -> tuple[npt.NDArray[np.bool_], float, npt.NDArray[np.int64]]:
    """Return where a network is right, the share of its errors that are a most frequent answer, and the bins."""
    part = kept_predictions(run, record, images)[subset]
    rows = images.iloc[part.index["row"].to_numpy()]
    known = (rows[list(VOTES)].sum(axis=1) > 0).to_numpy()
    crowd = Crowd.on(rows, run.about.classes)
    predicted = part.predicted[known]
    right = predicted == crowd.labels
    accepted = crowd.most_frequent[np.arange(len(predicted)), predicted][~right]
    share = float(accepted.mean()) if len(accepted) else 0.0
    return right, share, np.digitize(crowd.top, EDGES) - 1


@style()
def _figure(table: Sequence[tuple[str, list[float]]], subset: str) -> Figure:
    figure = new_figure(f"Networks are wrong where people disagree ({subset})", height=3.6)
    axes = figure.add_subplot()
    for number, (name, (_, *values)) in enumerate(table):
        color = GREY if number == 0 else PALETTE[number - 1]
        axes.plot(range(len(BINS)), values, marker="o", color=color, ls="--" if number == 0 else "-", label=name)
    axes.set_xticks(range(len(BINS)), [name.replace(" and more", "\nand more") for name in BINS])
    axes.set_xlabel("share of ten votes for the most frequent answer")
    axes.set_ylabel("accuracy")
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentTicks())
    figure.legend(loc="outside lower center", ncols=2)
    return figure
