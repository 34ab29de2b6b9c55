"""reports/clean/summary.json: the counts."""

from typing import Any

import pandas as pd

from ferflow.clean.reasons import REASONS

_SUBSETS = {"private_test": "PrivateTest", "public_test": "PublicTest"}


def summarise(manifest: pd.DataFrame, blank_std: float) -> dict[str, Any]:
    """Count what the manifest holds.

    Copies, leaks, blanks and near-copies are counted over all readable images in place, before any is dropped.

    Args:
        manifest: a row for every raw file.
        blank_std: grey levels; an image whose standard deviation is below it is blank.

    Returns:
        Numbers by name. `readable`: images in place that could be decoded. `duplicates.redundant`: images that could go
        without losing a picture; `groups`: of exact copies; `conflicting_groups`: of those, with several labels.
        `leakage`: test images with an exact copy in Training, in all and by subset; `training_copies`: training images
        that are copies of a test or validation image. `near_copies.images`: in groups of near-copies; `across_splits`:
        groups with members in several splits.
    """
    images = manifest[manifest["group"] >= 0]
    keep = manifest["verdict"] == "keep"
    copies = images.groupby("pixels").agg(size=("path", "size"), labels=("label", "nunique"))
    copies = copies[copies["size"] > 1]
    near = images.groupby("group").agg(size=("path", "size"), pixels=("pixels", "nunique"), splits=("split", "nunique"))
    near = near[near["pixels"] > 1]
    test = images[images["copy_in_train"] & (images["split"] == "test")]
    authority = images.loc[images["split"].isin(["test", "validation"]), "pixels"]
    return {
        "files": len(manifest),
        "kept": int(keep.sum()),
        "dropped": int((~keep).sum()),
        "dropped_by_reason": _by_reason(manifest.loc[~keep, "reason"]),
        "kept_by_reason": _by_reason(manifest.loc[keep, "reason"]),
        "readable": len(images),
        "classes": _by_value(manifest.loc[keep, "label"]),
        "splits": _by_value(manifest.loc[keep, "split"].replace("", "not told")),
        "duplicates": {
            "redundant": int((copies["size"] - 1).sum()),
            "groups": len(copies),
            "conflicting_groups": int((copies["labels"] > 1).sum()),
        },
        "leakage": {
            "test": len(test),
            **{name: int((test["subset"] == subset).sum()) for name, subset in _SUBSETS.items()},
            "training_copies": int(((images["split"] == "train") & images["pixels"].isin(authority)).sum()),
        },
        "blank": int((images["std"] < blank_std).sum()),
        "near_copies": {
            "images": int(near["size"].sum()),
            "groups": len(near),
            "largest_group": int(near["size"].max()) if len(near) else 0,
            "across_splits": int((near["splits"] > 1).sum()),
        },
    }


def _by_reason(reasons: "pd.Series[str]") -> dict[str, int]:
    counts = reasons.value_counts()
    return {reason: int(counts[reason]) for reason in REASONS if reason in counts}


def _by_value(values: "pd.Series[str]") -> dict[str, int]:
    return {str(name): int(number) for name, number in values.value_counts().sort_index().items()}
