"""The gates that need no other model: what a champion must reach on validation, and how large it may be.

These figures come from files that DVC tracks, so registration.json has the same bytes whenever the stage runs. Two more
gates, the latency on this machine and the comparison with the present champion, are decided where the version is
registered: see ferflow.ui.tracking.verdict.
"""

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


def figures_of(champion: Champion, network: Path) -> dict[str, float]:
    """Return the figures that the gates check, all of validation.

    Args:
        champion: Content of champion.json.
        network: File of its weights.

    Returns:
        `accuracy`, `gain_over_majority`, `macro_f1`, `worst_recall` and `ece` as shares of 1, and `size_mb`, the size
        of the file in units of 10^6 bytes.
    """
    block = champion.sets["validation"]
    return {
        "accuracy": block.accuracy,
        # The inputs have six digits; rounding keeps a rounding error from deciding when the gain equals its minimum.
        "gain_over_majority": round(block.accuracy - champion.majority_accuracy, 6),
        "macro_f1": block.macro_f1,
        "worst_recall": block.per_class[worst_class(champion)].recall,
        "ece": block.ece,
        "size_mb": round(network.stat().st_size / 1e6, 3),
    }


def worst_class(champion: Champion) -> str:
    """Return the class that has the lowest recall on validation; the first one on ties.

    Classes without validation images count only if no class has any.
    """
    scores = champion.sets["validation"].per_class
    measured = [name for name, score in scores.items() if score.support] or list(scores)
    return min(measured, key=lambda name: scores[name].recall)


def check_gates(champion: Champion, figures: dict[str, float], settings: Register) -> tuple[bool, list[str]]:
    """Return whether a champion passes every gate of this module, and a sentence for each gate.

    Args:
        champion: Content of champion.json.
        figures: What figures_of returns.
        settings: `register:` of params.yaml.
    """
    block, majority = champion.sets["validation"], percent(champion.majority_accuracy, space=" ")
    worst = worst_class(champion)
    low = [
        ("min_accuracy", "accuracy", f"validation accuracy {percent(block.accuracy, space=' ')}"),
        (
            "min_gain_over_majority",
            "gain_over_majority",
            f"gain of {100 * figures['gain_over_majority']:.1f} points over always predicting the most frequent class "
            f"({majority})",
        ),
        ("min_macro_f1", "macro_f1", f"validation macro F1 {percent(block.macro_f1, space=' ')}"),
        (
            "min_worst_recall",
            "worst_recall",
            f"recall of the worst class, {worst} ({percent(figures['worst_recall'], space=' ')} of "
            f"{block.per_class[worst].support} validation images),",
        ),
    ]
    sentences, passed = [], []
    for key, figure, text in low:
        minimum = getattr(settings, key)
        passed.append(figures[figure] >= minimum)
        sentences.append(f"{text} {'reaches' if passed[-1] else 'is below'} {key} {100 * minimum:g} %")
    high = [
        ("max_ece", "ece", f"validation calibration error {figures['ece']:.3f}", ""),
        ("max_size_mb", "size_mb", f"size {figures['size_mb']:.1f} MB", " MB"),
    ]
    for key, figure, text, unit in high:
        maximum = getattr(settings, key)
        passed.append(figures[figure] <= maximum)
        sentences.append(f"{text} {'is within' if passed[-1] else 'exceeds'} {key} {maximum:g}{unit}")
    because = [f"gate {'passed' if good else 'failed'}: {text}" for good, text in zip(passed, sentences, strict=True)]
    return all(passed), because
