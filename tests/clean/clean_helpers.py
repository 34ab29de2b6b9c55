"""Smooth random patterns as real image files, which stand in for faces; no two seeds are near-copies."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from defaults import section
from ferflow.clean import Cleaned, clean_folder


def pattern(seed: int, height: int = 48, width: int | None = None) -> np.ndarray:
    """Return smooth random grey levels, uint8, (height, width)."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8))
    return np.asarray(coarse.resize((width or height, height), Image.Resampling.BICUBIC))


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(seed: int, height: int = 48, width: int | None = None) -> bytes:
    """Return a grey JPEG of the pattern."""
    return encoded(Image.fromarray(pattern(seed, height, width)), quality=95)


class Raw:
    """A raw folder under construction."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir()

    def put(self, path: str, data: bytes | int) -> Path:
        """Write bytes, or the JPEG of a seed, to a path below the folder."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(jpeg(data) if isinstance(data, int) else data)
        return file

    def clean(self, labels: str = "folder", classes: tuple[str, ...] = (), **policies: object) -> Cleaned:
        return clean_folder(self.folder, section("clean", **policies), labels, classes, image_size=48)

    def rows(self, **policies: object) -> pd.DataFrame:
        """Clean and return the manifest by path."""
        return self.clean(**policies).manifest.set_index("path")

    def reasons(self, **policies: object) -> dict[str, str]:
        """Clean and return `verdict reason` by path."""
        rows = self.rows(**policies)
        return {path: f"{row.verdict} {row.reason}".strip() for path, row in rows.iterrows()}
