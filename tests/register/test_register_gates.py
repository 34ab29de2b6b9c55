from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from defaults import section
from ferflow.base.errors import DataError
from ferflow.base.files import write_json
from ferflow.register import check_gates, describe, figures_of, read_champion
from ferflow.register.gates import worst_class
from ferflow.reporting.result_contracts import Champion
from ferflow.reporting.set_metrics import SetMetrics
from metric_blocks import block_values

shares = st.integers(0, 10**6).map(lambda millionths: millionths / 10**6)
GATES = ("min_accuracy", "min_gain_over_majority", "min_macro_f1", "min_worst_recall", "max_ece", "max_size_mb")
OPEN = {
    "min_accuracy": 0.0,
    "min_gain_over_majority": 0.0,
    "min_macro_f1": 0.0,
    "min_worst_recall": 0.0,
    "max_ece": 1.0,
    "max_size_mb": 1000.0,
}


def block(accuracy: float, macro_f1: float = 0.0, ece: float = 0.0, recalls: tuple[float, ...] = (0.5,)) -> SetMetrics:
    per_class = {
        f"class{place}": {"precision": 0.0, "recall": recall, "f1": 0.0, "support": 10}
        for place, recall in enumerate(recalls)
    }
    changes = {"images": 10, "accuracy": accuracy, "macro_f1": macro_f1, "ece": ece, "per_class": per_class}
    return SetMetrics.model_validate(block_values(0.0, **changes))


def champion(validation: SetMetrics, majority: float = 0.0, test: float = 0.0) -> Champion:
    sets = {"validation": validation, "test": block(test)}
    values = {"model": "cnn", "dataset": "drawn", "metric": "macro_f1", "value": 0.4, "majority_accuracy": majority}
    values |= {"runner_up": None, "p_value_vs_runner_up": None, "reason": "It is the only result."}
    return Champion.model_validate({**values, "views": "flip", "temperature": 1.25, "sets": sets})


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 1.5 MB."""
    path = tmp_path_factory.mktemp("weights") / "model.keras"
    path.write_bytes(bytes(1_500_000))
    return path


def check(chosen: Champion, weights: Path, **gates: float) -> tuple[bool, list[str]]:
    return check_gates(chosen, figures_of(chosen, weights), section("register", **{**OPEN, **gates}))


@given(values=st.tuples(*[shares] * 5), limits=st.tuples(*[shares] * 5), size=st.sampled_from([1.0, 1.5, 2.0]))
def test_it_passes_exactly_when_every_gate_is_reached(
    weights: Path, values: tuple[float, ...], limits: tuple[float, ...], size: float
) -> None:
    accuracy, majority, macro_f1, recall, ece = values
    gates = dict(zip(GATES, [*limits, size], strict=True))
    chosen = champion(block(accuracy, macro_f1, ece, (1.0, recall)), majority)
    passed, because = check(chosen, weights, **gates)
    exact = [round(share * 10**6) for share in (accuracy, accuracy - majority, macro_f1, recall)]
    reached = [have >= round(want * 10**6) for have, want in zip(exact, limits[:4], strict=True)]
    reached += [round(ece * 10**6) <= round(limits[4] * 10**6), size >= 1.5]
    assert passed == all(reached)
    assert [sentence.startswith("gate passed") for sentence in because] == reached
    assert [sentence.startswith("gate failed") for sentence in because] == [not good for good in reached]
    assert all(key in sentence for key, sentence in zip(GATES, because, strict=True))


def test_the_reasons_have_the_numbers(weights: Path) -> None:
    chosen = champion(block(0.5, 0.4, 0.25, (0.75, 0.125)), 0.25)
    passed, because = check(chosen, weights, min_accuracy=0.6, min_gain_over_majority=0.05, max_ece=0.1)
    assert not passed
    assert because == [
        "gate failed: validation accuracy 50.0 % is below min_accuracy 60 %",
        "gate passed: gain of 25.0 points over always predicting the most frequent class (25.0 %) reaches "
        "min_gain_over_majority 5 %",
        "gate passed: validation macro F1 40.0 % reaches min_macro_f1 0 %",
        "gate passed: recall of the worst class, class1 (12.5 % of 10 validation images), reaches min_worst_recall 0 %",
        "gate failed: validation calibration error 0.250 exceeds max_ece 0.1",
        "gate passed: size 1.5 MB is within max_size_mb 1000 MB",
    ]


def test_a_class_without_validation_images_is_not_the_worst() -> None:
    measured = block(0.5, recalls=(0.75, 0.5, 0.0))
    scores = dict(measured.per_class)
    scores["class2"] = scores["class2"].model_copy(update={"support": 0})
    assert worst_class(champion(measured.model_copy(update={"per_class": scores}))) == "class1"


def test_the_test_set_decides_nothing(weights: Path) -> None:
    verdicts = [check(champion(block(0.5), 0.1, test=accuracy), weights) for accuracy in (0.0, 0.5, 1.0)]
    assert verdicts[0] == verdicts[1] == verdicts[2]


def test_the_registration_holds_what_was_checked(tmp_path: Path) -> None:
    (tmp_path / "cnn").mkdir()
    (tmp_path / "cnn" / "model.keras").write_bytes(b"weights")
    settings = section("register", name="faces", alias="best", **OPEN, max_latency_ms=20.0, significance=0.01)
    registration = describe(champion(block(0.9, 0.8, 0.1), 0.2), tmp_path, settings).to_json()
    assert registration.pop("because")
    assert registration == {
        "passed": True,
        "model": "cnn",
        "dataset": "drawn",
        "name": "faces-drawn",
        "alias": "best",
        "metric": "macro_f1",
        "value": 0.4,
        "figures": {
            "accuracy": 0.9,
            "gain_over_majority": 0.7,
            "macro_f1": 0.8,
            "worst_recall": 0.5,
            "ece": 0.1,
            "size_mb": 0.0,
        },
        "worst_class": "class0",
        "gates": {**OPEN, "max_latency_ms": 20.0, "significance": 0.01},
        "model_sha256": "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c",
        "views": "flip",
        "temperature": 1.25,
    }


def test_a_missing_or_old_champion_names_the_stage(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="dvc repro compare"):
        read_champion(tmp_path / "champion.json")
    write_json(tmp_path / "champion.json", {"model": "cnn", "metric": "accuracy"})
    with pytest.raises(DataError, match=r"dataset: missing; value: missing.*dvc repro -f compare"):
        read_champion(tmp_path / "champion.json")
