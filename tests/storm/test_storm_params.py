"""Thousands of wrong and odd params.yaml: each is refused with one message, or means exactly what it says."""

import contextlib
import copy
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from storm_size import storm

from defaults import PARAMS
from ferflow.base.dotted import merge
from ferflow.base.errors import ConfigError
from ferflow.base.explain import validate
from ferflow.settings import Config, parse_config
from ferflow.settings.resolve import resolve_result, resolve_search
from ferflow.settings.yaml_text import check_plain, read_mapping

sys.path.insert(0, str(Path(__file__).parents[1] / "settings"))
from settings_base import BASE

START = merge(
    BASE,
    {
        "results": {
            "cnn_tuned": {"model": "cnn", "architecture": "cnn", "search": "cnn", "teacher": "none", "repeat": 1}
        },
        "tune": {"models": {"cnn": "cnn"}},
        "models": {
            "cnn": {
                "network": PARAMS["models"]["cnn"]["network"],
                "train": {"augment": {"flip": "random"}, "sides": [{"share": 0.1, "side": 32, "by": "resize"}]},
                "budgets": {"small": {"network": {"dense": 8}}},
            }
        },
        "infer": {"corruptions": {"severities": [1, 5]}},
    },
)
TEXT = yaml.safe_dump(START, sort_keys=False)


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in nested values, outer ones first."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in below for place in paths_of(item, (*path, key)))]


PLACES = paths_of(START)[1:]
WORDS = st.sampled_from(
    ["none", "null", "true", "yes", "cnn", "cnn_tuned", "other", "small", "imagenet", "", " ", "é", "💥"]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 1, -1, 2, 7, 2**31, 2**63 - 1, 2**63, -(2**63), 10**30, 10**400]),
    st.floats(),
    st.sampled_from([0.0, -0.0, 1.0, 1e-320, 1e308, math.inf, -math.inf, math.nan]),
    st.text(max_size=8),
    WORDS,
)
VALUES = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5) | WORDS, below, max_size=3)
)


@st.composite
def changed_params(draw: st.DrawFn) -> dict[str, Any]:
    """The valid params.yaml with one to three changes, such as another value, a key gone or a key too many."""
    params = copy.deepcopy(START)
    for _ in range(draw(st.integers(1, 3))):
        *parents, last = draw(st.sampled_from(PLACES))
        section: Any = params
        try:
            for parent in parents:
                section = section[parent]
            section[last]
        except (LookupError, TypeError):
            continue  # an earlier change took it away
        change = draw(st.sampled_from(["value", "value", "scaled", "gone", "key", "renamed", "wrapped", "moved"]))
        if change == "value":
            section[last] = draw(VALUES)
        elif change == "scaled" and isinstance(section[last], int | float):
            section[last] = section[last] * draw(st.sampled_from([-1, 0, 0.5, 2, 1000]))
        elif change == "wrapped":
            section[last] = draw(st.sampled_from([lambda v: [v], lambda v: {"value": v}, str]))(section[last])
        elif change == "moved":
            section[last] = copy.deepcopy(draw(st.sampled_from([START[key] for key in START])))
        elif isinstance(section, dict):
            if change != "key":
                kept = section.pop(last)
                if change == "renamed":
                    section[f"{last}{draw(st.sampled_from(['_', 's', ' ', 'é']))}"] = kept
            else:
                section[draw(st.text(max_size=6) | WORDS)] = draw(VALUES)
    return params


def same(kept: Any, written: Any) -> bool:
    """Whether a value was taken as it was written; only an integer may stand for a float."""
    if isinstance(written, dict):
        return (
            isinstance(kept, dict) and kept.keys() == written.keys() and all(same(kept[k], written[k]) for k in written)
        )
    if isinstance(written, list):
        return isinstance(kept, list) and len(kept) == len(written) and all(map(same, kept, written))
    if isinstance(kept, float) and type(written) is int:
        return kept == written
    return type(kept) is type(written) and kept == written


def check_taken_as_written(config: Config, written: dict[str, Any]) -> None:
    assert same(config.model_dump(mode="json", by_alias=True, exclude_unset=True), written)
    for name in config.results:
        resolve_or_refuse(lambda name=name: resolve_result(config, name, {}))
    for name in config.tune.models:
        resolve_or_refuse(lambda name=name: resolve_search(config, name))


def resolve_or_refuse(resolve: Callable[[], object]) -> None:
    with contextlib.suppress(ConfigError):  # any other error fails the test
        resolve()


@storm(100, 0.8)
@given(changed_params())
def test_a_changed_params_file_is_refused_with_a_message_or_taken_as_it_is(params: dict[str, Any]) -> None:
    try:
        check_plain(params, "my.yaml")
        config = validate(Config, params, "my.yaml")
    except ConfigError as error:
        assert_message(str(error))
    else:
        check_taken_as_written(config, params)


def assert_message(text: str) -> None:
    assert text.startswith(("my.yaml is invalid:", "my.yaml is not valid YAML:", "my.yaml must be a mapping")) or (
        " is invalid:\n" in text
    ), text
    assert "Traceback" not in text
    assert len(text) < 20_000


TRICKS = [
    "2020-13-45", "2020-01-01", "2020-01-01T25:00:00Z", "!!int x", "!!float x", "!!bool maybe", "!!binary x",
    "!!binary aGk=", "!!set {a}", "!!omap [a: 1]", "!!python/name:os.system x", "!x y", "&a {b: *a}", "*a", "0o9",
    "0x", "0x1F", "0b2", "1_000", "1:2:3", ".inf", "-.inf", ".nan", "1e999", "1" * 5000, "0." + "1" * 5000,
    "[" * 3000, "{" * 300 + "}" * 300, "[" * 60 + "]" * 60, '"\\ud800"', '"\\xZZ"', '"\\0"', "'", '"', "|", ">",
    "- a", "? b", "yes", "no", "on", "off", "~", "NULL", "\t1", "\x00", "\x85", "\u2028", "\ufeff", "%YAML 1.1",
    "---", "...", "<<: *x", "{<<: {a: 1}}", "@a", "`a", "a: b: c", "''", "[&x [*x]]", "{? {a: 1} : 2}", "{1: 2}",
    "{true: 2}", "{null: 2}", "{1.5: a}", "{[a]: 1}", "!!str 1", "!!null ''", "!!float 1", "!!float 1:60",
    "!!int 0b2", "!!timestamp 2020-01-01",
]  # fmt: skip
LINES = TEXT.splitlines()


@st.composite
def tricky_texts(draw: st.DrawFn) -> str:
    """The text of the valid file with a value, a line or some characters that YAML reads in its own way."""
    lines = list(LINES)
    place = draw(st.integers(0, len(lines) - 1))
    trick = draw(st.sampled_from(TRICKS) | st.text(max_size=6))
    kind = draw(st.sampled_from(["value", "value", "line", "cut", "characters", "twice", "indent", "ends"]))
    if kind == "value":
        lines[place] = f"{lines[place].partition(':')[0]}: {trick}"
    elif kind == "line":
        lines.insert(place, f"{' ' * draw(st.integers(0, 4))}{trick}")
    elif kind == "cut":
        return "\n".join(lines)[: draw(st.integers(0, len(TEXT)))]
    elif kind == "characters":
        text, at = "\n".join(lines), draw(st.integers(0, len(TEXT)))
        return text[:at] + trick + text[at + draw(st.integers(0, 3)) :]
    elif kind == "twice":
        lines.insert(place, lines[place])
    elif kind == "indent":
        lines[place] = " " * draw(st.integers(1, 3)) + lines[place]
    else:
        return draw(st.sampled_from(["\r\n", "\r", "\n\n"])).join(lines)
    return "\n".join(lines)


@storm(15, 0.2)
@given(tricky_texts())
def test_a_tricky_text_is_refused_with_a_message_or_taken_as_it_is(text: str) -> None:
    try:
        written = read_mapping(text, "my.yaml")
        config = validate(Config, written, "my.yaml")
    except ConfigError as error:
        assert_message(str(error))
    else:
        check_taken_as_written(config, written)


@pytest.mark.parametrize("trick", TRICKS)
def test_each_trick_as_a_value_is_refused_or_plain(trick: str) -> None:
    try:
        written = read_mapping(f"a: {trick}\n", "my.yaml")
    except ConfigError as error:
        assert_message(str(error))
    else:
        assert isinstance(written["a"], str | int | float | list | dict | None)


def test_a_few_lines_that_stand_for_billions_of_values_are_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(ConfigError, match="more than 100,000 values, counting what aliases repeat"):
        parse_config("\n".join(lines), "my.yaml")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2020-01-01", "licence: a value of type date. Put it in quotes"),
        ("!!binary aGk=", "licence: a value of type bytes. Put it in quotes"),
        ("!!set {a}", "licence: a value of type "),
        ("{true: x}", "a key of licence is of type bool. Put it in quotes. Received: True."),
        ("{1: x}", "a key of licence is of type int. Put it in quotes. Received: 1."),
        ('"\\ud800"', "licence: not valid text."),
        ("[1, {a: .nan}]", "\n  licence.1.a: must be a finite number. Received: nan."),
        ("1" * 30, "licence: an integer must be below 2 to the power of 63."),
    ],
)
def test_a_value_that_would_change_on_the_way_is_refused(value: str, expected: str) -> None:
    """JSON, which carries the values into the settings, would turn each of these into text or another key."""
    with pytest.raises(ConfigError) as caught:
        read_mapping(f"licence: {value}\n", "my.yaml")
    assert str(caught.value).startswith(f"my.yaml is invalid: keys and values must be plain: {expected}")
