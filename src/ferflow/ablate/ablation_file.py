"""The file that `ferflow ablate` reads: which variants of a model to train, and on which folds."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ferflow.base.errors import ConfigError
from ferflow.base.explain import did_you_mean, validate
from ferflow.base.section import Name, NonNegativeInt, PositiveInt, Section
from ferflow.settings import Config
from ferflow.settings.resolve import resolve_result
from ferflow.settings.training import NO_SEARCH, Result
from ferflow.settings.yaml_text import read_mapping
from ferflow.train.recipe import NO_TEACHER, ResultSettings

Changes = dict[str, Any]
"""Values by dotted key: `network.<option>`, `train.<key>` or `seed`."""

# An epoch that is chosen by the held-out images would make their accuracy too high, more so for a noisier arm.
_SET_HERE = ("train.patience", "train.keep", "train.max_minutes")


class Ablation(Section):
    """An ablation file, such as ablations/ferflow_flash.yaml.

    Attributes:
        description: What the ablation is to find out, a sentence or two for people.
        model: Block of `models:` in params.yaml.
        budget: Entry of `budgets:` whose values apply, whatever params.yaml selects.
        views: Test-time views of the held-out images: `single`, `flip` or `ten_crop`.
        seed: Seed of the folds, and of each training: fold n is trained with seed + n, in every arm.
        folds: Number of parts that the images are divided into, 2 to 20; each is held out once.
        folds_to_run: Number of folds to train, the first ones; the arms are then compared on the images of these folds.
            Absent: all of them.
        base: What differs from params.yaml in all arms, such as `train.epochs: 6`.
        arms: What differs from the base in each arm; the first arm is the baseline. A `seed` here replaces the seed of
            the training and leaves the folds: an arm with nothing but another seed shows how large the noise is.
    """

    description: str
    model: Name
    budget: Name
    views: Literal["single", "flip", "ten_crop"]
    seed: NonNegativeInt
    folds: Annotated[int, Field(ge=2, le=20)]
    folds_to_run: PositiveInt | None = None
    base: Changes
    arms: Annotated[dict[Name, Changes], Field(min_length=1)]

    @model_validator(mode="after")
    def _folds_exist(self) -> "Ablation":
        if self.folds_to_run and self.folds_to_run > self.folds:
            raise ValueError(f"folds_to_run: must be at most folds, {self.folds}. Received: {self.folds_to_run}.")
        return self

    @model_validator(mode="after")
    def _keys_can_be_changed(self) -> "Ablation":
        for place, changes in {"base": self.base, **{f"arms.{arm}": keys for arm, keys in self.arms.items()}}.items():
            for key in changes:
                section, _, rest = key.partition(".")
                if key != "seed" and not (section in ("network", "train") and rest):
                    raise ValueError(
                        f"{place}: unknown key {key!r}. Keys start with network. or train., as in train.learning_rate, "
                        "or are seed."
                    )
                if key in _SET_HERE:
                    raise ValueError(
                        f"{place}: {key} cannot be set, since every training runs all its epochs and keeps the last "
                        "one. Remove the key, and set train.epochs."
                    )
        return self

    @property
    def baseline(self) -> str:
        """Name of the first arm."""
        return next(iter(self.arms))

    @property
    def fold_numbers(self) -> range:
        """Numbers of the folds to train, from 1."""
        return range(1, (self.folds_to_run or self.folds) + 1)


def read_ablation(path: Path) -> Ablation:
    """Read and check an ablation file.

    Raises:
        ConfigError: The file is missing, is not YAML, or a key, type or value is not allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path} is missing. Name an ablation file: ferflow ablate ablations/<name>.yaml.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as text: {error}.") from None
    return validate(Ablation, read_mapping(text, str(path)), str(path))


def arm_settings(config: Config, ablation: Ablation, arm: str) -> ResultSettings:
    """Return what one arm trains: params.yaml under the file's budget, then `base`, then the arm's changes.

    Args:
        config: params.yaml.
        ablation: The ablation file.
        arm: A key of `arms`.

    Raises:
        ConfigError: The model or the budget is unknown, a key or value is not allowed, a library is missing, or the
            schedule depends on the held-out images.
    """
    for key, name, allowed in (("model", ablation.model, config.models), ("budget", ablation.budget, config.budgets)):
        if name not in allowed:
            hint = did_you_mean(name, allowed)
            raise ConfigError(f"{key}: {name!r} is not in params.yaml.{hint} Allowed: {', '.join(allowed)}.")
    changes = {"seed": ablation.seed} | ablation.base | ablation.arms[arm]
    seed = changes.pop("seed")
    architecture = config.models[ablation.model].architecture
    result = Result(model=ablation.model, architecture=architecture, search=NO_SEARCH, teacher=NO_TEACHER, repeat=0)
    selected = config.model_copy(update={"budget": ablation.budget, "results": {arm: result}})
    try:
        found = resolve_result(selected, arm, changes).model_dump(mode="json")
        whole_training = {"patience": found["train"]["epochs"], "keep": "last", "max_minutes": None}
        found |= {"seed": seed, "train": found["train"] | whole_training}
        settings = validate(ResultSettings, found, f"models.{ablation.model}")
    except ConfigError as error:
        raise ConfigError(f"arms.{arm}: {error}") from None
    if settings.train.schedule == "plateau":
        raise ConfigError(
            f"arms.{arm}: schedule: plateau lowers the rate by the results on the held-out images, which would then no "
            "longer be held out. Set train.schedule to another schedule, such as cosine."
        )
    return settings
