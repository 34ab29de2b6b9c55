"""How the metrics of a result differ between two sides, image by image where both have predictions."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.base.errors import DataError
from ferflow.base.metrics import mcnemar
from ferflow.reporting.confusion import interval
from ferflow.reporting.set_names import shown_sets
from ferflow.scoring.evaluation_sets import evaluation_masks
from ferflow.scoring.paired_tests import holm, paired_bootstrap
from ferflow.scoring.predictions import Predictions
from ferflow.ui.diff.sides import Side

METRICS = ("accuracy", "macro_f1", "log_loss", "ece")
TESTED = ("accuracy", "macro_f1")
# Where predictions are, and where they were before evaluate was split.
_PLACES = ("reports/infer/{}/predictions_{}.csv", "reports/evaluate/{}/predictions_{}.csv")

MISSING = "the predictions of {} are not in DVC's cache"
OTHER_IMAGES = "the images differ"


@dataclass(frozen=True)
class Tested:
    """A paired difference.

    Attributes:
        value: Difference, after minus before.
        low: Lower end of its interval.
        high: Upper end of its interval.
        p_value: p-value, corrected over the results after Holm: of the exact McNemar test for accuracy, of the paired
            bootstrap for macro F1.
    """

    value: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class SetChange:
    """How a result differs on one set of images.

    Attributes:
        result: Name of the result.
        part: Name of the set.
        before: Metrics of the earlier side, by name.
        after: Metrics of the later side, by name.
        tested: Paired differences by the metric's name; empty if there are none.
        unpaired: Why there are none, or nothing.
    """

    result: str
    part: str
    before: Mapping[str, float]
    after: Mapping[str, float]
    tested: Mapping[str, Tested]
    unpaired: str = ""

    @property
    def same(self) -> bool:
        """Whether every metric is equal."""
        return dict(self.before) == dict(self.after)


@dataclass(frozen=True)
class Resampling:
    """How intervals and p-values are drawn.

    Attributes:
        resamples: Number of bootstrap resamples.
        confidence: Confidence level of the intervals, in (0, 1).
        seed: Seed of the draws.
    """

    resamples: int
    confidence: float
    seed: int


def result_changes(names: Sequence[str], before: Side, after: Side, resampling: Resampling) -> list[SetChange]:
    """Compare the results of these names, which both sides have, on the sets of images that tables show."""
    changes = [change for name in names for change in _changes_of(name, before, after, resampling)]
    for part in dict.fromkeys(change.part for change in changes):
        for metric in TESTED:
            rows = [n for n, change in enumerate(changes) if change.part == part and metric in change.tested]
            corrected = holm([changes[n].tested[metric].p_value for n in rows])
            for n, p_value in zip(rows, corrected, strict=True):
                tested = {**changes[n].tested, metric: replace(changes[n].tested[metric], p_value=p_value)}
                changes[n] = replace(changes[n], tested=tested)
    return changes


def read_metrics(side: Side, name: str) -> dict[str, dict[str, float]] | None:
    """Return the metrics of a result by set, or None if the side has no such result.

    Raises:
        DataError: metrics.json is not JSON.
    """
    path = f"reports/evaluate/{name}/metrics.json"
    text = side.read(path)
    if text is None:
        return None
    try:
        content: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise DataError(f"{path} of {side.label} is not valid JSON: {error}.") from None
    sets = {key: block for key, block in content.items() if isinstance(block, dict) and "accuracy" in block}
    return {key: {name: float(block[name]) for name in METRICS if name in block} for key, block in sets.items()}


def _changes_of(name: str, before: Side, after: Side, resampling: Resampling) -> list[SetChange]:
    old, new = read_metrics(before, name) or {}, read_metrics(after, name) or {}
    parts = [part for part in shown_sets(new) if part in old]
    if all(old[part] == new[part] for part in parts):
        return [SetChange(name, part, old[part], new[part], {}) for part in parts]
    tables = {split: _read_pair(name, split, before, after) for split in ("validation", "test")}
    reasons = {split: table for split, table in tables.items() if isinstance(table, str)}
    if reasons:
        reason = next(iter(reasons.values()))
        return [SetChange(name, part, old[part], new[part], {}, reason) for part in parts]
    pairs = {split: table for split, table in tables.items() if not isinstance(table, str)}
    masks = evaluation_masks(**{split: predictions for split, (predictions, _) in pairs.items()})
    changes = []
    for part in parts:
        split, mask = masks[part]
        predictions, earlier = pairs[split]
        tested = _test(predictions.select(mask), earlier[mask], resampling)
        changes.append(SetChange(name, part, old[part], new[part], tested))
    return changes


def _read_pair(name: str, split: str, before: Side, after: Side) -> tuple[Predictions, npt.NDArray[np.int64]] | str:
    """Return the later predictions and the earlier predicted classes of the same images, or why there are none."""
    old, new = _read_table(before, name, split), _read_table(after, name, split)
    for side, table in ((before, old), (after, new)):
        if table is None:
            return MISSING.format(side.label)
    assert old is not None
    assert new is not None
    classes = tuple(column.removeprefix("p_") for column in new.columns if column.startswith("p_"))
    if not {"group", "copy_in_train"} <= set(new.columns):
        return MISSING.format(after.label)
    old = old.set_index("id", drop=False)
    if len(old) != len(new) or not old.index.is_unique or set(old.index) != set(new["id"]):
        return OTHER_IMAGES
    old = old.loc[new["id"]]
    if old["label"].tolist() != new["label"].tolist() or not set(old["predicted"]) <= set(classes):
        return OTHER_IMAGES
    labels, later, earlier = (
        pd.Categorical(column, categories=list(classes)).codes.astype(np.int64)
        for column in (new["label"], new["predicted"], old["predicted"])
    )
    index = new[["id", "subset", "group", "copy_in_train"]]
    return Predictions(index, labels, np.eye(len(classes))[later], classes), earlier


def _read_table(side: Side, name: str, split: str) -> pd.DataFrame | None:
    for place in _PLACES:
        content = side.read_cached(place.format(name, split))
        if content is not None:
            text = dict.fromkeys(("id", "subset", "label", "predicted"), str)
            return pd.read_csv(io.BytesIO(content), dtype=text, keep_default_na=False)
    return None


def _test(part: Predictions, earlier: npt.NDArray[np.int64], resampling: Resampling) -> dict[str, Tested]:
    tested = {}
    for metric in TESTED:
        difference, resampled, p_value = paired_bootstrap(
            part.labels,
            part.predicted,
            earlier,
            part.groups,
            len(part.classes),
            metric,
            resampling.resamples,
            resampling.seed,
        )
        if metric == "accuracy":
            p_value = mcnemar(part.predicted == part.labels, earlier == part.labels)[2]
        low, high = interval(resampled, resampling.confidence)
        tested[metric] = Tested(difference, low, high, p_value)
    return tested
