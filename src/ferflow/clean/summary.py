"""reports/clean/summary.json: the counts."""

from typing import Any

import pandas as pd

from ferflow.clean.reasons import REASONS


def summarise(manifest: pd.DataFrame) -> dict[str, Any]:
    """Count what the manifest holds.

    Copies, leaks, blanks and near-copies are counted over all readable images, before any is dropped.
    """
    images = manifest[manifest["group"] >= 0]
    kept = manifest["verdict"] == "keep"
    dropped = manifest.loc[~kept, "reason"].value_counts()
    flagged = manifest.loc[kept & (manifest["reason"] != ""), "reason"].value_counts()
    copies = images.groupby("pixels").agg(size=("path", "size"), labels=("label", "nunique"))
    copies = copies[copies["size"] > 1]
    return {
        "files": len(manifest),
        "kept": int(kept.sum()),
        "dropped": int((~kept).sum()),
        "dropped_by_reason": {reason: int(dropped[reason]) for reason in REASONS if reason in dropped},
        "kept_by_reason": {reason: int(flagged[reason]) for reason in REASONS if reason in flagged},
        "duplicates": {
            "redundant": int((copies["size"] - 1).sum()),
            "groups": len(copies),
            "conflicting_groups": int((copies["labels"] > 1).sum()),
        },
        "leakage": {
            "private_test": _leaks(images, images["subset"] == "PrivateTest"),
            "public_test": _leaks(images, images["subset"] == "PublicTest"),
        },
    }


def _leaks(images: pd.DataFrame, which: "pd.Series[bool]") -> int:
    return int((images["copy_in_train"] & which).sum())
