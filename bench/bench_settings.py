"""Settings of any model in params.yaml for the benchmarks, whether or not `results` lists it."""

from pathlib import Path

from ferflow.settings import Config, load_config
from ferflow.settings.resolve import resolve_result
from ferflow.settings.training import NO_SEARCH, Result
from ferflow.train.recipe import NO_TEACHER, ResultSettings

ROOT = Path(__file__).resolve().parent.parent


def full_config() -> Config:
    """Return params.yaml with the budget `full`, in which every model is a result."""
    config = load_config(ROOT / "params.yaml")
    results = {
        name: Result(model=name, architecture=model.architecture, search=NO_SEARCH, teacher=NO_TEACHER, repeat=0)
        for name, model in config.models.items()
    }
    return config.model_copy(update={"budget": "full", "results": results})


def full_settings(model: str) -> ResultSettings:
    """Return the settings of a model with the budget `full`."""
    return resolve_result(full_config(), model, {})
