"""params.yaml, loaded once into frozen, validated objects. There are no defaults in code: the file is complete."""

from ferflow.settings.config import Config, load_config, parse_config
from ferflow.settings.data import Clean, Eda, Prepare
from ferflow.settings.datasets import Dataset, KaggleSource, LocalSource, SampleSource, Unpack
from ferflow.settings.judging import Compare, Evaluate, Infer, Register
from ferflow.settings.training import Budget, Model, Tune

__all__ = [
    "Budget",
    "Clean",
    "Compare",
    "Config",
    "Dataset",
    "Eda",
    "Evaluate",
    "Infer",
    "KaggleSource",
    "LocalSource",
    "Model",
    "Prepare",
    "Register",
    "SampleSource",
    "Tune",
    "Unpack",
    "load_config",
    "parse_config",
]
