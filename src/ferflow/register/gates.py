"""The gates: what a champion must reach on validation before it is promoted to the registry."""

from pathlib import Path

from ferflow.base.contracts import read_contract
from ferflow.reporting.result_contracts import Champion
from ferflow.reporting.text import percent
from ferflow.settings.judging import Register


def read_champion(path: Path) -> Champion:
    """Read champion.json.

    Raises:
        DataError: The file is missing, damaged or lacks a key.
    """
    return read_contract(path, Champion, "compare")


def check_gates(champion: Champion, settings: Register) -> tuple[bool, list[str]]:
    """Return whether a champion passes every gate, and a sentence for each gate.

    Args:
        champion: Content of champion.json.
        settings: `register:` of params.yaml.
    """
    accuracy, majority = champion.sets["validation"].accuracy, champion.majority_accuracy
    gain = accuracy - majority
    baseline = f"always predicting the most frequent class ({percent(majority, space=' ')})"
    gates = [
        (f"validation accuracy {percent(accuracy, space=' ')}", accuracy, settings.min_accuracy, "min_accuracy"),
        (
            f"gain of {100 * gain:.1f} points over {baseline}",
            gain,
            settings.min_gain_over_majority,
            "min_gain_over_majority",
        ),
    ]
    # The inputs have six digits; rounding keeps their difference from missing an equal minimum by a rounding error.
    passed = [round(value, 6) >= minimum for _, value, minimum, _ in gates]
    because = [
        f"gate {'passed' if good else 'failed'}: {text} {'reaches' if good else 'is below'} {key} {100 * minimum:g} %"
        for good, (text, _, minimum, key) in zip(passed, gates, strict=True)
    ]
    return all(passed), because
