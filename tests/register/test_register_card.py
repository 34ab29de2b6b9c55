import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ferflow.base.errors import DataError
from ferflow.register import Sources, model_card, read_sources
from ferflow.settings import load_config

REGISTRATION = {
    "promoted": True,
    "because": ["validation accuracy 70.0 % reaches min_accuracy 0 %"],
    "model": "cnn",
    "name": "ferflow",
    "alias": "champion",
    "model_sha256": "b" * 64,
}


def test_the_card_has_every_set_with_its_interval(champion: dict[str, Any], sources: Sources) -> None:
    card = model_card(REGISTRATION, champion, sources)
    assert "| validation | 100 | 70.0 % (68.8 to 71.2) | 60.0 % (58.0 to 62.0) | 61.0 % | 0.988 | 0.032 |" in card
    for name in ("PublicTest", "PrivateTest", "PrivateTest without copies"):
        assert f"\n| {name} | " in card
    assert "| PrivateTest without copies | 95 | 62.5 % (61.3 to 63.7)" in card
    assert "95 % interval" in card


def test_the_card_says_what_the_model_is_and_is_not(champion: dict[str, Any], sources: Sources) -> None:
    card = model_card(REGISTRATION, champion, sources)
    for told in (
        "angry, disgust and happy",
        "1,234,567 parameters",
        "12 x 12 pixels",
        'load_model("models:/ferflow@champion")',
        "SHA-256 `" + "a" * 64,
        "licence: MIT",
        "700 for train, 100 for validation and 200 for test",
        "the weights of epoch 9",
        "random changes: flip True.",
        "b" * 64,
        "Not meant for",
        "25.0 % of the test images of disgust, and 87.5 % of those of happy",
        "by +1.0 points",
        "drawn by a program",
        "Promoted, because of validation alone",
        "- validation accuracy 70.0 % reaches min_accuracy 0 %",
    ):
        assert told in card, told
    assert "drawn by a program" not in model_card(REGISTRATION, champion, replace(sources, drawn=False))
    refused = model_card({**REGISTRATION, "promoted": False}, champion, sources)
    assert "Not promoted, because" in refused


def test_the_same_values_give_the_same_bytes(champion: dict[str, Any], sources: Sources) -> None:
    twice = [model_card(REGISTRATION, copy.deepcopy(champion), sources) for _ in range(2)]
    assert twice[0] == twice[1]
    assert str(Path.cwd()) not in twice[0]
    assert twice[0].endswith("\n")
    assert not twice[0].endswith("\n\n")


def test_without_copies_nothing_is_said_of_them(champion: dict[str, Any], sources: Sources) -> None:
    fewer = {name: value for name, value in champion.items() if not name.endswith("_without_copies")}
    assert "with a copy among" not in model_card(REGISTRATION, fewer, sources)


def test_a_missing_report_names_what_to_run(tmp_path: Path) -> None:
    config = load_config(Path(__file__).parents[2] / "params.yaml")
    with pytest.raises(DataError, match=r"receipt\.json is missing.*dvc repro"):
        read_sources(tmp_path, "cnn", config)
