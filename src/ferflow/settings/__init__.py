"""params.yaml, loaded once into frozen, validated objects."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ferflow.base.errors import ConfigError
from ferflow.base.section import Name, NonNegativeInt, Section
from ferflow.settings.data import Clean, Eda, Prepare
from ferflow.settings.datasets import AnyDataset, KaggleDataset, LocalDataset, SampleDataset, Unpack
from ferflow.settings.explain import did_you_mean, explain
from ferflow.settings.judging import Compare, Evaluate, Register
from ferflow.settings.training import Budget, Model, Tune
from ferflow.train.recipe import Augment, ResolvedModel, Train

__all__ = [
    "AnyDataset",
    "Augment",
    "Budget",
    "Clean",
    "Compare",
    "Config",
    "Eda",
    "Evaluate",
    "KaggleDataset",
    "LocalDataset",
    "Model",
    "Prepare",
    "Register",
    "ResolvedModel",
    "SampleDataset",
    "Train",
    "Tune",
    "Unpack",
    "load_config",
    "parse_config",
]


class Config(Section):
    """The whole of params.yaml."""

    dataset: Name
    budget: Name
    seed: NonNegativeInt
    enabled: tuple[Name, ...]
    datasets: dict[Name, AnyDataset]
    unpack: Unpack = Unpack()
    clean: Clean = Clean()
    eda: Eda = Eda()
    prepare: Prepare = Prepare()
    train: Train = Train()
    models: dict[Name, Model]
    tune: Tune = Tune()
    budgets: dict[Name, Budget]
    evaluate: Evaluate = Evaluate()
    compare: Compare = Compare()
    promotion: Register = Field(default=Register(), alias="register")  # pydantic has a `register` of its own

    @model_validator(mode="after")
    def _names_exist(self) -> "Config":
        _known("dataset", self.dataset, self.datasets)
        _known("budget", self.budget, self.budgets)
        for name in self.enabled:
            _known("enabled", name, self.models)
        for name in self.tune.models:
            _known("tune.models", name, self.enabled)
        if len(set(self.enabled)) != len(self.enabled):
            raise ValueError(f"enabled: a model is named twice. Received: {', '.join(self.enabled)}.")
        for name in self.models:
            for budget in self.models[name].budgets:
                _known(f"models.{name}.budgets", budget, self.budgets)
            for budget in self.budgets:
                self._train(name, budget)
        _validate(Train, _merge(self.train.model_dump(mode="json"), self.tune.train), "tune.train")
        return self

    @property
    def source(self) -> AnyDataset:
        """The dataset that is selected."""
        return self.datasets[self.dataset]

    @property
    def results(self) -> tuple[str, ...]:
        """Names of all results of a run: the enabled models, then the tuned ones."""
        return (*self.enabled, *(f"{name}_tuned" for name in self.tune.models))

    def resolve(self, name: str, tuned: Mapping[str, Any] | None = None) -> ResolvedModel:
        """Return a model's block with the defaults, the budget and `tuned` applied, each over the one before.

        Args:
            name: a key of `models`.
            tuned: values by dotted key (`train.learning_rate`, `network.dropout`), as a study finds them.

        Raises:
            ConfigError: the name is unknown, or a key or value of the block is not allowed.
        """
        if name not in self.models:
            raise ConfigError(f"models: no model is named {name!r}; there are {', '.join(self.models)}.")
        block = self.models[name]
        special = block.budgets.get(self.budget)
        network = _merge(block.network, special.network if special else {})
        train = self._train(name, self.budget)
        for key, value in (tuned or {}).items():
            section, _, rest = key.partition(".")
            if section not in ("network", "train") or not rest:
                raise ConfigError(
                    f"tune.space: {key!r} names nothing; keys start with network. or train., as in train.learning_rate."
                )
            change: Any = value
            for part in reversed(rest.split(".")):
                change = {part: change}
            if section == "network":
                network = _merge(network, change)
            else:
                train = _merge(train, change)
        return ResolvedModel(
            name=f"{name}_tuned" if tuned is not None else name,
            architecture=name,
            network=network,
            train=_validate(Train, train, f"models.{name}.train with tuned params"),
        )

    def _train(self, name: str, budget: str) -> dict[str, Any]:
        """Return a model's `train:` under a budget; each block is checked by itself, so that the error names it."""
        train = self.train.model_dump(mode="json")
        special = self.models[name].budgets.get(budget)
        for origin, block in (
            (f"budgets.{budget}.train", self.budgets[budget].train),
            (f"models.{name}.train", self.models[name].train),
            (f"models.{name}.budgets.{budget}.train", special.train if special else {}),
        ):
            train = _merge(train, block)
            _validate(Train, train, origin)
        return train


def load_config(path: Path) -> Config:
    """Read and check params.yaml.

    Raises:
        ConfigError: the file is missing, is not YAML, or a key, type or value is not allowed. The message names
            each key, what was received and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path} is missing. Run from the project's folder, where params.yaml is.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as text: {error}.") from None
    return parse_config(text, str(path))


def parse_config(text: str, origin: str = "params.yaml") -> Config:
    """Check the text of a params.yaml; `origin` names it in errors. See load_config."""
    try:
        raw = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise ConfigError(f"{origin} is not valid YAML: {error}") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{origin} must be a mapping of keys to values. Received: {type(raw).__name__}.")
    config: Config = _validate(Config, raw, origin)
    return config


def _validate(kind: type[Any], raw: Any, origin: str) -> Any:
    try:
        text = json.dumps(raw, default=str)
    except (TypeError, ValueError) as error:  # a key that is a date or a list; an alias inside its own anchor
        raise ConfigError(f"{origin} must hold plain keys and values: {error}.") from None
    try:
        # By way of JSON, since strict mode then takes a list for a tuple.
        return kind.model_validate_json(text)
    except ValidationError as error:
        lines = [explain(kind, item) for item in error.errors(include_url=False)]
        raise ConfigError("\n  ".join([f"{origin} is not right:", *lines])) from None


def _merge(base: dict[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in change.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _known(key: str, value: str, allowed: Mapping[str, Any] | tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{key}: {value!r} is not known.{did_you_mean(value, allowed)} Allowed: {', '.join(allowed)}.")
