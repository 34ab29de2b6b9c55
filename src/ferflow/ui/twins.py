"""Which results of params.yaml may be one and the same training."""

from pathlib import Path
from typing import Any, NamedTuple

import yaml


class Twins(NamedTuple):
    """Results of the same model, repetition and teacher as another one.

    Attributes:
        plain: Those with the model's own settings.
        tuned: Those with the settings that a search recommends, which may be the model's own again.
        teaches: Whether the result is a teacher that predicts all training images, for which stage teach needs its
            network.
    """

    plain: tuple[str, ...]
    tuned: tuple[str, ...]
    teaches: bool = False


NONE = Twins((), ())
"""For a result whose training concerns no other."""


def twins_of(root: Path, result: str) -> Twins:
    """Return the results that may need the same training as a result that has a search, or has none, unlike them.

    A training does not depend on them: it is the same whether it is taken over or done again. So they are read here and
    not by the stage.

    Args:
        root: Project root, where params.yaml is.
        result: Name of the result. One that params.yaml does not have has no twins.
    """
    params = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    results: dict[str, dict[str, Any]] = params["results"]
    if result not in results:
        return NONE
    own = results[result]
    alike = {
        name: entry["search"]
        for name, entry in results.items()
        if all(entry[key] == own[key] for key in ("model", "repeat", "teacher"))
    }
    teaching = {name for name, teacher in params["teachers"].items() if teacher["folds"] == 1}
    teaches = result in teaching
    if own["search"] == "none":
        return Twins((), tuple(name for name, search in alike.items() if search != "none"), teaches)
    # What a teacher keeps, it keeps for stage teach, which deletes it.
    plain = tuple(name for name, search in alike.items() if search == "none" and name not in teaching)
    return Twins(plain, (), teaches)
