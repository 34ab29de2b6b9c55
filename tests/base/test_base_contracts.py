import json
from pathlib import Path
from typing import Any

import pytest

from ferflow.base.contracts import BestParams, read_contract
from ferflow.base.errors import DataError
from ferflow.base.files import write_json
from ferflow.reporting.result_contracts import Metrics
from metric_blocks import block_values

ROOT = Path(__file__).parents[2]

BLOCK: dict[str, Any] = block_values()
HEAD = {"model": "cnn", "views": "flip", "temperature": 1.25}
CONTENT: dict[str, Any] = {**HEAD, "validation": BLOCK, "test": BLOCK, "PublicTest": BLOCK}


def test_blocks_are_collected_as_sets_and_written_where_they_were(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    write_json(path, CONTENT)
    metrics = read_contract(path, Metrics, "evaluate@cnn")
    assert list(metrics.sets) == ["validation", "test", "PublicTest"]
    assert metrics.sets["test"].metric("accuracy") == 0.5
    write_json(tmp_path / "again.json", metrics.to_json())
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_blocks_without_data_are_left_out_and_undefined_numbers_stay(tmp_path: Path) -> None:
    undefined = block_values(kappa=None, roc_auc=None, absent_classes=["sad"])
    write_json(tmp_path / "metrics.json", {**CONTENT, "test": undefined})
    written = read_contract(tmp_path / "metrics.json", Metrics, "evaluate@cnn").to_json()["test"]
    assert written == undefined
    assert "agreement" not in written


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({key: value for key, value in CONTENT.items() if key != "test"}, "test: missing"),
        ({**CONTENT, "test": {**BLOCK, "odd": 1}}, r"sets\.test\.odd: Extra inputs are not permitted"),
        ({**CONTENT, "test": {key: BLOCK[key] for key in BLOCK if key != "ece"}}, r"sets\.test\.ece: missing"),
        ({key: value for key, value in CONTENT.items() if key != "model"}, "model: missing"),
    ],
)
def test_faults_are_named_with_the_file_and_the_stage(tmp_path: Path, content: dict[str, Any], fault: str) -> None:
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=rf"metrics\.json is invalid: .*{fault}.*dvc repro -f evaluate@cnn"):
        read_contract(path, Metrics, "evaluate@cnn")


def test_a_missing_or_damaged_file_names_the_stage(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    with pytest.raises(DataError, match=r"is missing.*dvc repro evaluate@cnn"):
        read_contract(path, Metrics, "evaluate@cnn")
    for text in (b'{"model": ', b"\xff\xfe"):
        path.write_bytes(text)
        with pytest.raises(DataError, match=r"is invalid: Invalid JSON.*dvc repro -f evaluate@cnn"):
            read_contract(path, Metrics, "evaluate@cnn")


def test_the_params_of_a_search_keep_their_types(tmp_path: Path) -> None:
    params = {"train.epochs": 3, "train.learning_rate": 1.0, "train.flip": True, "train.optimizer": "adam", "a.b": None}
    best = BestParams(model="cnn", params=params, value=0.5, trial=1, trials=4, metric="val_accuracy")
    write_json(tmp_path / "best.json", best.to_json())
    read = read_contract(tmp_path / "best.json", BestParams, "tune@cnn").params
    assert read == params
    assert [type(value) for value in read.values()] == [type(value) for value in params.values()]


def test_a_result_without_a_search_has_no_params() -> None:
    assert read_contract(ROOT / "reports/tune/none/best.json", BestParams, "tune@none") == BestParams(params={})
