"""Small raw folders with their manifests."""

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from defaults import section
from ferflow.base.contracts import CleanSummary
from ferflow.eda import write_report
from ferflow.raw.manifest import COLUMNS
from ferflow.settings import Eda

SIDE = 16
CLEAN = section("clean")
EDA: Eda = section("eda", samples_per_class=4, examples_per_finding=4, embedding_images=60)
SPLIT = {"Training": "train", "PublicTest": "test", "PrivateTest": "test"}
HOSTILE = [
    "<script>alert(1)<script>.png",
    '"onerror="alert(2).png',
    "a&amp;b'c.png",
    "\u202egnp.exe.png",
    "\U0001f600 \u540d\u524d.png",
    "v" * 200 + ".png",
    "{{ 7 * 7 }}{% for %}.png",
]


def face(seed: int, brightness: float = 120, contrast: float = 40) -> np.ndarray:
    """Return a grey image, (16, 16), of soft blobs."""
    rng = np.random.default_rng(seed)
    coarse = np.kron(rng.normal(size=(4, 4)), np.ones((4, 4)))
    return np.clip(brightness + contrast * coarse + rng.normal(size=(SIDE, SIDE)), 0, 255).astype(np.uint8)


def png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class Raw:
    """A raw folder that grows file by file, and the manifest that clean would write of it."""

    folder: Path
    rows: list[dict[str, Any]] = field(default_factory=list)

    def put(self, path: str, image: np.ndarray | bytes, subset: str = "Training", **columns: Any) -> None:
        """Write a file; bytes are an unreadable file. `columns` override columns of its row in the manifest."""
        data = image if isinstance(image, bytes) else png(image)
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(data)
        row: dict[str, Any] = {name: "" if kind == "str" else 0 for name, kind in COLUMNS.items()}
        row |= {"path": path, "subset": subset, "split": SPLIT.get(subset, subset), "group": -1}
        row |= {"bytes": len(data), "verdict": "drop", "reason": "unreadable", "copy_in_train": False}
        if not isinstance(image, bytes):
            digest = hashlib.sha256(f"{image.shape}".encode() + image.tobytes()).hexdigest()
            row |= {"label": path.split("/")[-2], "pixels": digest, "verdict": "keep", "reason": "", "mode": "L"}
            row |= {"height": image.shape[0], "width": image.shape[1], "mean": image.mean(), "std": image.std()}
        self.rows.append(row | columns)

    def manifest(self) -> pd.DataFrame:
        """Return the manifest with groups and leaks filled in."""
        manifest = pd.DataFrame(self.rows, columns=list(COLUMNS)).astype(COLUMNS)
        readable = manifest["pixels"] != ""
        numbers = manifest["group"].where(manifest["group"] >= 0, pd.factorize(manifest["pixels"])[0] + 1000)
        trained = set(manifest.loc[manifest["split"] == "train", "pixels"])
        leaked = readable & manifest["split"].isin(["validation", "test"]) & manifest["pixels"].isin(trained)
        return manifest.assign(group=numbers.where(readable, -1), copy_in_train=leaked)

    def report(self, out: Path, settings: Eda = EDA, **options: Any) -> str:
        """Write the report and return the page."""
        manifest = self.manifest()
        summary = CleanSummary.model_construct(files=len(manifest))
        options = {"image_size": SIDE, **options}
        write_report(self.folder, manifest, summary, settings, out, clean=CLEAN, **options)
        return (out / "index.html").read_text(encoding="utf-8")


def fill(raw: Raw) -> Raw:
    """Put three classes in three subsets, every kind of damage, and hostile names."""
    for number, subset in enumerate(["Training"] * 6 + ["PublicTest"] * 2 + ["PrivateTest"] * 2):
        for kind, label in enumerate(["angry", "happy", "sad"]):
            brightness = 90 + 30 * kind
            raw.put(f"{SPLIT[subset]}/{label}/{subset}_{number}.png", face(10 * number + kind, brightness), subset)
    for number, name in enumerate(HOSTILE):
        raw.put(f"train/happy/{name}", face(500 + number))
    # A copy in train, a conflict within train, two leaks of which one has another label, near-copies, two blanks.
    raw.put(
        "train/angry/copy.png", face(0, 90), verdict="drop", reason="exact_copy", detail="train/angry/Training_0.png"
    )
    raw.put("train/sad/one.png", face(900), verdict="drop", reason="conflicting_copies")
    raw.put("train/happy/two.png", face(900), verdict="drop", reason="conflicting_copies")
    raw.put("train/angry/leak.png", face(60, 90), verdict="drop", reason="leaked_copy")
    raw.put("train/sad/leak.png", face(61, 120), verdict="drop", reason="leaked_copy")
    raw.put("train/sad/near_1.png", face(950), reason="near_copy", group=7)
    raw.put("train/angry/near_2.png", face(950) ^ 1, reason="near_copy", group=7)
    raw.put("train/sad/black.png", np.zeros((SIDE, SIDE), np.uint8), verdict="drop", reason="blank")
    raw.put("test/sad/white.png", np.full((SIDE, SIDE), 255, np.uint8), "PublicTest", reason="blank")
    raw.put("train/happy/dark.png", face(970, 8, 2))
    raw.put("train/happy/large.png", np.kron(face(980), np.ones((4, 2), np.uint8)), reason="wrong_size", detail="32x64")
    raw.put("train/happy/cut.jpg", b"\xff\xd8\xff\xe0 cut", detail="OSError: truncated <b>")
    raw.put(f"train/happy/{'y' * 200}.jpg", b"", detail="z" * 300)
    raw.put(f"train/happy/{'x' * 200}.png", face(990), reason="wrong_mode", detail="RGB")
    raw.put("train/.DS_Store", b"Bud1", reason="system_file")
    raw.put("train/happy/future.bin", b"?", reason="a_reason_of_tomorrow")
    return raw


@dataclass(frozen=True)
class Report:
    """A written report."""

    raw: Raw
    out: Path
    page: str

    def table(self, name: str) -> pd.DataFrame:
        """Return one of its tables."""
        return pd.read_csv(self.out / f"{name}.csv", keep_default_na=False)
