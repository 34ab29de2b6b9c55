"""What a result is trained with, and what a search tries: every layer of params.yaml merged and checked."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement

from ferflow.base.dotted import merge
from ferflow.base.errors import ConfigError
from ferflow.base.explain import validate
from ferflow.settings.training import Budget, Model
from ferflow.train.recipe import ResultSettings, SearchSettings, Train, apply, library_versions
from ferflow.train.recipe.search_space import SearchRules

if TYPE_CHECKING:
    from ferflow.settings.config import Config


def resolve_result(config: "Config", name: str, found: Mapping[str, Any]) -> ResultSettings:
    """Return the settings of a result.

    `train:` < `budgets.<budget>.train` < the model's block < the model's block for this budget < what a search found.

    Args:
        config: params.yaml.
        name: A key of `results`.
        found: Values by dotted key (`train.learning_rate`, `network.dropout`), as a search found them; empty for a
            result without a search.

    Raises:
        ConfigError: A key or value that the search found is not allowed, or a library is missing.
    """
    result = config.result(name)
    model = result.model
    values = _common(config, model)
    values["network"], values["train"] = apply(values["network"], values["train"], found)
    others = ("imbalanced-learn",) if values["train"]["imbalance"] == "smote" else ()
    versions = library_versions(config.backend, *others)
    values |= {"result": name, "versions": versions, "teacher": result.teacher, "seed": config.seed + result.repeat}
    return validate(ResultSettings, values, f"models.{model}")


def resolve_search(config: "Config", model: str) -> SearchSettings:
    """Return the settings of a search: those of the model with `tune.train` and the epochs of a trial applied.

    Args:
        config: params.yaml.
        model: A key of `tune.models`.

    Raises:
        ConfigError: The model is not searched, a key or value is not allowed, or a library is missing.
    """
    if model not in config.tune.models:
        raise ConfigError(f"tune.models: {model!r} is unknown. Allowed: {', '.join(config.tune.models) or 'none'}.")
    budget = config.budgets[config.budget].tune
    values = _common(config, model)
    values["train"] = merge(values["train"], {**config.tune.train, "epochs": budget.epochs})
    sampler = {"cma_es": ("cmaes",), "gp": ("torch",)}.get(config.tune.sampler, ())
    values["versions"] = library_versions(config.backend, "optuna", *sampler)
    values["space"] = config.tune.model_dump(mode="json", exclude_unset=True)["space"]
    rules = {name: getattr(config.tune, name) for name in SearchRules.model_fields}
    return validate(
        SearchSettings, {**values, "trials": budget.trials, "images": budget.images, **rules}, f"tune of {model}"
    )


def unpinned(versions: Mapping[str, str], lock: Path) -> list[str]:
    """Return a sentence for each library whose installed version is not the pinned one.

    The settings record what is installed; a result made with other versions is another result.

    Args:
        versions: Installed versions by package.
        lock: requirements.lock.
    """
    lines = re.findall(r"^[\w.-]+==[^\\\n]+", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)
    requirements = [Requirement(line) for line in lines]
    pinned = {
        requirement.name: str(requirement.specifier).removeprefix("==")
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate()
    }
    return [
        f"{name} {version} is installed, but {lock} pins {pinned[name]}; `make env` installs the pinned version"
        for name, version in versions.items()
        if name in pinned and pinned[name] != version
    ]


def train_layers(train: Train, budget: Budget, budget_name: str, model: Model, name: str) -> dict[str, Any]:
    """Merge a model's `train:` under a budget; each layer is checked on its own, so that the error names it.

    Raises:
        ConfigError: A key or value of a layer is not allowed.
    """
    merged = train.model_dump(mode="json")
    special = model.budgets.get(budget_name)
    for origin, layer in (
        (f"budgets.{budget_name}.train", budget.train),
        (f"models.{name}.train", model.train),
        (f"models.{name}.budgets.{budget_name}.train", special.train if special else {}),
    ):
        merged = merge(merged, layer)
        validate(Train, merged, origin)
    return merged


def _common(config: "Config", name: str) -> dict[str, Any]:
    model = config.models[name]
    special = model.budgets.get(config.budget)
    return {
        "model": name,
        "architecture": model.architecture,
        "seed": config.seed,
        "backend": config.backend,
        "network": merge(model.network, special.network if special else {}),
        "train": train_layers(config.train, config.budgets[config.budget], config.budget, model, name),
    }
