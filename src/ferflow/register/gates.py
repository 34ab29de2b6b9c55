"""What a champion must reach on validation before it may enter the registry."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ferflow.base.errors import DataError
from ferflow.base.files import read_json
from ferflow.settings import Register

_NEEDED = ("model", "dataset", "metric", "value", "majority_accuracy", "validation", "test")


def read_champion(path: Path) -> dict[str, Any]:
    """Read champion.json; see ferflow.compare for what it holds.

    Raises:
        DataError: it is missing, or lacks what is needed here.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing. Run the stage that makes it: dvc repro compare.")
    champion: dict[str, Any] = read_json(path)
    missing = [key for key in _NEEDED if key not in champion]
    if missing:
        raise DataError(f"{path} lacks {', '.join(missing)}. Make it anew: dvc repro -f compare.")
    return champion


def check_gates(champion: Mapping[str, Any], settings: Register) -> tuple[bool, list[str]]:
    """Tell whether a champion passes, and why or why not: a sentence for each gate.

    Args:
        champion: as `read_champion` returns it.
        settings: the gates.
    """
    accuracy, majority = champion["validation"]["accuracy"], champion["majority_accuracy"]
    gain = accuracy - majority
    gates = [
        (f"validation accuracy {percent(accuracy)}", accuracy, settings.min_accuracy, "min_accuracy"),
        (
            f"gain of {100 * gain:.1f} points over always answering with the most frequent class ({percent(majority)})",
            gain,
            settings.min_gain_over_majority,
            "min_gain_over_majority",
        ),
    ]
    # The inputs have 6 digits, and so their difference may miss an equal bound by a rounding error.
    passed = [round(value, 6) >= least for _, value, least, _ in gates]
    because = [
        f"{words} {'reaches' if good else 'is below'} {key} {100 * least:g} %"
        for good, (words, _, least, key) in zip(passed, gates, strict=True)
    ]
    return all(passed), because


def percent(share: float) -> str:
    """Return 0.7123 as '71.2 %'."""
    return f"{100 * share:.1f} %"
