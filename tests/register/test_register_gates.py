from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferflow.base.errors import DataError
from ferflow.base.files import write_json
from ferflow.register import check_gates, describe, read_champion
from ferflow.settings import Register

shares = st.integers(0, 10**6).map(lambda millionths: millionths / 10**6)


def champion(accuracy: float, majority: float, **more: Any) -> dict[str, Any]:
    blocks = {"validation": {"accuracy": accuracy}, "test": {"accuracy": 0.0}}
    first = {"model": "cnn", "dataset": "drawn", "metric": "macro_f1", "value": 0.4, "majority_accuracy": majority}
    return {**first, **blocks, **more}


@given(accuracy=shares, majority=shares, least=shares, gain=shares)
def test_it_passes_exactly_when_both_gates_are_reached(
    accuracy: float, majority: float, least: float, gain: float
) -> None:
    settings = Register(min_accuracy=least, min_gain_over_majority=gain)
    passed, because = check_gates(champion(accuracy, majority), settings)
    exact = [round(share * 10**6) for share in (accuracy, majority, least, gain)]
    reached = [exact[0] >= exact[2], exact[0] - exact[1] >= exact[3]]
    assert passed == all(reached)
    assert ["reaches" in sentence for sentence in because] == reached
    assert ["is below" in sentence for sentence in because] == [not good for good in reached]
    assert "min_accuracy" in because[0]
    assert "min_gain_over_majority" in because[1]


def test_the_reasons_say_the_numbers() -> None:
    settings = Register(min_accuracy=0.6, min_gain_over_majority=0.05)
    passed, because = check_gates(champion(0.5, 0.25), settings)
    assert not passed
    assert because == [
        "validation accuracy 50.0 % is below min_accuracy 60 %",
        "gain of 25.0 points over always answering with the most frequent class (25.0 %) reaches "
        "min_gain_over_majority 5 %",
    ]


def test_the_test_set_decides_nothing() -> None:
    settings = Register(min_accuracy=0.5)
    verdicts = [check_gates(champion(0.5, 0.1, test={"accuracy": accuracy}), settings) for accuracy in (0.0, 0.5, 1.0)]
    assert verdicts[0] == verdicts[1] == verdicts[2]


def test_the_registration_says_what_was_judged(tmp_path: Path) -> None:
    (tmp_path / "cnn").mkdir()
    (tmp_path / "cnn" / "model.keras").write_bytes(b"weights")
    told = describe(champion(0.9, 0.2), tmp_path, Register(name="faces", alias="best"))
    assert told.pop("because")
    assert told == {
        "promoted": True,
        "model": "cnn",
        "dataset": "drawn",
        "name": "faces",
        "alias": "best",
        "metric": "macro_f1",
        "value": 0.4,
        "accuracy": 0.9,
        "majority_accuracy": 0.2,
        "gates": {"min_accuracy": 0.0, "min_gain_over_majority": 0.05},
        "model_sha256": "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c",
    }


def test_a_missing_or_old_champion_names_the_stage(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="dvc repro compare"):
        read_champion(tmp_path / "champion.json")
    write_json(tmp_path / "champion.json", {"model": "cnn", "metric": "accuracy"})
    with pytest.raises(DataError, match="dataset, value, majority_accuracy, validation, test"):
        read_champion(tmp_path / "champion.json")
