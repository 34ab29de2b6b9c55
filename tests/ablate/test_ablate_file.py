"""An ablation file is checked as a whole, and gives each arm its settings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from defaults import PARAMS, ROOT
from ferflow.ablate.ablation_file import arm_settings, read_ablation
from ferflow.base.errors import ConfigError
from ferflow.settings import Config, load_config

FILES = sorted((ROOT / "ablations").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files_of_the_repository_are_valid(path: Path) -> None:
    from ferflow.train.architectures import check_options

    config, ablation = load_config(ROOT / "params.yaml"), read_ablation(path)
    for arm in ablation.arms:
        settings = arm_settings(config, ablation, arm)
        check_options(settings.architecture, settings.network, settings.model)


def test_there_is_a_file() -> None:
    assert FILES


def test_changes_apply_over_the_base_over_the_budget(write_file: Callable[..., Path], config: Config) -> None:
    arms = {"a": {}, "b": {"train.epochs": 7, "network.pool": "mean", "train.sides": [], "seed": 9}}
    ablation = read_ablation(write_file(arms=arms))
    first, second = (arm_settings(config, ablation, arm) for arm in arms)
    assert (first.train.epochs, second.train.epochs) == (2, 7)
    assert (first.train.learning_rate, second.train.learning_rate) == (0.05, 0.05)
    assert (first.network["pool"], second.network["pool"]) == ("max", "mean")
    assert first.train.sides
    assert second.train.sides == ()
    assert (first.seed, second.seed) == (3, 9)
    assert first.train.batch_size == 16  # the block's; params.yaml selects another budget, which does not count
    assert config.budget != ablation.budget


def test_every_training_runs_to_its_end_and_keeps_the_last_epoch(
    write_file: Callable[..., Path], config: Config
) -> None:
    ablation = read_ablation(write_file(budget="ten_minutes", arms={"a": {"train.epochs": 5}}))
    train = arm_settings(config, ablation, "a").train
    assert (train.patience, train.keep, train.max_minutes) == (5, "last", None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": {"a": {"epochs": 3}}}, "arms.a: unknown key 'epochs'. Keys start with network. or train."),
        ({"base": {"train": {"epochs": 3}}}, "base: unknown key 'train'"),
        ({"base": {"train.patience": 3}}, "train.patience cannot be set"),
        ({"arms": {"a": {"train.keep": "best"}}}, "arms.a: train.keep cannot be set"),
        ({"arms": {}}, "arms"),
        ({"arms": {"No good": {}}}, "arms"),
        ({"folds": 1}, "folds"),
        ({"folds_to_run": 4}, "folds_to_run: must be at most folds, 3. Received: 4."),
        ({"fold": 3}, "fold: unknown key. Did you mean folds?"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(
    write_file: Callable[..., Path], changes: dict[str, Any], message: str
) -> None:
    path = write_file(**changes)
    with pytest.raises(ConfigError) as caught:
        read_ablation(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "tinyy"}, "model: 'tinyy' is not in params.yaml. Did you mean tiny?"),
        ({"budget": "none"}, "budget: 'none' is not in params.yaml."),
        ({"arms": {"a": {"train.epochs": 0}}}, "train.epochs"),
        ({"arms": {"a": {"seed": -1}}}, "seed"),
        ({"arms": {"a": {"train.schedule": "plateau"}}}, "arms.a: schedule: plateau lowers the rate by the results on"),
    ],
)
def test_what_is_wrong_in_an_arm_is_named(
    write_file: Callable[..., Path], config: Config, changes: dict[str, Any], message: str
) -> None:
    ablation = read_ablation(write_file(**changes))
    with pytest.raises(ConfigError) as caught:
        arm_settings(config, ablation, next(iter(ablation.arms)))
    assert message in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is missing"):
        read_ablation(tmp_path / "none.yaml")
    (tmp_path / "twice.yaml").write_text(yaml.safe_dump(PARAMS["seed"]) + "a: [\n")
    with pytest.raises(ConfigError, match="is not valid YAML"):
        read_ablation(tmp_path / "twice.yaml")
    (tmp_path / "same.yaml").write_text("arms:\n  a: {}\n  a: {}\n")
    with pytest.raises(ConfigError, match="is not valid YAML"):
        read_ablation(tmp_path / "same.yaml")
