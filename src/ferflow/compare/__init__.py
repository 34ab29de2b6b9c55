"""Stage compare: all results in one leaderboard, and the champion, chosen on validation alone."""

from collections.abc import Sequence
from pathlib import Path

from ferflow.compare.comparison_report import write_comparison
from ferflow.compare.leaderboard import choose_champion, leaderboard, rank
from ferflow.compare.result_reader import read_results
from ferflow.compare.significance import significance_table
from ferflow.reporting.result_contracts import Champion
from ferflow.settings.judging import Compare

__all__ = ["compare"]


def compare(
    names: Sequence[str], evaluations: Path, trainings: Path, out: Path, settings: Compare, dataset: str, seed: int
) -> Champion:
    """Rank the results, test each pair for a significant difference, and choose the champion.

    Args:
        names: Names of the results; others in the folders are ignored.
        evaluations: Folder with a folder for each result, as evaluate writes it.
        trainings: Folder with a folder for each result, as train writes it.
        out: Folder to write: leaderboard.csv, leaderboard.md, significance.csv, champion.json, headline.json (the few
            numbers for `dvc metrics`), and in figures/ leaderboard.png and accuracy_vs_macs.png.
        settings: `compare:` of params.yaml.
        dataset: Name of the dataset in params.yaml.
        seed: Seed of the paired bootstrap.

    Returns:
        The content of champion.json.

    Raises:
        DataError: A result is missing, or the results do not belong together.
    """
    ranked = rank(read_results(names, evaluations, trainings), settings.metric)
    significance = significance_table(ranked, settings.metric, settings.resamples, settings.confidence, seed)
    champion = choose_champion(ranked, significance, dataset, settings.metric, settings.confidence)
    write_comparison(out, leaderboard(ranked), significance, champion)
    return champion
