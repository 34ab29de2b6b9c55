"""Which images the page shows, and one pass over all images that reads them and sums the images of each class."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.raw.images import Grey, fit, read_grey, resize
from ferflow.ui.progress import progress

FaceMap = npt.NDArray[np.float64]  # (side, side): one number per pixel
ManifestRow = Mapping[str, Any]  # by the name of the column

HELD_OUT = ("validation", "test")


def with_parts(manifest: pd.DataFrame) -> pd.DataFrame:
    """Return the manifest, sorted by path, with a column `part`.

    The part is the subset if a split has several subsets, otherwise the split. Images without a split have the part
    `unsplit`, since prepare splits them later.
    """
    manifest = manifest.sort_values("path", kind="stable", ignore_index=True)
    labelled = manifest[manifest["label"] != ""]
    several = labelled.groupby("split")["subset"].nunique() > 1
    split = manifest["split"].where(manifest["split"] != "", "unsplit")
    in_subsets = manifest["split"].map(several).fillna(False).astype(bool) & (manifest["subset"] != "")
    return manifest.assign(part=manifest["subset"].where(in_subsets, split))


def part_names(manifest: pd.DataFrame) -> list[str]:
    """Return the values of `part` among the kept images: those of train first, then validation, then test."""
    order = {"train": 0, "validation": 1, "test": 2}
    pairs = manifest.loc[manifest["verdict"] == "keep", ["split", "part"]].drop_duplicates()
    return [part for _, part in sorted((order.get(s, 3), p) for s, p in pairs.itertuples(index=False))]


def random_paths(images: pd.DataFrame, limit: int) -> list[str]:
    """Return the paths of at most `limit` images with distinct pixels, chosen at random but reproducibly.

    The hash of the pixels is the source of randomness: it is independent of class, split and name, and adding or
    removing other images changes the choice as little as possible.
    """
    shuffled = images.sort_values(["pixels", "path"], kind="stable").drop_duplicates("pixels")
    return shuffled["path"].head(limit).tolist()


def outlier_limits(values: pd.Series) -> tuple[float, float]:
    """Return the limits of the outliers: 1.5 interquartile ranges from the quartiles (Tukey 1977, chapter 2)."""
    low, high = values.quantile(0.25), values.quantile(0.75)
    return float(low - 1.5 * (high - low)), float(high + 1.5 * (high - low))


def outlier_paths(images: pd.DataFrame, column: str, limit: int) -> tuple[list[str], list[str]]:
    """Return the paths of at most `limit` low and `limit` high outliers of a column, the most extreme first."""
    low, high = outlier_limits(images[column])
    ordered = images.sort_values([column, "path"], kind="stable")
    below = ordered[ordered[column] < low]["path"].head(limit).tolist()
    above = ordered[ordered[column] > high].sort_values([column, "path"], ascending=[False, True], kind="stable")
    return below, above["path"].head(limit).tolist()


def rows_by_path(manifest: pd.DataFrame, paths: Collection[str]) -> dict[str, ManifestRow]:
    """Return the rows of some images, by path."""
    rows = manifest[manifest["path"].isin(paths)].to_dict("records")
    return {row["path"]: {str(name): value for name, value in row.items()} for row in rows}


@dataclass
class PixelSums:
    """Exact sums over images, so that the order of reading changes nothing.

    Attributes:
        images: Number of images.
        total: Sum of the grey levels, int64 (side, side).
        squares: Sum of their squares, int64 (side, side).
    """

    images: int
    total: npt.NDArray[np.int64]
    squares: npt.NDArray[np.int64]

    @classmethod
    def empty(cls, side: int) -> "PixelSums":
        """Return the sums over no images."""
        return cls(0, np.zeros((side, side), np.int64), np.zeros((side, side), np.int64))

    def add(self, image: Grey) -> None:
        """Add one image."""
        levels = image.astype(np.int64)
        self.images += 1
        self.total += levels
        self.squares += levels * levels

    @property
    def mean(self) -> FaceMap:
        """Mean of each pixel, 0 to 255."""
        return self.total / self.images

    @property
    def variance(self) -> FaceMap:
        """Variance of each pixel, in grey levels squared, never below 0."""
        # Computed from exact integers, so that E[x²] - E[x]² loses no digits by cancellation.
        return (self.images * self.squares - self.total**2) / self.images**2


@dataclass
class Survey:
    """The result of one pass over the images.

    Attributes:
        side: Side of the square images in pixels.
        overall: Sums over all kept images.
        classes: Sums of each class that has a kept image.
        squares: Requested images as uint8 (side, side), by path: the pixels that training sees, shrunk only if the
            arrays' images are larger than `side`.
        thumbnails: Requested images with their proportions, uint8 (height, width), by path: the files as they are,
            also those that clean drops.
    """

    side: int
    overall: PixelSums
    classes: dict[str, PixelSums] = field(default_factory=dict)
    squares: dict[str, Grey] = field(default_factory=dict)
    thumbnails: dict[str, Grey] = field(default_factory=dict)


def survey_images(
    raw: Path,
    labels: Mapping[str, str],
    squares: Collection[str],
    thumbnails: Collection[str],
    image_size: int,
    side: int,
    bits: int | None = None,
) -> Survey:
    """Read each image that is needed once.

    Args:
        raw: Raw folder.
        labels: Class of every kept image, by path.
        squares: Paths of the images to return as squares.
        thumbnails: Paths of the images to return with their proportions, kept or not.
        image_size: Side of the arrays' images in pixels.
        side: Side of the squares in pixels.
        bits: Bits that the set's 16-bit images use, see set_bits. Defaults to none that clean had to find out.

    Raises:
        DataError: An image has changed since clean wrote the manifest.
    """
    result = Survey(side, PixelSums.empty(side))
    paths = sorted({*labels, *squares, *thumbnails})
    images = zip(paths, read_grey(raw, paths, bits), strict=True)
    for path, image in progress(images, len(paths), "reading images"):
        if path in thumbnails:
            result.thumbnails[path] = thumbnail(image, 2 * side)
        if path not in labels and path not in squares:
            continue
        square = fit(fit(image, image_size), side)  # as prepare resizes it, then for the page
        if path in squares:
            result.squares[path] = square
        if path in labels:
            result.overall.add(square)
            result.classes.setdefault(labels[path], PixelSums.empty(side)).add(square)
    return result


def thumbnail(grey: Grey, limit: int) -> Grey:
    """Return an image, uint8 (height, width), with its proportions and at most `limit` pixels per side."""
    height, width = grey.shape
    if max(height, width) <= limit:
        return grey
    scale = limit / max(height, width)
    return resize(grey, max(1, round(scale * width)), max(1, round(scale * height)))
