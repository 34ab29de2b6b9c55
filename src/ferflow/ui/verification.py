"""Whether a rerun agrees with the results of a git revision: to the byte, or within the intervals of its metrics."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ferflow.base.errors import DataError
from ferflow.reporting.set_names import shown_sets
from ferflow.reporting.text import listed
from ferflow.ui.diff.pipeline_changes import stage_changes
from ferflow.ui.diff.sides import Commit, Side, Workspace, find_commit, read_yaml
from ferflow.ui.processor import LOCK, NOTE, processor_kind, processors_of

METRICS = ("accuracy", "macro_f1")
"""The metrics that evaluate reports with an interval."""

_FIELDS = {"images", *(f"{name}{end}" for name in METRICS for end in ("", "_low", "_high"))}

ROUNDED = frozenset({"eda", "train", "tune", "teach", "infer", "export"})
"""Stages whose outputs depend on how the processor rounds. All others give the same bytes from the same inputs."""


@dataclass(frozen=True)
class Compared:
    """A metric of the revision and of the rerun.

    Attributes:
        result: Name of the result.
        part: Name of the set of images.
        metric: Name of the metric, one of METRICS.
        before: Value in the revision, in [0, 1].
        low: Lower end of its interval.
        high: Upper end of its interval.
        now: Value on disk, in [0, 1].
    """

    result: str
    part: str
    metric: str
    before: float
    low: float
    high: float
    now: float

    @property
    def within(self) -> bool:
        """Whether the rerun's value is within the interval."""
        return self.low <= self.now <= self.high


@dataclass(frozen=True)
class Verification:
    """What a rerun has in common with a revision.

    Attributes:
        commit: The revision.
        same_lock: Whether dvc.lock is the same to the byte.
        differing: Stages whose outputs differ.
        stages: Number of stages.
        unexplained: Stages that wrote other bytes from the same inputs although no rounding explains it.
        made_on: Kinds of processor that the revision's outputs were made on; empty if unknown.
        kind: This processor's kind.
        metrics: Every metric that has an interval; empty if dvc.lock is the same.
        champions: Champion of the revision and on disk.
    """

    commit: Commit
    same_lock: bool
    differing: list[str]
    stages: int
    unexplained: list[str]
    made_on: list[str]
    kind: str
    metrics: list[Compared]
    champions: tuple[str, str]

    @property
    def reasons(self) -> list[str]:
        """Why the rerun does not agree with the revision, as clauses; empty if it does."""
        found = []
        outside = sum(not row.within for row in self.metrics)
        if self.unexplained:
            found.append(
                f"{listed(self.unexplained)} wrote other outputs from the same inputs, which rounding cannot explain"
            )
        if not self.same_lock and self.made_on == [self.kind]:
            found.append("the same kind of processor must give the same bytes")
        if outside:
            found.append(f"{outside} of {len(self.metrics)} metrics are outside their intervals")
        return found


def verify(root: Path, revision: str) -> Verification:
    """Compare the results on disk with those of a git revision.

    Args:
        root: Project root.
        revision: Branch, tag, hash or expression such as `HEAD~1`.

    Raises:
        DataError: There is no such revision; it or the disk has no results; the question is another one, because
            params, commands or code differ; or the results are about other images.
    """
    before, after = find_commit(root, revision), Workspace(root)
    locks = before.read(LOCK), after.read(LOCK)
    if None in locks:
        label = before.label if locks[0] is None else after.label
        raise DataError(f"{LOCK} of {label} does not exist. Run: make repro.")
    same = locks[0] == locks[1]
    changes = stage_changes(read_yaml(before, LOCK), read_yaml(after, LOCK))
    other = [*changes.inputs, *changes.added, *changes.removed]
    if other:
        raise DataError(
            f"The results on disk are no rerun of {before.label}: {listed(other, 5)} differ. To see what changed, run: "
            f"ferflow diff {revision}. To rerun a revision, check it out and run: make repro."
        )
    stages = read_yaml(after, LOCK).get("stages") or {}
    return Verification(
        commit=before,
        same_lock=same,
        differing=changes.outputs,
        stages=len(stages),
        unexplained=_unexplained(read_yaml(before, LOCK), read_yaml(after, LOCK), changes.outputs),
        made_on=processors_of(locks[0], before.read(NOTE)),
        kind=processor_kind(),
        metrics=[] if same else _metrics(before, after),
        champions=(_champion(before), _champion(after)),
    )


def _unexplained(before: Mapping[str, Any], after: Mapping[str, Any], differing: list[str]) -> list[str]:
    def inputs(lock: Mapping[str, Any], stage: str) -> dict[str, str]:
        return {dep["path"]: dep.get("md5") for dep in lock["stages"][stage].get("deps", ())}

    exact = [stage for stage in differing if stage.partition("@")[0] not in ROUNDED]
    return [stage for stage in exact if inputs(before, stage) == inputs(after, stage)]


def _metrics(before: Side, after: Side) -> list[Compared]:
    rows = []
    for result in read_yaml(after, "params.yaml").get("results") or {}:
        path = f"reports/evaluate/{result}/metrics.json"
        sides = []
        for side in (before, after):
            blocks = {key: block for key, block in _read(side, path).items() if isinstance(block, dict)}
            sides.append(blocks)
            if any(not blocks.get(part, {}).keys() >= _FIELDS for part in ("validation", "test")):
                raise DataError(f"{path} of {side.label} lacks metrics or their intervals. Run: make repro.")
        old, new = sides
        for part in shown_sets(key for key, block in old.items() if block.keys() >= _FIELDS):
            one, other = old[part], new.get(part, {})
            if other.get("images") != one["images"]:
                raise DataError(
                    f"{path}: {part} has {other.get('images', 0)} images on disk and {one['images']} in "
                    f"{before.label}, so the metrics cannot be compared. Run: make repro."
                )
            rows += [
                Compared(result, part, name, one[name], one[f"{name}_low"], one[f"{name}_high"], other[name])
                for name in METRICS
            ]
    return rows


def _read(side: Side, path: str) -> dict[str, Any]:
    content = side.read(path)
    try:
        value = json.loads(content or b"")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        state = "does not exist" if content is None else "is not valid JSON"
        raise DataError(f"{path} of {side.label} {state}. Run: make repro.")
    return value


def _champion(side: Side) -> str:
    return str(_read(side, "reports/compare/champion.json").get("model"))
