"""Whether networks agree: the same answers, and the same mistakes."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.compare.result_reader import Result

Labels = npt.NDArray[np.int64]

COLUMNS = (
    "set", "first", "second", "images", "same_answer", "kappa", "both_right", "only_first_right", "only_second_right",
    "both_wrong", "error_overlap",
)  # fmt: skip


def agreement_table(results: Sequence[Result]) -> pd.DataFrame:
    """Compare the answers of each pair of results on the validation and on the test images.

    Args:
        results: Results in the order of the leaderboard.

    Returns:
        A row for each split and pair: set, first, second, images; same_answer, the share of images with the same
        predicted class; kappa, Cohen's kappa of the two predictions (Cohen 1960), missing if both know a single class;
        both_right, only_first_right, only_second_right and both_wrong, numbers of images; error_overlap, images that
        both get wrong as a share of those that at least one gets wrong, missing if neither makes a mistake.
    """
    rows = []
    for split in ("validation", "test"):
        for first, second in combinations(results, 2):
            one, other = first.predictions[split], second.predictions[split]
            right = one.predicted == one.labels, other.predicted == other.labels
            wrong = int((~right[0] & ~right[1]).sum())
            either = int((~right[0] | ~right[1]).sum())
            rows.append(
                (
                    split,
                    first.name,
                    second.name,
                    len(one.labels),
                    float(np.mean(one.predicted == other.predicted)),
                    cohen_kappa(one.predicted, other.predicted, len(one.classes)),
                    int((right[0] & right[1]).sum()),
                    int((right[0] & ~right[1]).sum()),
                    int((~right[0] & right[1]).sum()),
                    wrong,
                    wrong / either if either else None,
                )
            )
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({"kappa": "float64", "error_overlap": "float64"})


def cohen_kappa(first: Labels, second: Labels, classes: int) -> float | None:
    """Return the agreement of two raters beyond chance (Cohen 1960), at most 1.

    >>> cohen_kappa(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), 2)
    0.5

    Args:
        first: Answers of the first, int64 (N,), each in [0, classes), at least one.
        second: Answers of the second, int64 (N,).
        classes: Number of classes.

    Returns:
        None if both give one and the same answer to every image, for which chance explains everything.
    """
    shares = [np.bincount(answers, minlength=classes) / len(answers) for answers in (first, second)]
    by_chance = float(shares[0] @ shares[1])
    return None if by_chance == 1 else (float(np.mean(first == second)) - by_chance) / (1 - by_chance)


def shared_answers(results: Sequence[Result], split: str) -> tuple[int, int, int]:
    """Return how many images of a split all results get right, how many all get wrong, and how many there are."""
    right = np.stack([result.predictions[split].predicted == result.predictions[split].labels for result in results])
    return int(right.all(axis=0).sum()), int((~right).all(axis=0).sum()), right.shape[1]
