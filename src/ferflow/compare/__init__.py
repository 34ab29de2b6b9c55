"""Stage compare: every result side by side, and the champion that validation alone chooses."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ferflow.compare.leaderboard import champion, leaderboard, rank
from ferflow.compare.outputs import write_outputs
from ferflow.compare.reading import read_results
from ferflow.compare.significance import significance_table
from ferflow.settings import Compare

__all__ = ["compare"]


def compare(
    names: Sequence[str], evaluations: Path, trainings: Path, out: Path, settings: Compare, dataset: str, seed: int
) -> dict[str, Any]:
    """Rank the results, test each pair for more than luck, name the champion, and write it all into `out`.

    Args:
        names: of the results; others that stand in the folders do not count.
        evaluations: the folder of evaluate's folders.
        trainings: the folder of train's.
        out: the folder to write: leaderboard.csv, leaderboard.md, significance.csv, champion.json, headline.json
            (the few numbers for `dvc metrics`), and in figures/ leaderboard.png and accuracy_vs_macs.png.
        settings: of `compare:`.
        dataset: its name in params.yaml.
        seed: of the paired bootstrap.

    Returns:
        What champion.json holds, see ferflow.compare.leaderboard.champion.

    Raises:
        DataError: a result is missing, or the results do not belong together.
    """
    ranked = rank(read_results(names, evaluations, trainings), settings.metric)
    significance = significance_table(ranked, settings.metric, settings.resamples, settings.confidence, seed)
    best = champion(ranked, significance, dataset, settings.metric, settings.confidence)
    write_outputs(out, leaderboard(ranked), significance, best)
    return best
