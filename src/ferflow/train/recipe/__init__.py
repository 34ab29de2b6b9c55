"""How a network is trained and searched: what `settings/` holds for each result and each search."""

from ferflow.train.recipe.hyperparameters import Augment, ByKind, SmallerSide, Train
from ferflow.train.recipe.settings import (
    NO_TEACHER,
    Backend,
    ResultSettings,
    SearchSettings,
    Settings,
    apply,
    library_versions,
    read_settings,
)

__all__ = [
    "NO_TEACHER",
    "Augment",
    "Backend",
    "ByKind",
    "ResultSettings",
    "SearchSettings",
    "Settings",
    "SmallerSide",
    "Train",
    "apply",
    "library_versions",
    "read_settings",
]
