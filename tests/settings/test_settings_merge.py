"""Which value wins: defaults < train < budget < model < the model's budget < tuned params."""

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from ferflow.base.errors import ConfigError
from ferflow.settings import Config, parse_config
from ferflow.train.recipe import Train

BASE: dict[str, Any] = {
    "dataset": "faces",
    "budget": "small",
    "seed": 1,
    "enabled": ["cnn"],
    "datasets": {"faces": {"source": "sample"}},
    "models": {"cnn": {}},
    "budgets": {"small": {}, "large": {}},
}


def config(**changes: Any) -> Config:
    return parse_config(yaml.safe_dump(BASE | changes))


LAYERS: list[dict[str, Any]] = [
    {"train": {"epochs": 21}},
    {"budgets": {"small": {"train": {"epochs": 22}}, "large": {"train": {"epochs": 99}}}},
    {"models": {"cnn": {"train": {"epochs": 23}}}},
    {"models": {"cnn": {"train": {"epochs": 23}, "budgets": {"small": {"train": {"epochs": 24}}}}}},
]


@pytest.mark.parametrize("count", range(5))
def test_the_later_layer_wins(count: int) -> None:
    changes: dict[str, Any] = {}
    for layer in LAYERS[:count]:
        changes |= layer
    assert config(**changes).resolve("cnn").train.epochs == (20 + count if count else Train().epochs)


def test_tuned_params_win_over_all() -> None:
    changes: dict[str, Any] = {}
    for layer in LAYERS:
        changes |= layer
    tuned = {"train.epochs": 25, "train.augment.rotation": 5.0, "network.head.units": 4}
    resolved = config(**changes).resolve("cnn", tuned)
    assert (resolved.name, resolved.architecture) == ("cnn_tuned", "cnn")
    assert resolved.train.epochs == 25
    assert resolved.train.augment.rotation == 5.0
    assert resolved.network == {"head": {"units": 4}}


def test_an_empty_study_still_has_a_name_of_its_own() -> None:
    assert config().resolve("cnn", {}).name == "cnn_tuned"
    assert config().resolve("cnn").name == "cnn"


def test_the_other_budgets_values_are_left_out() -> None:
    changes = LAYERS[1] | {"models": {"cnn": {"budgets": {"large": {"train": {"patience": 3}, "network": {"a": 1}}}}}}
    small, large = (config(**changes, budget=name).resolve("cnn") for name in ("small", "large"))
    assert (small.train.epochs, small.train.patience, small.network) == (22, Train().patience, {})
    assert (large.train.epochs, large.train.patience, large.network) == (99, 3, {"a": 1})


def test_mappings_are_merged_key_by_key_and_lists_replaced() -> None:
    resolved = config(
        train={"augment": {"flip": True, "rotation": 5.0}},
        models={
            "cnn": {
                "train": {"augment": {"rotation": 10.0, "zoom": 0.1}},
                "network": {"filters": [1, 2], "block": {"a": 1, "b": 2}},
                "budgets": {"small": {"network": {"filters": [3], "block": {"b": 3}}}},
            }
        },
    ).resolve("cnn")
    augment = resolved.train.augment
    assert (augment.flip, augment.rotation, augment.zoom) == (True, 10.0, 0.1)
    assert resolved.network == {"filters": [3], "block": {"a": 1, "b": 3}}


def test_resolving_one_model_leaves_the_next_alone() -> None:
    whole = config(models={"cnn": {"network": {"block": {"a": 1}}}, "other": {}}, enabled=["cnn", "other"])
    whole.resolve("cnn", {"network.block.a": 2, "train.epochs": 3})
    assert whole.resolve("cnn").network == {"block": {"a": 1}}
    assert whole.resolve("cnn").train == whole.resolve("other").train == Train()


@pytest.mark.parametrize(
    ("tuned", "told"),
    [
        ({"learning_rate": 0.1}, "'learning_rate' names nothing; keys start with network. or train."),
        ({"train": 0.1}, "'train' names nothing"),
        ({"evaluate.views": "one"}, "'evaluate.views' names nothing"),
        ({"train.learning_rat": 0.1}, "learning_rat: unknown key. Did you mean learning_rate?"),
        ({"train.learning_rate": -1.0}, "models.cnn.train with tuned params is not right"),
    ],
)
def test_tuned_params_that_are_not_allowed(tuned: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config().resolve("cnn", tuned)
    assert told in str(caught.value)


def test_an_unknown_model_is_told() -> None:
    with pytest.raises(ConfigError, match="no model is named 'vgg'; there are cnn"):
        config().resolve("vgg")


def test_a_config_cannot_be_changed() -> None:
    whole = config()
    with pytest.raises(ValidationError, match="frozen"):
        whole.seed = 2
    with pytest.raises(ValidationError, match="frozen"):
        whole.train.augment.flip = True


def test_results_are_the_enabled_models_then_the_tuned_ones() -> None:
    whole = config(
        models={"b": {}, "a": {}, "c": {}},
        enabled=["b", "a"],
        tune={"models": ["a"], "space": {"network.x": {"choices": [1]}}},
    )
    assert whole.results == ("b", "a", "a_tuned")
