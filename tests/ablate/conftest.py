"""Data, params and ablation files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ablate_helpers import FILE, TINY, drawn_split

from defaults import PARAMS
from ferflow.base.arrays import write_split
from ferflow.base.dotted import merge
from ferflow.settings import Config, parse_config


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ablate") / "data/prepare"
    write_split(folder, "train", drawn_split(60, 0, 1))
    write_split(folder, "validation", drawn_split(18, 1000, 2))
    return folder


@pytest.fixture(scope="session")
def params() -> dict[str, Any]:
    """params.yaml with a model that trains in a second."""
    block = merge(PARAMS["models"]["ferflow_flash"], {"description": "tiny", "network": TINY})
    train = {"epochs": 2, "patience": 2, "batch_size": 16, "warmup_epochs": 0.5, "norm_batches": 2}
    block = merge(block, {"train": {**train, "sides": [{"share": 0.5, "side": 12, "by": "crop"}]}})
    return merge(PARAMS, {"models": {"tiny": block}, "compare": {"resamples": 200}})


@pytest.fixture(scope="session")
def config(params: dict[str, Any]) -> Config:
    return parse_config(yaml.safe_dump(params))


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[..., Path]:
    """Write an ablation file with changes to its keys."""

    def write(name: str = "flips", **changes: Any) -> Path:
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump({**FILE, **changes}, sort_keys=False))
        return path

    return write
