from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from defaults import section
from ferflow.base.errors import DataError
from ferflow.base.files import write_json
from ferflow.register import check_gates, describe, read_champion
from ferflow.reporting.result_contracts import Champion, SetMetrics

shares = st.integers(0, 10**6).map(lambda millionths: millionths / 10**6)


def block(accuracy: float) -> SetMetrics:
    values = dict.fromkeys(SetMetrics.model_fields, 0.0)
    return SetMetrics(**{**values, "images": 10, "accuracy": accuracy, "per_class": {}})


def champion(accuracy: float, majority: float, test: float = 0.0) -> Champion:
    sets = {"validation": block(accuracy), "test": block(test)}
    values = {"model": "cnn", "dataset": "drawn", "metric": "macro_f1", "value": 0.4, "majority_accuracy": majority}
    return Champion(**values, runner_up=None, p_value_vs_runner_up=None, reason="It is the only result.", sets=sets)


@given(accuracy=shares, majority=shares, minimum=shares, gain=shares)
def test_it_passes_exactly_when_both_gates_are_reached(
    accuracy: float, majority: float, minimum: float, gain: float
) -> None:
    settings = section("register", min_accuracy=minimum, min_gain_over_majority=gain)
    passed, because = check_gates(champion(accuracy, majority), settings)
    exact = [round(share * 10**6) for share in (accuracy, majority, minimum, gain)]
    reached = [exact[0] >= exact[2], exact[0] - exact[1] >= exact[3]]
    assert passed == all(reached)
    assert ["reaches" in sentence for sentence in because] == reached
    assert ["is below" in sentence for sentence in because] == [not good for good in reached]
    assert "min_accuracy" in because[0]
    assert "min_gain_over_majority" in because[1]


def test_the_reasons_have_the_numbers() -> None:
    settings = section("register", min_accuracy=0.6, min_gain_over_majority=0.05)
    passed, because = check_gates(champion(0.5, 0.25), settings)
    assert not passed
    assert because == [
        "gate failed: validation accuracy 50.0 % is below min_accuracy 60 %",
        "gate passed: gain of 25.0 points over always predicting the most frequent class (25.0 %) reaches "
        "min_gain_over_majority 5 %",
    ]


def test_the_test_set_decides_nothing() -> None:
    settings = section("register", min_accuracy=0.5, min_gain_over_majority=0.0)
    verdicts = [check_gates(champion(0.5, 0.1, test=accuracy), settings) for accuracy in (0.0, 0.5, 1.0)]
    assert verdicts[0] == verdicts[1] == verdicts[2]


def test_the_registration_holds_what_was_checked(tmp_path: Path) -> None:
    (tmp_path / "cnn").mkdir()
    (tmp_path / "cnn" / "model.keras").write_bytes(b"weights")
    registration = describe(
        champion(0.9, 0.2),
        tmp_path,
        section("register", name="faces", alias="best", min_accuracy=0.0, min_gain_over_majority=0.05),
    ).to_json()
    assert registration.pop("because")
    assert registration == {
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
    with pytest.raises(DataError, match=r"dataset: missing; value: missing.*dvc repro -f compare"):
        read_champion(tmp_path / "champion.json")
