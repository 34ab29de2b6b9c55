"""Settings for tests: those of the repository's params.yaml, with changes."""

import json
from pathlib import Path
from typing import Any

import yaml

from ferflow.base.dotted import merge
from ferflow.settings.data import Clean, Eda, Prepare
from ferflow.settings.datasets import Unpack
from ferflow.settings.judging import Compare, Evaluate, Register
from ferflow.settings.training import Tune
from ferflow.train.recipe import Augment, Train

ROOT = Path(__file__).parents[1]
PARAMS: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
SECTIONS = {
    "unpack": Unpack,
    "clean": Clean,
    "eda": Eda,
    "prepare": Prepare,
    "train": Train,
    "tune": Tune,
    "evaluate": Evaluate,
    "compare": Compare,
    "register": Register,
}


def section(name: str, /, **changes: Any) -> Any:
    """A section of params.yaml as its settings object: section("train", epochs=2, augment={"flip": True})."""
    return SECTIONS[name].model_validate_json(json.dumps(merge(PARAMS[name], changes), default=str))


def augment(**changes: Any) -> Augment:
    """Augmentation settings with everything off but the changes."""
    return section("train", augment=changes).augment


def network(model: str, /, **changes: Any) -> dict[str, Any]:
    """The `network:` options of a model's block in params.yaml, with changes."""
    return merge(PARAMS["models"][model]["network"], changes)
