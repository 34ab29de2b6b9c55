"""The rows of the table that `ferflow predict` writes: one a face, and one for a picture without a face or in error."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from ferflow.use.recognizer import Recognition

Cell: TypeAlias = str | int | float | None


class Status(StrEnum):
    """What became of a picture or frame.

    >>> str(Status.NO_FACE)
    'no_face'
    """

    OK = "ok"
    NO_FACE = "no_face"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Row:
    """A row.

    Attributes:
        path: Picture, video, URL or camera, as the arguments named it.
        frame: Number of the frame from 0; None for a picture.
        time: Seconds since the start of the video; None for a picture.
        face: Number of the face from 1: in a picture from the largest to the smallest, in a video the same number for
            the same face from frame to frame. None without a face.
        recognition: What was found; None without a face.
        probabilities: Of each class by name, smoothed if that is asked for; empty without a face.
        status: `ok`, `no_face` or `failed`.
        reason: Why there is no answer; empty if there is one.
    """

    path: str
    frame: int | None = None
    time: float | None = None
    face: int | None = None
    recognition: Recognition | None = None
    probabilities: dict[str, float] = field(default_factory=dict)
    status: Status = Status.OK
    reason: str = ""

    @property
    def answer(self) -> str | None:
        """The most probable class."""
        return max(self.probabilities, key=self.probabilities.__getitem__) if self.probabilities else None

    def cells(self, classes: Sequence[str]) -> list[Cell]:
        """Return the row's values in the order of `columns`: pixels with one digit, probabilities with six."""
        time = None if self.time is None else round(self.time, 3)
        found = self.recognition
        box = [None] * 4 if found is None or found.box is None else [round(part, 1) for part in found.box]
        score = None if found is None or found.score is None else round(found.score, 4)
        shares = [round(self.probabilities[name], 6) if self.probabilities else None for name in classes]
        return [
            self.path,
            self.frame,
            time,
            self.face,
            *box,
            score,
            self.answer,
            *shares,
            str(self.status),
            self.reason,
        ]


def columns(classes: Sequence[str]) -> list[str]:
    """Return the names of the table's columns.

    >>> columns(["happy", "sad"])[-4:]
    ['p_happy', 'p_sad', 'status', 'reason']
    """
    first = ["path", "frame", "time", "face", "x", "y", "width", "height", "score", "answer"]
    return [*first, *(f"p_{name}" for name in classes), "status", "reason"]
