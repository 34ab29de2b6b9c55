"""params.yaml as the command line edits it: values change, comments and order stay."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from ferflow.base.errors import ConfigError
from ferflow.base.explain import did_you_mean
from ferflow.base.files import whole_file
from ferflow.settings import Config, load_config, parse_config
from ferflow.settings.training import NO_SEARCH
from ferflow.train.recipe import NO_TEACHER

PARAMS = Path("params.yaml")


def set_params(path: Path, changes: dict[str, Any]) -> Config:
    """Set keys (dotted) of params.yaml, keeping comments and order, and return the resulting config.

    The file is written only if a value differs and the result is valid.

    Raises:
        ConfigError: A value is not allowed; the file is left unchanged.
    """
    config = load_config(path)
    editor = YAML()
    editor.width = 4096
    editor.preserve_quotes = True
    editor.indent(mapping=2, sequence=4, offset=2)
    # ruamel would write null as nothing at all.
    null = "tag:yaml.org,2002:null"
    editor.representer.add_representer(type(None), lambda writer, _: writer.represent_scalar(null, "null"))
    with path.open(encoding="utf-8") as handle:
        content = editor.load(handle)
    changed = []
    for key, value in changes.items():
        *sections, last = key.split(".")
        section = content
        for name in sections:
            section = section.get(name)
            if section is None:
                raise ConfigError(f"{path}: {key} cannot be set because there is no section {name!r}.")
        if section.get(last) != value:
            changed.append(f"{key}: {_short(section.get(last))} -> {_short(value)}")
            if isinstance(value, dict) and isinstance(section.get(last), dict):
                _replace(section[last], value)
            else:
                section[last] = value
    if not changed:
        return config
    with whole_file(path) as temporary:
        with temporary.open("w", encoding="utf-8") as handle:
            editor.dump(content, handle)
        config = parse_config(temporary.read_text(encoding="utf-8"), str(path))
    print(f"{path} now says " + "; ".join(changed), flush=True)
    return config


def _replace(mapping: CommentedMap, value: dict[str, Any]) -> None:
    """Give a mapping of the file new entries; entries that stay keep how they are written, as does what follows."""
    # A comment or blank line after the mapping hangs on the mapping's last key: it moves to the new last key.
    trailing = mapping.ca.items.pop(next(reversed(mapping)), None) if mapping else None
    for key in [key for key in mapping if key not in value]:
        del mapping[key]
    for place, (key, item) in enumerate(value.items()):
        if mapping.get(key) == item:
            kept = mapping.pop(key)
        elif isinstance(item, dict):
            kept = CommentedMap(item)
            kept.fa.set_flow_style()
        else:
            kept = item
        mapping.insert(place, key, kept)
    if not any(isinstance(item, dict) for item in value.values()):
        mapping.fa.set_flow_style()  # an empty mapping has no style to keep
    if trailing and mapping:
        mapping.ca.items[next(reversed(mapping))] = trailing


def _short(value: Any) -> str:
    return " ".join(value) or "none" if isinstance(value, list | dict) else str(value)


def results_of(
    config: Config, models: Sequence[str] | None, tuned: Sequence[str] | None, repeats: int | None = None
) -> dict[str, Any]:
    """Return the values of `results`, `teachers` and `tune.models` for the models to train and to search.

    A model's teacher is trained once, before it, even if it is not named.

    Args:
        config: params.yaml as it is.
        models: Models to train with the settings of params.yaml. None: those that are trained now.
        tuned: Models to search; each gives a further result `<model>_tuned`. None: those that are searched now, as far
            as `models` still names them.
        repeats: Trainings of each model with the settings of params.yaml, at least 1: `<model>`, `<model>_seed2`,
            `<model>_seed3` and so on. Defaults to None: as many as there are now.

    Raises:
        ConfigError: A model is unknown, named twice, or searched without being trained, `repeats` is below 1, or two
            models want one teacher with different numbers of folds.
    """
    plain = [result for result in config.results.values() if result.search == NO_SEARCH]
    if models is None:
        trained = list(dict.fromkeys(result.model for result in plain))
        repeated = {result.model for result in plain if result.repeat}
        teaching = {tutor.model for name in trained if (tutor := config.models[name].teacher)}
        models = [name for name in trained if name in repeated or name not in teaching]  # the others come by themselves
    if tuned is None:
        tuned = [name for name in config.tune.models if name in models]
    if repeats is None:
        repeats = 1 + max((result.repeat for result in plain), default=0)
    if repeats < 1:
        raise ConfigError(f"--repeats must be at least 1. Received: {repeats}.")
    for option, names, allowed in (("--models", models, list(config.models)), ("--tune", tuned, models)):
        if len(set(names)) != len(names):
            raise ConfigError(f"{option}: a model is named twice. Received: {' '.join(names)}.")
        for name in names:
            if name not in allowed:
                hint = did_you_mean(name, allowed)
                raise ConfigError(f"{option}: {name!r} is unknown.{hint} Allowed: {', '.join(allowed)}.")
    teachers: dict[str, int] = {}
    entries: dict[str, tuple[str, str, int]] = {}
    for name in models:
        tutor = config.models[name].teacher
        if tutor is not None:
            if teachers.setdefault(tutor.model, tutor.folds) != tutor.folds:
                raise ConfigError(
                    f"--models: {name} learns from {tutor.model} with folds: {tutor.folds}, another model with folds: "
                    f"{teachers[tutor.model]}. Train one of them at a time, or give both the same number of folds."
                )
            entries.setdefault(tutor.model, (tutor.model, NO_SEARCH, 0))
        entries |= {
            f"{name}_seed{number + 1}" if number else name: (name, NO_SEARCH, number) for number in range(repeats)
        }
    entries |= {f"{name}_tuned": (name, name, 0) for name in tuned}
    return {
        "results": {
            result: {
                "model": name,
                "architecture": config.models[name].architecture,
                "search": search,
                "teacher": tutor.model if (tutor := config.models[name].teacher) else NO_TEACHER,
                "repeat": repeat,
            }
            for result, (name, search, repeat) in entries.items()
        },
        "teachers": {
            name: {"architecture": config.models[name].architecture, "folds": folds} for name, folds in teachers.items()
        },
        "tune.models": {name: config.models[name].architecture for name in tuned},
    }
