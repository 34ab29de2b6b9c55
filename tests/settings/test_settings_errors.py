"""Every mistake in params.yaml gives one clear error that names the key."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from settings_base import BASE, MODEL

from defaults import PARAMS, ROOT, SECTIONS
from ferflow.base.dotted import flatten, merge, nest
from ferflow.base.errors import ConfigError
from ferflow.settings import Config, load_config, parse_config

RIGHT: dict[str, Any] = merge(
    BASE,
    {
        "results": {
            "cnn_tuned": {"model": "cnn", "architecture": "cnn", "search": "cnn", "teacher": "none", "repeat": 0}
        },
        "tune": {"models": {"cnn": "cnn"}},
        "models": {"cnn": {"budgets": {"small": {"network": {"dense": 8}}}}},
    },
)


def changed(path: str, value: Any) -> dict[str, Any]:
    """A valid config except for one value; `...` removes the key."""
    config = copy.deepcopy(RIGHT)
    section: Any = config
    *parents, last = path.split("/")
    for parent in parents:
        section = section.setdefault(parent, {})
    if value is ...:
        del section[last]
    else:
        section[last] = value
    return config


def message(config: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(yaml.safe_dump(config, sort_keys=False), "my.yaml")
    return str(caught.value)


def test_a_valid_config_is_accepted() -> None:
    config = parse_config(yaml.safe_dump(RIGHT))
    assert config.dataset_entry.source.kind == "sample"
    assert list(config.results) == ["cnn", "cnn_tuned"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("sede", "sede: unknown key. Did you mean seed? Allowed: dataset, budget, seed,"),
        ("promotion", "promotion: unknown key."),
        (
            "clean/blnak",
            "clean.blnak: unknown key. Did you mean blank? Allowed: ",
        ),
        ("train/epoch", "train.epoch: unknown key. Did you mean epochs?"),
        ("train/augment/flop", "train.augment.flop: unknown key. Did you mean flip? Allowed: flip, rotation,"),
        (
            "models/cnn/trian",
            "models.cnn.trian: unknown key. Did you mean train? Allowed: description, architecture, network,",
        ),
        ("models/cnn/budgets/small/netwrok", "models.cnn.budgets.small.netwrok: unknown key. Did you mean network?"),
        ("datasets/faces/source/emotion", "datasets.faces.source.emotion: unknown key. Did you mean emotions?"),
        (
            "datasets/web/source/emotions",
            "datasets.web.source.emotions: unknown key. Allowed: kind, dataset, sha256.",
        ),
        ("budgets/large/tune/trails", "budgets.large.tune.trails: unknown key. Did you mean trials?"),
        ("tune/space/train.learning_rate/hihg", "tune.space.train.learning_rate.hihg: unknown key. Did you mean high?"),
        ("qqqqqqqq", "qqqqqqqq: unknown key. Allowed: dataset,"),
    ],
)
def test_unknown_key(path: str, expected: str) -> None:
    text = message(changed(path, {}))
    assert text.startswith("my.yaml is invalid:\n  ")
    assert expected in text


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("train/epoch", 3, "models.cnn.train is invalid:\n  epoch: unknown key. Did you mean epochs?"),
        ("train/epochs", 0, "models.cnn.train is invalid:\n  epochs: Input should be greater than or equal to 1."),
        ("budgets/small/train/epochs", 1.5, "models.cnn.budgets.small.train is invalid:\n  epochs: "),
        ("train/augment", {"flop": True}, "models.cnn.train is invalid:\n  augment.flop: unknown key."),
    ],
)
def test_wrong_train_of_a_model_names_the_block(path: str, value: Any, expected: str) -> None:
    assert expected in message(changed(f"models/cnn/{path}", value))


@pytest.mark.parametrize("name", ["budgets/small", "budgets/large", "tune"])
def test_every_train_block_is_checked_even_where_another_budget_is_selected(name: str) -> None:
    text = message(changed(f"{name}/train", {"patience": "long"}))
    assert f"{name.replace('/', '.')}.train is invalid:\n  patience: " in text
    assert "'long'" in text


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("seed", "one", "seed: Input should be a valid integer. Received: 'one'."),
        ("seed", "1", "seed: Input should be a valid integer. Received: '1'."),
        ("seed", 1.0, "seed: "),
        ("seed", True, "seed: Input should be a valid integer. Received: True."),
        ("seed", None, "seed: "),
        ("results", "cnn", "results: "),
        ("results/cnn", 1, "results.cnn: "),
        ("backend", "theano", "backend: "),
        ("train", [], "train: "),
        ("models", None, "models: "),
        ("models/cnn", "x", "models.cnn: "),
        ("train/epochs", 2.5, "train.epochs: "),
        ("train/learning_rate", "0.1", "train.learning_rate: "),
        ("train/augment/flip", "yes", "train.augment.flip: "),
        ("datasets/faces/source/damage", 1, "datasets.faces.source.damage: "),
    ],
)
def test_wrong_type(path: str, value: Any, expected: str) -> None:
    text = message(changed(path, value))
    assert expected in text
    assert "Received: " in text


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("seed", -1),
        ("train/epochs", 0),
        ("train/learning_rate", 0.0),
        ("train/learning_rate", float("inf")),
        ("train/learning_rate", float("nan")),
        ("train/label_smoothing", 1.0),
        ("train/plateau_factor", 1.0),
        ("train/monitor", "test_accuracy"),
        ("train/schedule", "stepwise"),
        ("train/augment/shift", -0.1),
        ("train/augment/erasing", 1.1),
        ("train/augment/rotation", 181),
        ("image_size", 7),
        ("results", {}),
        ("prepare/validation_fraction", 0.0),
        ("budgets/large/tune/trials", 0),
        ("datasets/web/source/dataset", "no-owner"),
        ("datasets/web/source/sha256", "abc"),
        ("datasets/faces/source/emotions", 9),
    ],
)
def test_impossible_value(path: str, value: Any) -> None:
    text = message(changed(path, value))
    assert f"\n  {path.replace('/', '.')}: " in text
    assert "Received: " in text


@pytest.mark.parametrize("key", sorted(BASE))
def test_missing_key(key: str) -> None:
    assert f"\n  {key}: missing." in message(changed(key, ...))


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("dataset", "face", "dataset: 'face' is unknown. Did you mean faces? Allowed: faces, web, own."),
        ("budget", "smal", "budget: 'smal' is unknown. Did you mean small? Allowed: small, large."),
        ("results/cnn/model", "vgg", "results.cnn.model: 'vgg' is unknown. Allowed: cnn, other."),
        ("results/cnn/search", "other", "results.cnn.search: 'other' is unknown. Allowed: none, cnn."),
        (
            "results/cnn/architecture",
            "alexnet",
            "results.cnn.architecture: must be cnn, as in models.cnn.architecture. Received: 'alexnet'.",
        ),
        ("tune/models/vgg", "cnn", "tune.models: 'vgg' is unknown. Allowed: cnn, other."),
        ("tune/models/cnn", "vgg", "tune.models.cnn: must be cnn"),
        ("tune/models/other", "alexnet", "tune.models: 'other' is searched, but no result uses its settings."),
        ("models/cnn/budgets/tiny", {}, "models.cnn.budgets: 'tiny' is unknown. Allowed: small, large."),
        (
            "datasets/faces/source/kind",
            "simple",
            "datasets.faces.source.kind: 'simple' is unknown. Allowed: 'sample', 'kaggle'",
        ),
        (
            "datasets/faces/source/kind",
            ...,
            "datasets.faces.source.kind: missing. Allowed: 'sample', 'kaggle', 'local'.",
        ),
        ("datasets/Faces", {"source": "sample"}, "datasets.Faces"),
        ("models/_x", MODEL, "models._x"),
    ],
)
def test_unknown_name(path: str, value: Any, expected: str) -> None:
    assert expected in message(changed(path, value))


def test_tuning_without_a_search_space() -> None:
    assert "tune.space: empty, so there is nothing to search." in message(changed("tune/space", {}))


def test_all_mistakes_are_expected_at_once() -> None:
    config = changed("sede", 1) | {"seed": "x"}
    config["train"] = {**config["train"], "epochs": 0, "patience": 0}
    assert message(config).count("\n") == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [", "my.yaml is not valid YAML: "),
        ("seed: 1\nseed: 2\n", "my.yaml is not valid YAML: "),
        ("a: !!python/object/apply:os.getcwd []\n", "my.yaml is not valid YAML: "),
        ("\x00", "my.yaml is not valid YAML: "),
        ("", "my.yaml must be a mapping of keys to values. Received: NoneType."),
        ("- a\n- b\n", "my.yaml must be a mapping of keys to values. Received: list."),
        ("42", "my.yaml must be a mapping of keys to values. Received: int."),
        ("2020-01-01: x\n", "my.yaml is invalid: keys and values must be plain: "),
        ("? [a, b]\n: c\n", "my.yaml is invalid: keys and values must be plain: "),
        ("a: &x {b: *x}\n", "my.yaml is invalid: keys and values must be plain: "),
    ],
)
def test_text_that_is_no_config(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "my.yaml")
    assert str(caught.value).startswith(expected)


def _missing(path: Path) -> None:
    assert not path.exists()


def _folder(path: Path) -> None:
    path.mkdir()


def _latin1(path: Path) -> None:
    path.write_bytes("licence: café\n".encode("latin-1"))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (_missing, "is missing. Run the command from the project root"),
        (_folder, "cannot be read"),
        (_latin1, "cannot be read"),
    ],
)
def test_file_that_cannot_be_read(tmp_path: Path, make: Callable[[Path], None], expected: str) -> None:
    path = tmp_path / "params.yaml"
    make(path)
    with pytest.raises(ConfigError, match=expected) as caught:
        load_config(path)
    assert str(path) in str(caught.value)


def test_the_repositorys_own_params_load() -> None:
    config = load_config(ROOT / "params.yaml")
    assert isinstance(config, Config)
    assert {"sample", "fer2013"} <= set(config.datasets)
    assert {"smoke", "full"} <= set(config.budgets)
    assert config.dataset_entry.source.kind == "sample", "a fresh clone must run without network and account"


def test_loading_adds_and_changes_nothing() -> None:
    """Code that reads params.yaml decides no value (it has no defaults), so no stage needs to depend on it."""
    assert load_config(ROOT / "params.yaml").model_dump(mode="json", by_alias=True, exclude_unset=True) == PARAMS
    for name in SECTIONS:
        kind = SECTIONS[name]
        assert not [key for key, field in kind.model_fields.items() if not field.is_required()], name


def test_every_leaf_reaches_the_config_as_it_is() -> None:
    """Change each number of params.yaml, and find exactly that change in the config."""
    flat = {key: value for key, value in flatten(PARAMS).items() if type(value) in (int, float) and value}
    checked = 0
    for key, value in flat.items():
        changed_params = merge(PARAMS, nest(key, value * 0.5 if isinstance(value, float) else value + 1))
        try:
            config = parse_config(yaml.safe_dump(changed_params))
        except ConfigError:
            continue  # out of range
        assert config.model_dump(mode="json", by_alias=True, exclude_unset=True) == changed_params, key
        checked += 1
    assert checked > 60
