"""The images that an ablation divides into folds: all that may be trained on."""

import numpy as np
import pandas as pd

from ferflow.base.arrays import Split
from ferflow.base.errors import DataError

_TEST_SETS = ("PublicTest", "PrivateTest")


def pool(train: Split, validation: Split) -> Split:
    """Return the images of both splits as one, those of `train` first.

    Images of the subsets PublicTest and PrivateTest are left out, even if the data has them in its validation folder:
    an ablation decides what is trained, and test sets are for reporting.

    Args:
        train: Training split.
        validation: Validation split with the same side and classes.

    Raises:
        DataError: One split has votes and the other has none.
    """
    if (train.votes is None) != (validation.votes is None):
        raise DataError("Only one of the splits train and validation has votes. Run again: dvc repro -f prepare.")
    both = Split(
        np.concatenate([train.images, validation.images]),
        np.concatenate([train.labels, validation.labels]),
        pd.concat([train.index, validation.index], ignore_index=True),
        train.classes,
        None if train.votes is None or validation.votes is None else np.concatenate([train.votes, validation.votes]),
    )
    kept = np.flatnonzero(~both.index["subset"].isin(_TEST_SETS).to_numpy(bool))
    return both if len(kept) == len(both) else both.take(kept)
