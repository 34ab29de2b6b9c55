"""Which kept image goes into which split."""

import pandas as pd

from ferflow.base.errors import DataError
from ferflow.prepare.cut import cut
from ferflow.settings.data import Prepare


def assign_splits(kept: pd.DataFrame, settings: Prepare, seed: int) -> "pd.Series[str]":
    """Return train, validation or test for every kept image.

    What the data tells stands. What it does not tell is cut from the training images, first the test, then the
    validation set, with no group of copies and near-copies on both sides of a cut.

    Args:
        kept: rows of the manifest with the verdict keep, numbered from 0.
        settings: the fractions.
        seed: of the cuts.

    Raises:
        DataError: there is nothing to cut from.
    """
    if kept.empty:
        raise DataError(
            "No image was kept, so there is nothing to train on; reports/clean/summary.json tells why."
            " Expected: a folder a class, such as train/happy/1.jpg, or a CSV with the columns emotion and pixels."
        )
    splits = kept["split"].replace("", "train")
    if not (splits == "train").any():
        raise DataError(f"No training images were kept. Received: {splits.value_counts().to_dict()}.")
    labels = pd.factorize(kept["label"], sort=True)[0].astype("int64")
    pixels = kept["pixels"].to_numpy(dtype=object)
    groups = kept["group"].to_numpy()
    fractions = {"test": settings.test_fraction, "validation": settings.validation_fraction}
    missing = [name for name in fractions if not (splits == name).any()]
    for number, name in enumerate(missing):
        rest = (splits == "train").to_numpy().nonzero()[0]
        chosen = rest[cut(labels[rest], groups[rest], pixels[rest], fractions[name], seed + number)]
        splits.iloc[chosen] = name
    return splits
