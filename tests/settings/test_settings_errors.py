"""Every mistake in params.yaml gives one clear error that names the key."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ferflow.base.errors import ConfigError
from ferflow.settings import Config, load_config, parse_config

RIGHT: dict[str, Any] = {
    "dataset": "faces",
    "budget": "small",
    "seed": 1,
    "enabled": ["cnn"],
    "datasets": {
        "faces": {"source": "sample"},
        "web": {"source": "kaggle", "dataset": "owner/name"},
        "own": {"source": "local"},
    },
    "train": {"epochs": 9, "augment": {"flip": True}},
    "models": {"cnn": {"budgets": {"small": {"network": {"dense": 8}}}}, "other": {}},
    "tune": {"models": ["cnn"], "space": {"train.learning_rate": {"low": 0.001, "high": 0.1, "log": True}}},
    "budgets": {"small": {"train": {"epochs": 2}}, "large": {}},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """A right config but for one value; `...` takes the key out."""
    config = copy.deepcopy(RIGHT)
    place: Any = config
    *parents, last = path.split("/")
    for parent in parents:
        place = place.setdefault(parent, {})
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return config


def message(config: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(yaml.safe_dump(config, sort_keys=False), "my.yaml")
    return str(caught.value)


def test_the_right_config_is_right() -> None:
    config = parse_config(yaml.safe_dump(RIGHT))
    assert config.source.source == "sample"
    assert config.results == ("cnn", "cnn_tuned")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("sede", "sede: unknown key. Did you mean seed? Allowed: dataset, budget, seed,"),
        ("promotion", "promotion: unknown key."),
        (
            "clean/image_sise",
            "clean.image_sise: unknown key. Did you mean image_size? Allowed: image_size, wrong_size,",
        ),
        ("train/epoch", "train.epoch: unknown key. Did you mean epochs?"),
        ("train/augment/flop", "train.augment.flop: unknown key. Did you mean flip? Allowed: flip, rotation,"),
        ("models/cnn/trian", "models.cnn.trian: unknown key. Did you mean train? Allowed: description, network,"),
        ("models/cnn/budgets/small/netwrok", "models.cnn.budgets.small.netwrok: unknown key. Did you mean network?"),
        ("datasets/faces/emotion", "datasets.faces.emotion: unknown key. Did you mean emotions? Allowed: description,"),
        (
            "datasets/web/emotions",
            "datasets.web.emotions: unknown key. Allowed: description, licence, labels, classes, source, dataset,",
        ),
        ("budgets/large/tune/trails", "budgets.large.tune.trails: unknown key. Did you mean trials?"),
        ("tune/space/train.learning_rate/hihg", "tune.space.train.learning_rate.hihg: unknown key. Did you mean high?"),
        ("qqqqqqqq", "qqqqqqqq: unknown key. Allowed: dataset,"),
    ],
)
def test_unknown_key(path: str, told: str) -> None:
    text = message(changed(path, {}))
    assert text.startswith("my.yaml is not right:\n  ")
    assert told in text


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("train/epoch", 3, "models.cnn.train is not right:\n  epoch: unknown key. Did you mean epochs?"),
        ("train/epochs", 0, "models.cnn.train is not right:\n  epochs: Input should be greater than or equal to 1."),
        ("budgets/small/train/epochs", 1.5, "models.cnn.budgets.small.train is not right:\n  epochs: "),
        ("train/augment", {"flop": True}, "models.cnn.train is not right:\n  augment.flop: unknown key."),
    ],
)
def test_wrong_train_of_a_model_names_the_block(path: str, value: Any, told: str) -> None:
    assert told in message(changed(f"models/cnn/{path}", value))


@pytest.mark.parametrize("name", ["budgets/small", "budgets/large", "tune"])
def test_every_train_block_is_checked_even_where_another_budget_is_selected(name: str) -> None:
    text = message(changed(f"{name}/train", {"patience": "long"}))
    assert f"{name.replace('/', '.')}.train is not right:\n  patience: " in text
    assert "'long'" in text


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("seed", "one", "seed: Input should be a valid integer. Received: 'one'."),
        ("seed", "1", "seed: Input should be a valid integer. Received: '1'."),
        ("seed", 1.0, "seed: "),
        ("seed", True, "seed: Input should be a valid integer. Received: True."),
        ("seed", None, "seed: "),
        ("enabled", "cnn", "enabled: "),
        ("enabled", [1], "enabled.0: "),
        ("train", [], "train: "),
        ("models", None, "models: "),
        ("models/cnn", "x", "models.cnn: "),
        ("train/epochs", 2.5, "train.epochs: "),
        ("train/learning_rate", "0.1", "train.learning_rate: "),
        ("train/augment/flip", "yes", "train.augment.flip: "),
        ("datasets/faces/damage", 1, "datasets.faces.damage: "),
    ],
)
def test_wrong_type(path: str, value: Any, told: str) -> None:
    text = message(changed(path, value))
    assert told in text
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
        ("train/schedule", "linear"),
        ("train/augment/shift", -0.1),
        ("train/augment/erasing", 1.1),
        ("train/augment/rotation", 181),
        ("clean/image_size", 7),
        ("prepare/validation_fraction", 0.0),
        ("budgets/large/tune/trials", 0),
        ("datasets/web/dataset", "no-owner"),
        ("datasets/web/sha256", "abc"),
        ("datasets/faces/emotions", 9),
    ],
)
def test_impossible_value(path: str, value: Any) -> None:
    text = message(changed(path, value))
    assert f"\n  {path.replace('/', '.')}: " in text
    assert "Received: " in text


@pytest.mark.parametrize("key", ["dataset", "budget", "seed", "enabled", "datasets", "models", "budgets"])
def test_missing_key(key: str) -> None:
    assert f"\n  {key}: missing." in message(changed(key, ...))


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("dataset", "face", "dataset: 'face' is not known. Did you mean faces? Allowed: faces, web, own."),
        ("budget", "smal", "budget: 'smal' is not known. Did you mean small? Allowed: small, large."),
        ("enabled", ["cnn", "vgg"], "enabled: 'vgg' is not known. Allowed: cnn, other."),
        ("enabled", ["cnn", "cnn"], "enabled: a model is named twice. Received: cnn, cnn."),
        ("tune/models", ["other"], "tune.models: 'other' is not known. Allowed: cnn."),
        ("models/cnn/budgets/tiny", {}, "models.cnn.budgets: 'tiny' is not known. Allowed: small, large."),
        (
            "datasets/faces/source",
            "simple",
            "datasets.faces.source: 'simple' is not known. Allowed: 'sample', 'kaggle'",
        ),
        ("datasets/faces/source", ..., "datasets.faces.source: missing. Allowed: 'sample', 'kaggle', 'local'."),
        ("datasets/Faces", {"source": "sample"}, "datasets.Faces"),
        ("models/_x", {}, "models._x"),
    ],
)
def test_unknown_name(path: str, value: Any, told: str) -> None:
    assert told in message(changed(path, value))


def test_tuning_without_a_search_space() -> None:
    assert "tune.space: empty, so there is nothing to search." in message(changed("tune/space", {}))


def test_all_mistakes_are_told_at_once() -> None:
    config = changed("sede", 1) | {"seed": "x"}
    config["train"] = {"epochs": 0, "patience": 0}
    assert message(config).count("\n") == 4


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "my.yaml is not valid YAML: "),
        ("seed: 1\nseed: 2\n", "my.yaml is not valid YAML: "),
        ("a: !!python/object/apply:os.getcwd []\n", "my.yaml is not valid YAML: "),
        ("\x00", "my.yaml is not valid YAML: "),
        ("", "my.yaml must be a mapping of keys to values. Received: NoneType."),
        ("- a\n- b\n", "my.yaml must be a mapping of keys to values. Received: list."),
        ("42", "my.yaml must be a mapping of keys to values. Received: int."),
        ("2020-01-01: x\n", "my.yaml must hold plain keys and values: "),
        ("? [a, b]\n: c\n", "my.yaml must hold plain keys and values: "),
        ("a: &x {b: *x}\n", "my.yaml must hold plain keys and values: "),
    ],
)
def test_text_that_is_no_config(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "my.yaml")
    assert str(caught.value).startswith(told)


def _missing(path: Path) -> None:
    assert not path.exists()


def _folder(path: Path) -> None:
    path.mkdir()


def _latin1(path: Path) -> None:
    path.write_bytes("licence: café\n".encode("latin-1"))


@pytest.mark.parametrize(
    ("make", "told"),
    [(_missing, "is missing. Run from the project's folder"), (_folder, "cannot be read"), (_latin1, "cannot be read")],
)
def test_file_that_cannot_be_read(tmp_path: Path, make: Callable[[Path], None], told: str) -> None:
    path = tmp_path / "params.yaml"
    make(path)
    with pytest.raises(ConfigError, match=told) as caught:
        load_config(path)
    assert str(path) in str(caught.value)


def test_the_repositorys_own_params_load() -> None:
    config = load_config(Path(__file__).parents[2] / "params.yaml")
    assert isinstance(config, Config)
    assert {"sample", "fer2013"} <= set(config.datasets)
    assert {"smoke", "full"} <= set(config.budgets)
    assert config.source.source == "sample", "a fresh clone must run without network and account"
    for name in config.models:
        assert config.resolve(name).architecture == name
