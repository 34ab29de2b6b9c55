"""The whole of params.yaml."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from ferflow.base.dotted import merge
from ferflow.base.errors import ConfigError
from ferflow.base.explain import did_you_mean, validate
from ferflow.base.section import Name, NonNegativeInt, Section
from ferflow.settings.data import Clean, Eda, Prepare
from ferflow.settings.datasets import Dataset, Unpack
from ferflow.settings.judging import Compare, Evaluate, Export, Infer, Register
from ferflow.settings.resolve import train_layers
from ferflow.settings.training import NO_SEARCH, Budget, Model, Result, Teacher, Tune
from ferflow.settings.yaml_text import read_mapping
from ferflow.train.recipe import NO_TEACHER, Backend, Train


class Config(Section):
    """The whole of params.yaml.

    Attributes:
        dataset: Selected entry of `datasets`.
        budget: Selected entry of `budgets`.
        seed: Seed of everything random.
        backend: Keras backend that trains and evaluates.
        image_size: Side of the arrays' images in pixels.
        results: Networks to train and evaluate, by the name of the result.
        teachers: Results whose predictions are soft targets of other results, by the result's name.
        promotion: `register:` (pydantic has a `register` of its own).
    """

    dataset: Name
    budget: Name
    seed: NonNegativeInt
    backend: Backend
    image_size: Annotated[int, Field(ge=8, le=512)]
    results: Annotated[dict[Name, Result], Field(min_length=1)]
    teachers: dict[Name, Teacher]
    datasets: dict[Name, Dataset]
    unpack: Unpack
    clean: Clean
    eda: Eda
    prepare: Prepare
    train: Train
    models: dict[Name, Model]
    tune: Tune
    budgets: dict[Name, Budget]
    infer: Infer
    evaluate: Evaluate
    compare: Compare
    export: Export
    promotion: Register = Field(alias="register")

    @model_validator(mode="after")
    def _names_exist(self) -> "Config":
        _known("dataset", self.dataset, self.datasets)
        _known("budget", self.budget, self.budgets)
        for name, architecture in self.tune.models.items():
            _known("tune.models", name, self.models)
            self._same_architecture(f"tune.models.{name}", name, architecture)
            if all(result.search != name for result in self.results.values()):
                raise ValueError(
                    f"tune.models: {name!r} is searched, but no result uses its settings. Add a result with "
                    f"`search: {name}`, or remove it."
                )
        for name, result in self.results.items():
            _known(f"results.{name}.model", result.model, self.models)
            self._same_architecture(f"results.{name}.architecture", result.model, result.architecture)
            _known(f"results.{name}.search", result.search, (NO_SEARCH, *self.tune.models))
            if result.search not in (NO_SEARCH, result.model):
                raise ValueError(
                    f"results.{name}.search: must be {NO_SEARCH} or the result's own model {result.model}. "
                    f"Received: {result.search!r}."
                )
            _known(f"results.{name}.teacher", result.teacher, (NO_TEACHER, *self.teachers))
        for name, teacher in self.teachers.items():
            _known("teachers", name, self.results)
            self._same_architecture(f"teachers.{name}.architecture", self.results[name].model, teacher.architecture)
            if self.results[name].teacher != NO_TEACHER:
                raise ValueError(f"teachers: {name!r} has a teacher itself, {self.results[name].teacher!r}.")
        for name, model in self.models.items():
            if model.teacher is not None:
                _known(f"models.{name}.teacher.model", model.teacher.model, self.models)
                if self.models[model.teacher.model].teacher is not None:
                    raise ValueError(
                        f"models.{name}.teacher.model: must be a model without a teacher of its own. "
                        f"Received: {model.teacher.model!r}."
                    )
            for budget in model.budgets:
                _known(f"models.{name}.budgets", budget, self.budgets)
            for budget in self.budgets:
                train_layers(self.train, self.budgets[budget], budget, model, name)
        validate(Train, merge(self.train.model_dump(mode="json"), self.tune.train), "tune.train")
        return self

    def _same_architecture(self, key: str, model: str, received: str) -> None:
        expected = self.models[model].architecture
        if received != expected:
            raise ValueError(f"{key}: must be {expected}, as in models.{model}.architecture. Received: {received!r}.")

    def result(self, name: str) -> Result:
        """Return an entry of `results`.

        Raises:
            ConfigError: There is none of this name.
        """
        if name not in self.results:
            hint = did_you_mean(name, self.results)
            raise ConfigError(f"results: {name!r} is unknown.{hint} Allowed: {', '.join(self.results)}.")
        return self.results[name]

    @property
    def dataset_entry(self) -> Dataset:
        """The selected dataset."""
        return self.datasets[self.dataset]


def load_config(path: Path) -> Config:
    """Read and check params.yaml.

    Raises:
        ConfigError: The file is missing, is not YAML, or a key, type or value is not allowed. The message names
            each key, what was received and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path} is missing. Run the command from the project root, where params.yaml is.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as text: {error}.") from None
    return parse_config(text, str(path))


def parse_config(text: str, origin: str = "params.yaml") -> Config:
    """Check the text of a params.yaml; `origin` names it in errors. See load_config."""
    return validate(Config, read_mapping(text, origin), origin)


def _known(key: str, value: str, allowed: Iterable[str]) -> None:
    allowed = list(allowed)
    if value not in allowed:
        raise ValueError(f"{key}: {value!r} is unknown.{did_you_mean(value, allowed)} Allowed: {', '.join(allowed)}.")
