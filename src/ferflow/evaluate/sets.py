"""Which images each block of metrics.json is about."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.base.arrays import Split


@dataclass(frozen=True)
class Answers:
    """What a network answered on some images.

    Attributes:
        index: the split's own: id, subset, group, copy_in_train.
        labels: (N,), positions in `classes`.
        probabilities: (N, classes).
        classes: names.
    """

    index: pd.DataFrame
    labels: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float32]
    classes: tuple[str, ...]

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """The first class with the highest probability, (N,)."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    def take(self, chosen: npt.NDArray[np.bool_]) -> "Answers":
        """Return the answers where the mask (N,) is true."""
        return Answers(self.index[chosen], self.labels[chosen], self.probabilities[chosen], self.classes)

    def table(self) -> pd.DataFrame:
        """Return what predictions_<split>.csv holds: id, subset, label, predicted, p_<class> (six digits)."""
        names = np.array(self.classes)
        columns = {
            "id": self.index["id"].to_numpy(),
            "subset": self.index["subset"].to_numpy(),
            "label": names[self.labels],
            "predicted": names[self.predicted],
        }
        for place, name in enumerate(self.classes):
            columns[f"p_{name}"] = self.probabilities[:, place].astype(np.float64).round(6)
        return pd.DataFrame(columns)


def answers_of(split: Split, probabilities: npt.NDArray[np.float32]) -> Answers:
    """Join a split with what a network answered on it."""
    return Answers(split.index, split.labels, probabilities, split.classes)


def evaluation_sets(validation: Answers, test: Answers) -> dict[str, Answers]:
    """Return every set that is reported, by name.

    These are validation; test; each subset of test (such as PublicTest) where it has two or more; and, where
    any test image has a copy in the raw training images, `<name>_without_copies` of test and of each subset.
    """
    subsets = test.index["subset"].to_numpy(str)
    named = {"test": np.ones(len(subsets), bool)}
    if len(names := np.unique(subsets)) > 1:
        # As the challenge numbered them: PublicTest, which was open, before PrivateTest.
        ordered = sorted(names.tolist(), key=lambda name: (name != "PublicTest", name))
        named |= {name: subsets == name for name in ordered if name != "test"}
    copies = test.index["copy_in_train"].to_numpy(bool)
    if copies.any():
        clean = {f"{name}_without_copies": mask & ~copies for name, mask in named.items()}
        named |= {name: mask for name, mask in clean.items() if mask.any()}
    return {"validation": validation, **{name: test.take(mask) for name, mask in named.items()}}
