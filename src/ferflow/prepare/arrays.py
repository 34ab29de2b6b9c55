"""From the manifest to data/prepare."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from ferflow.arrays import SPLITS, Split, write_split
from ferflow.config.data import Prepare
from ferflow.files import sha256
from ferflow.images import Grey, read_grey
from ferflow.prepare.splits import assign_splits


def prepare_arrays(
    raw: Path, manifest: pd.DataFrame, settings: Prepare, image_size: int, max_pixels: int, seed: int, out: Path
) -> dict[str, Any]:
    """Write the kept images as arrays."""
    kept = manifest[manifest["verdict"] == "keep"].reset_index(drop=True)
    splits = assign_splits(kept, settings, seed)
    classes = tuple(sorted(kept["label"].unique()))
    numbers = kept["label"].map({name: number for number, name in enumerate(classes)})
    for name in SPLITS:
        part = kept[splits == name].reset_index(drop=True)
        images = np.empty((len(part), image_size, image_size), np.uint8)
        for row, grey in enumerate(read_grey(raw, part["path"], max_pixels)):
            images[row] = fit(grey, image_size)
        index = part.rename(columns={"path": "id"})
        index["subset"] = part["subset"].where(part["subset"] != "", name)
        write_split(out, name, Split(images, numbers[splits == name].to_numpy(np.int64), index, classes))
    return {
        "classes": list(classes),
        "images": {name: int((splits == name).sum()) for name in SPLITS},
        "sha256": {p.name: sha256(p) for p in sorted(out.iterdir())},
        "perclass": pd.crosstab(kept["label"], splits).to_dict(),
    }


def fit(grey: Grey, side: int) -> Grey:
    """Resize an image to a square: averaged where it shrinks, Lanczos where it grows."""
    if grey.shape == (side, side):
        return grey
    filter_ = Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(grey).resize((side, side), filter_))
