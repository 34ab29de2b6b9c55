"""Everything that differs between a git revision and the files on disk."""

import json
from dataclasses import dataclass
from pathlib import Path

from ferflow.settings import Config
from ferflow.ui.diff.pipeline_changes import ParamChange, StageChanges, param_changes, stage_changes
from ferflow.ui.diff.result_changes import Resampling, SetChange, read_metrics, result_changes
from ferflow.ui.diff.sides import Commit, Side, Workspace, find_commit, read_yaml

REPORTS = "reports"


@dataclass(frozen=True)
class PictureChange:
    """A figure that differs.

    Attributes:
        path: Path from the project's root.
        before: Earlier PNG, or None if there was none.
        after: Later PNG, or None if there is none.
    """

    path: str
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True)
class Difference:
    """What differs between a commit and the files on disk.

    Attributes:
        before: The commit.
        after: The files on disk.
        same_lock: Whether dvc.lock is the same to the byte.
        params: Keys of params.yaml that differ.
        stages: What differs in dvc.lock.
        results: Every result of both sides, on each set of images.
        added: Results that only the later side has, with their validation accuracy.
        removed: Results that only the earlier side has, with their validation accuracy.
        champions: Champion of each side, or None.
        pictures: Figures that differ.
        confidence: Confidence level of the intervals.
    """

    before: Commit
    after: Workspace
    same_lock: bool
    params: list[ParamChange]
    stages: StageChanges
    results: list[SetChange]
    added: dict[str, float]
    removed: dict[str, float]
    champions: tuple[str | None, str | None]
    pictures: list[PictureChange]
    confidence: float

    @property
    def unpaired(self) -> list[str]:
        """The reasons why results have no paired tests, each once."""
        return list(dict.fromkeys(change.unpaired for change in self.results if change.unpaired))


def find_difference(root: Path, revision: str, config: Config) -> Difference:
    """Compare a git revision with the files on disk.

    Args:
        root: Project root.
        revision: Branch, tag, hash or expression such as `HEAD~1`.
        config: params.yaml: the level of the intervals and the seed of the bootstrap.

    Raises:
        DataError: There is no such revision, or a file of one side is invalid.
    """
    before, after = find_commit(root, revision), Workspace(root)
    resampling = Resampling(config.compare.resamples, config.compare.confidence, config.seed)
    names = [_results(before), _results(after)]
    both = [name for name in names[1] if name in names[0]]
    return Difference(
        before=before,
        after=after,
        same_lock=before.read("dvc.lock") == after.read("dvc.lock"),
        params=param_changes(read_yaml(before, "params.yaml"), read_yaml(after, "params.yaml")),
        stages=stage_changes(read_yaml(before, "dvc.lock"), read_yaml(after, "dvc.lock")),
        results=result_changes(both, before, after, resampling),
        added={name: _validation(after, name) for name in names[1] if name not in both},
        removed={name: _validation(before, name) for name in names[0] if name not in both},
        champions=(_champion(before), _champion(after)),
        pictures=_pictures(before, after),
        confidence=config.compare.confidence,
    )


def _results(side: Side) -> list[str]:
    """Return the results of params.yaml that have been evaluated."""
    results = read_yaml(side, "params.yaml").get("results") or {}
    return [name for name in results if read_metrics(side, name)]


def _validation(side: Side, name: str) -> float:
    metrics = read_metrics(side, name) or {}
    return metrics["validation"]["accuracy"]


def _champion(side: Side) -> str | None:
    content = side.read("reports/compare/champion.json")
    return None if content is None else str(json.loads(content)["model"])


def _pictures(before: Side, after: Side) -> list[PictureChange]:
    old, new = set(before.pictures(REPORTS)), set(after.pictures(REPORTS))
    found = []
    for path in sorted(old | new):
        contents = before.read(path) if path in old else None, after.read(path) if path in new else None
        if contents[0] != contents[1]:
            found.append(PictureChange(path, *contents))
    return found
