"""Manifests and raw folders of smooth random patterns."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from ferflow.raw.manifest import COLUMNS


def pattern(seed: int, height: int = 48, width: int | None = None) -> np.ndarray:
    """Return smooth random grey levels, uint8, (height, width)."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8))
    return np.asarray(coarse.resize((width or height, height), Image.Resampling.BICUBIC))


def png(grey: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "PNG")
    return buffer.getvalue()


def manifest_of(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Return a manifest of kept images; each row may say less than all."""
    filled = []
    for number, row in enumerate(rows):
        blank = {name: "" if kind == "str" else 0 for name, kind in COLUMNS.items()}
        filled.append(
            blank
            | {"path": f"{number:05d}.png", "verdict": "keep", "mode": "L", "width": 48, "height": 48, "group": number}
            | {"pixels": f"{number:064x}", "copy_in_train": False}
            | row
        )
    return pd.DataFrame(filled, columns=list(COLUMNS)).astype(COLUMNS)


def raw_with(folder: Path, manifest: pd.DataFrame) -> Path:
    """Write an image for every row of a manifest: that of its position."""
    for number, row in enumerate(manifest.itertuples()):
        file = folder / row.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png(pattern(number, int(row.height), int(row.width))))
    return folder
