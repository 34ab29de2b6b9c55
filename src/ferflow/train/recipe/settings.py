"""The files of `settings/`: everything that decides one training or one search."""

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml

from ferflow.base.dotted import merge, nest
from ferflow.base.errors import ConfigError
from ferflow.base.explain import validate
from ferflow.base.files import reading
from ferflow.base.section import NonNegativeInt, PositiveInt, Section
from ferflow.train.recipe.hyperparameters import Train
from ferflow.train.recipe.search_space import Scalar, SearchRules, SearchSpace, decoded

Backend = Literal["tensorflow", "jax", "torch"]
NO_TEACHER = "none"
_PACKAGES = {"tensorflow": ("tensorflow",), "jax": ("jax", "jaxlib"), "torch": ("torch",)}


class Settings(Section):
    """What a training and a search have in common.

    Attributes:
        model: Name of the block of `models:` in params.yaml.
        architecture: Module in ferflow.models that builds the network.
        seed: Seed of weights, order, augmentation and dropout.
        backend: Keras backend: `tensorflow`, `jax` or `torch`.
        versions: Installed version of each library that decides bytes, by name.
        network: Options of the architecture.
        train: How the network is trained.
    """

    model: str
    architecture: str
    seed: NonNegativeInt
    backend: Backend
    versions: dict[str, str]
    network: dict[str, Any]
    train: Train


class ResultSettings(Settings):
    """What one result is trained with: `settings/<result>.yaml`.

    Attributes:
        result: Name of the result, such as `cnn` or `cnn_tuned`.
        teacher: Result whose predictions are part of the targets, or `none`.
    """

    result: str
    teacher: str


class SearchSettings(Settings, SearchRules):
    """What one search tries: `settings/search/<model>.yaml`. `network` and `train` are those of a trial.

    Attributes:
        space: What is searched, by dotted key.
        trials: Number of trials.
        images: Number of training images that a trial sees, stratified by class; null: all.
    """

    space: SearchSpace
    trials: PositiveInt
    images: PositiveInt | None

    @property
    def metric(self) -> str:
        """Name of the metric that the search maximizes: what `train.monitor` names, or val_accuracy for a loss."""
        return "val_accuracy" if self.train.monitor == "val_loss" else self.train.monitor

    def trial(self, params: Mapping[str, Scalar]) -> ResultSettings:
        """Return the settings of one trial.

        Args:
            params: Values by dotted key, such as {"train.learning_rate": 0.001}, as the sampler draws them.

        Raises:
            ConfigError: A key or value is not allowed.
        """
        values = {key: getattr(self, key) for key in ("model", "architecture", "seed", "backend", "versions")}
        network, train = apply(self.network, self.train.model_dump(mode="json"), decoded(self.space, params))
        origin = f"models.{self.model} with the trial's params"
        return validate(
            ResultSettings,
            {**values, "result": "trial", "teacher": NO_TEACHER, "network": network, "train": train},
            origin,
        )


S = TypeVar("S", bound=Settings)


def apply(
    network: Mapping[str, Any], train: Mapping[str, Any], params: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Apply values by dotted key to the two sections that a search may change.

    >>> apply({"dropout": 0.2}, {"epochs": 3}, {"network.dropout": 0.5, "train.augment.flip": "random"})
    ({'dropout': 0.5}, {'epochs': 3, 'augment': {'flip': 'random'}})

    Raises:
        ConfigError: A key starts neither with `network.` nor with `train.`.
    """
    sections = {"network": dict(network), "train": dict(train)}
    for key, value in params.items():
        section, _, rest = key.partition(".")
        if section not in sections or not rest:
            raise ConfigError(
                f"tune.space: unknown key {key!r}. Keys start with network. or train., as in train.learning_rate."
            )
        sections[section] = merge(sections[section], nest(rest, value))
    return sections["network"], sections["train"]


def library_versions(backend: str, *others: str) -> dict[str, str]:
    """Return the installed version of each library that decides a training's bytes, by name.

    Args:
        backend: Keras backend.
        others: Further packages that matter.

    Raises:
        ConfigError: A package is not installed.
    """
    found = {}
    for name in sorted(("keras", "numpy", "opencv-python-headless", *_PACKAGES[backend], *others)):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            raise ConfigError(
                f"backend: {backend} needs the package {name}, which is not installed. Install it "
                f"(pip install {name}), or set another backend in params.yaml."
            ) from None
    return found


def read_settings(path: Path, kind: type[S], stage: str) -> S:
    """Read a file of `settings/` and check that it was written in this environment.

    Args:
        path: The file.
        kind: ResultSettings or SearchSettings.
        stage: The DVC stage that writes it, such as `settings@cnn`.

    Raises:
        DataError: The file is missing.
        ConfigError: It is invalid, or the installed libraries are not those that it names.
    """
    with reading(path, stage):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings = validate(kind, content, str(path))
    for name, version in settings.versions.items():
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            installed = "no version"
        if installed != version:
            raise ConfigError(
                f"{path} was written with {name} {version}, but {installed} is installed, so the result would not be "
                f"the one that it describes. Install the pinned versions (make env), or write the file again for "
                f"this environment: dvc repro -f {stage}."
            )
    return settings
