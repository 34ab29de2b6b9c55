"""Which images the page shows: chosen from the manifest alone, before any image is read."""

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

Row = Mapping[str, Any]  # of the manifest, by the name of the column

HELD_OUT = ("validation", "test")


def with_parts(manifest: pd.DataFrame) -> pd.DataFrame:
    """Return the manifest, sorted by path, with a column `part`: the subset where a split has several, else the split.

    An image of which the data does not tell the split is in the part `uncut`, since prepare cuts it.
    """
    manifest = manifest.sort_values("path", kind="stable", ignore_index=True)
    labelled = manifest[manifest["label"] != ""]
    several = labelled.groupby("split")["subset"].nunique() > 1
    split = manifest["split"].where(manifest["split"] != "", "uncut")
    in_subsets = manifest["split"].map(several).fillna(False).astype(bool) & (manifest["subset"] != "")
    return manifest.assign(part=manifest["subset"].where(in_subsets, split))


def parts(manifest: pd.DataFrame) -> list[str]:
    """Return the names in `part` of the kept images: train first, then validation, then test."""
    order = {"train": 0, "validation": 1, "test": 2}
    pairs = manifest.loc[manifest["verdict"] == "keep", ["split", "part"]].drop_duplicates()
    return [part for _, part in sorted((order.get(s, 3), p) for s, p in pairs.itertuples(index=False))]


def at_random(images: pd.DataFrame, most: int) -> list[str]:
    """Return the paths of at most `most` images, no two with the same pixels, drawn without bias and always the same.

    The hash of the pixels serves as the die: it knows nothing of class, split or name, and adding or removing other
    images changes the choice as little as can be.
    """
    drawn = images.sort_values(["pixels", "path"], kind="stable").drop_duplicates("pixels")
    return drawn["path"].head(most).tolist()


def fences(values: pd.Series) -> tuple[float, float]:
    """Return Tukey's fences: beyond 1.5 interquartile ranges from the quartiles lie the outliers."""
    low, high = values.quantile(0.25), values.quantile(0.75)
    return float(low - 1.5 * (high - low)), float(high + 1.5 * (high - low))


def extremes(images: pd.DataFrame, column: str, most: int) -> tuple[list[str], list[str]]:
    """Return the paths of the outliers of `column` below and above the fences, the furthest first, at most `most`."""
    low, high = fences(images[column])
    ordered = images.sort_values([column, "path"], kind="stable")
    below = ordered[ordered[column] < low]["path"].head(most).tolist()
    above = ordered[ordered[column] > high].sort_values([column, "path"], ascending=[False, True], kind="stable")
    return below, above["path"].head(most).tolist()


def rows_of(manifest: pd.DataFrame, paths: Collection[str]) -> dict[str, Row]:
    """Return the rows of some images by their path."""
    rows = manifest[manifest["path"].isin(paths)].to_dict("records")
    return {row["path"]: {str(name): value for name, value in row.items()} for row in rows}
