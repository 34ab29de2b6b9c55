"""Blocks of metrics.json for tests of what reads them."""

from typing import Any

PROBABILITIES = {"log_loss": 0.9, "brier": 0.5, "ece": 0.05, "classwise_ece": 0.04}
NUMBERS = (
    "accuracy", "accuracy_low", "accuracy_high", "macro_f1", "macro_f1_low", "macro_f1_high", "balanced_accuracy",
    "macro_precision", "macro_recall", "kappa", "top2_accuracy", "log_loss", "brier", "ece", "classwise_ece",
)  # fmt: skip


def block_values(number: float = 0.5, **changes: Any) -> dict[str, Any]:
    """The content of a block, in the order of the file: every number is the same, with changes."""
    values: dict[str, Any] = {"images": 3, **dict.fromkeys(NUMBERS, number)}
    values["uncalibrated"] = dict(PROBABILITIES)
    values |= dict.fromkeys(("roc_auc", "average_precision", "aurc", "accuracy_at_80"), number)
    return {**values, "absent_classes": [], "per_class": {}, **changes}
