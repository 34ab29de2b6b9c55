"""Stage compare: all results in one leaderboard, and the champion, chosen on validation alone."""

from collections.abc import Sequence
from pathlib import Path

from ferflow.compare.agreement import agreement_table
from ferflow.compare.comparison import Comparison
from ferflow.compare.comparison_report import write_comparison
from ferflow.compare.ensembles import Member, Statistics, ensembles_table
from ferflow.compare.leaderboard import choose_champion, leaderboard, rank
from ferflow.compare.result_reader import read_results
from ferflow.compare.robustness import baseline_of
from ferflow.compare.significance import significance_table
from ferflow.reporting.result_contracts import Champion
from ferflow.settings.judging import Compare

__all__ = ["compare"]


def compare(
    names: Sequence[str],
    evaluations: Path,
    inferences: Path,
    trainings: Path,
    out: Path,
    settings: Compare,
    dataset: str,
    seed: int,
) -> Champion:
    """Rank the results, test each pair for a significant difference, and choose the champion.

    Args:
        names: Names of the results; others in the folders are ignored.
        evaluations: Folder with a folder for each result, as evaluate writes it.
        inferences: Folder with a folder for each result, as infer writes it.
        trainings: Folder with a folder for each result, as train writes it.
        out: Folder to write: index.html, a page with everything; leaderboard.csv, per_class.csv, significance.csv,
            agreement.csv, ensembles.csv and robustness.csv; leaderboard.md, champion.json, headline.json (the few
            numbers for `dvc metrics`); and in figures/ the page's figures as PNG.
        settings: `compare:` of params.yaml.
        dataset: Name of the dataset in params.yaml.
        seed: Seed of the paired bootstrap.

    Returns:
        The content of champion.json.

    Raises:
        DataError: A result is missing, or the results do not belong together.
    """
    ranked = rank(read_results(names, evaluations, inferences, trainings), settings.metric)
    significance = significance_table(ranked, settings.metric, settings.resamples, settings.confidence, seed)
    champion = choose_champion(ranked, significance, dataset, settings.metric, settings.confidence)
    statistics = Statistics(settings.resamples, settings.confidence, seed)
    members = [Member(result.name, result.predictions, result.metrics.temperature) for result in ranked]
    comparison = Comparison(
        ranked=ranked,
        board=leaderboard(ranked),
        significance=significance,
        agreement=agreement_table(ranked),
        ensembles=ensembles_table(members, settings.metric, statistics),
        baseline=baseline_of(ranked, dataset),
        champion=champion,
        level=round(1 - settings.confidence, 9),
    )
    write_comparison(out, comparison)
    return champion
