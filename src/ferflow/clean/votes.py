"""FER+ votes in a table, and the labels made from them; see ferflow.raw.ferplus."""

from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.raw.ferplus import COLUMNS, EMOTIONS

Labels = Literal["folder", "ferplus_majority", "ferplus_plurality", "ferplus_votes"]

_EMOTIONS = tuple(EMOTIONS.values())


def read_votes(path: Path) -> npt.NDArray[np.int64] | None:
    """Read fer2013new.csv.

    Returns:
        int64, (rows, 10), in the order of ferplus.COLUMNS; None where it is not what its header says.
    """
    try:
        frame = pd.read_csv(path, skipinitialspace=True)
        frame.columns = [str(name).strip().casefold() for name in frame.columns]
        votes = frame[list(COLUMNS)].to_numpy(np.float64)
    except (OSError, ValueError, KeyError):
        return None
    whole = np.isfinite(votes).all() and (votes >= 0).all() and (votes == np.rint(votes)).all()
    return votes.astype(np.int64) if whole else None


def vote_label(votes: npt.NDArray[np.int64], labels: Labels) -> str:
    """Return the emotion that ten votes give, or empty where they give none.

    Args:
        votes: int64, (10,), in the order of ferplus.COLUMNS.
        labels: `ferplus_majority` is Microsoft's rule (github.com/microsoft/FERPlus, `majority`): votes that stand
            alone are taken out, and the first must have more than half of the rest. `ferplus_plurality` and
            `ferplus_votes` take the emotion with most votes, the first on ties.
    """
    if labels == "ferplus_majority":
        votes = np.where(votes > 1, votes, 0)
        if votes.max() * 2 <= votes.sum():
            return ""
    winner = int(votes.argmax())
    return _EMOTIONS[winner] if winner < len(_EMOTIONS) and votes[winner] else ""
