"""Which value wins: train < budget < model < the model's block for the budget < what a search found."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from settings_base import BASE, MODEL

from defaults import ROOT
from ferflow.base.dotted import merge
from ferflow.base.errors import ConfigError
from ferflow.settings import Config, parse_config
from ferflow.settings.resolve import resolve_result, resolve_search, unpinned
from ferflow.train.recipe import ResultSettings

SEARCHED = {"tuned": {"model": "cnn", "architecture": "cnn", "search": "cnn", "teacher": "none", "repeat": 0}}


def config(**changes: Any) -> Config:
    return parse_config(yaml.safe_dump(merge(BASE, changes)))


def resolved(name: str = "cnn", found: dict[str, Any] | None = None, **changes: Any) -> ResultSettings:
    return resolve_result(config(**changes), name, found or {})


LAYERS: list[dict[str, Any]] = [
    {"train": {"epochs": 21}},
    {"budgets": {"small": {"train": {"epochs": 22}}, "large": {"train": {"epochs": 99}}}},
    {"models": {"cnn": {"train": {"epochs": 23}}}},
    {"models": {"cnn": {"budgets": {"small": {"train": {"epochs": 24}}}}}},
]


def layers(count: int) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for layer in LAYERS[:count]:
        changes = merge(changes, layer)
    return changes


@pytest.mark.parametrize("count", range(5))
def test_the_later_layer_wins(count: int) -> None:
    assert resolved(**layers(count)).train.epochs == (20 + count if count else BASE["train"]["epochs"])


def test_what_a_search_found_wins_over_all() -> None:
    found = {"train.epochs": 25, "train.augment.rotation": 5.0, "network.head.units": 4}
    changes = merge(layers(4), {"results": SEARCHED, "tune": {"models": {"cnn": "cnn"}}})
    tuned = resolved("tuned", found, **changes)
    assert (tuned.result, tuned.model, tuned.architecture) == ("tuned", "cnn", "cnn")
    assert tuned.train.epochs == 25
    assert tuned.train.augment.rotation == 5.0
    assert tuned.network == {"head": {"units": 4}}


def test_another_budgets_values_are_left_out() -> None:
    special = {"train": {"patience": 3}, "network": {"a": 1}}
    changes = merge(LAYERS[1], {"models": {"cnn": {"budgets": {"large": special}}}})
    small, large = (resolved(**changes, budget=name) for name in ("small", "large"))
    assert (small.train.epochs, small.train.patience, small.network) == (22, BASE["train"]["patience"], {})
    assert (large.train.epochs, large.train.patience, large.network) == (99, 3, {"a": 1})


def test_mappings_are_merged_key_by_key_and_lists_replaced() -> None:
    settings = resolved(
        train={"augment": {"flip": "random", "rotation": 5.0}},
        models={
            "cnn": {
                "train": {"augment": {"rotation": 10.0, "zoom": 0.1}},
                "network": {"filters": [1, 2], "block": {"a": 1, "b": 2}},
                "budgets": {"small": {"network": {"filters": [3], "block": {"b": 3}}}},
            }
        },
    )
    augment = settings.train.augment
    assert (augment.flip, augment.rotation, augment.zoom) == ("random", 10.0, 0.1)
    assert settings.network == {"filters": [3], "block": {"a": 1, "b": 3}}


def test_a_variant_takes_its_architecture_from_its_block() -> None:
    wide = {"model": "wide", "architecture": "cnn", "search": "none", "teacher": "none", "repeat": 0}
    settings = resolved("wide", models={"wide": MODEL}, results={"wide": wide})
    assert (settings.result, settings.model, settings.architecture) == ("wide", "wide", "cnn")


def test_settings_name_backend_and_versions() -> None:
    settings = resolved()
    assert settings.backend == "tensorflow"
    assert {"keras", "tensorflow", "numpy"} <= set(settings.versions)


def test_a_search_depends_on_no_key_that_a_trial_replaces() -> None:
    changes = {"results": SEARCHED, "tune": {"models": {"cnn": "cnn"}}}
    before = resolve_search(config(**changes), "cnn")
    assert before.train.epochs == 1
    after = resolve_search(config(**merge(changes, {"train": {"epochs": 77}})), "cnn")
    assert after == before
    assert "optuna" in before.versions


def test_a_trial_applies_its_params() -> None:
    search = resolve_search(config(results=SEARCHED, tune={"models": {"cnn": "cnn"}}), "cnn")
    trial = search.trial({"train.learning_rate": 0.5, "network.dropout": 0.1})
    assert trial.train.learning_rate == 0.5
    assert trial.network == {"dropout": 0.1}
    assert trial.train.epochs == search.train.epochs


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"learning_rate": 0.1}, "unknown key 'learning_rate'. Keys start with network. or train."),
        ({"train": 0.1}, "unknown key 'train'"),
        ({"evaluate.views": "one"}, "unknown key 'evaluate.views'"),
        ({"train.learning_rat": 0.1}, "learning_rat: unknown key. Did you mean learning_rate?"),
        ({"train.learning_rate": -1.0}, "models.cnn is invalid:\n  train.learning_rate: "),
    ],
)
def test_params_of_a_search_that_are_not_allowed(found: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolved(found=found)
    assert expected in str(caught.value)


def test_an_unknown_result_or_search_is_reported() -> None:
    with pytest.raises(ConfigError, match="results: 'vgg' is unknown"):
        resolved("vgg")
    with pytest.raises(ConfigError, match="'cnn' is unknown"):
        resolve_search(config(), "cnn")


def test_a_config_cannot_be_changed() -> None:
    whole = config()
    with pytest.raises(ValidationError, match="frozen"):
        whole.seed = 2
    with pytest.raises(ValidationError, match="frozen"):
        whole.train.augment.flip = "random"


def test_libraries_other_than_the_pinned_ones_are_reported(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("keras==3.1.0 \\\n    --hash=sha256:00\nnumpy==2.0.0 ; python_version >= '3.11'\n")
    assert unpinned({"keras": "3.1.0", "numpy": "2.0.0", "tensorflow": "2.0"}, lock) == []
    (line,) = unpinned({"keras": "3.2.0", "numpy": "2.0.0"}, lock)
    assert line.startswith("keras 3.2.0 is installed, but")
    assert "pins 3.1.0" in line
    assert unpinned(resolved().versions, ROOT / "requirements.lock") == [], "this environment is the pinned one"
