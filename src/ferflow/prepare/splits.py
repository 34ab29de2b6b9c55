"""Which kept image goes into which split."""

import pandas as pd

from ferflow.config.data import Prepare
from ferflow.errors import DataError
from ferflow.prepare.cut import cut


def assign_splits(kept: pd.DataFrame, settings: Prepare, seed: int) -> "pd.Series[str]":
    """Return train, validation or test for every kept image.

    What the data tells stands. What it does not tell is cut from the training images, first the test, then the
    validation set, with no group of copies and near-copies on both sides of a cut.

    Args:
        kept: rows of the manifest with the verdict keep.
        settings: the fractions.
        seed: of the cuts.

    Raises:
        DataError: there is nothing to cut from.
    """
    if kept.empty:
        raise DataError(
            "No image was kept, so there is nothing to train on. reports/clean/summary.json tells why; a folder a class,"
            " such as train/happy/1.jpg, or a CSV with emotion and pixels is expected."
        )
    splits = kept["split"].replace("", "train")
    if not (splits == "train").any():
        raise DataError(f"No training images. Received: {splits.value_counts().to_dict()}.")
    classes = sorted(kept["label"].unique())
    labels = kept["label"].map({name: number for number, name in enumerate(classes)})
    missing = [(name, share) for name, share in _shares(settings) if not (splits == name).any()]
    for offset, (name, share) in enumerate(missing):
        rest = splits == "train"
        part = kept[rest]
        chosen = cut(
            labels[rest].to_numpy(),
            part["group"].to_numpy(),
            part["pixels"].to_numpy(dtype=object),
            share,
            seed + offset,
        )
        splits = splits.mask(rest & splits.index.isin(part.index[chosen]), name)
    return splits


def _shares(settings: Prepare) -> list[tuple[str, float]]:
    return [("test", settings.test_fraction), ("validation", settings.validation_fraction)]
