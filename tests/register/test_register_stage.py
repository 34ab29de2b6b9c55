import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ferflow.base.files import write_json, write_yaml
from ferflow.base.hashing import sha256
from ferflow.register import CardSources
from ferflow.reporting.result_contracts import Champion
from ferflow.ui.tracking import connect

ROOT = Path(__file__).parents[2]
OUTPUTS = ("reports/register/registration.json", "reports/register/model_card.md")


@pytest.fixture
def project(tmp_path: Path, champion: Champion, sources: CardSources) -> Path:
    """The files that register reads, with a tiny network."""
    import keras

    write_json(tmp_path / "reports/compare/champion.json", champion.to_json())
    write_json(tmp_path / "reports/download/receipt.json", sources.receipt)
    write_json(tmp_path / "reports/prepare/summary.json", sources.prepared)
    write_json(tmp_path / "reports/train/cnn/summary.json", sources.training.to_json())
    write_json(tmp_path / "export/card.json", sources.exported)
    write_yaml(tmp_path / "models/cnn/settings.yaml", sources.settings)
    write_json(tmp_path / "models/cnn/classes.json", list(champion.sets["test"].per_class))
    layers = [keras.Input((12, 12, 1)), keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")]
    keras.Sequential(layers).save(tmp_path / "models/cnn/model.keras")
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    (tmp_path / "dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    return tmp_path


def register(project: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    return subprocess.run(
        [sys.executable, str(ROOT / "stages/register.py")],
        cwd=project,
        env={**known, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_champion_is_registered_once_and_the_outputs_stay_the_same(project: Path) -> None:
    first = register(project)
    assert first.returncode == 0, first.stderr
    assert "cnn, version 1 of ferflow-sample, is promoted:" in first.stdout
    assert first.stdout.endswith("(registered)\n")
    assert "Traceback" not in first.stderr
    before = [(project / path).read_bytes() for path in OUTPUTS]
    second = register(project)
    assert second.stdout.endswith("(unchanged)\n")
    assert [(project / path).read_bytes() for path in OUTPUTS] == before
    store = connect("sqlite:///mlflow.db", project)
    (version,) = store.client.search_model_versions("name = 'ferflow-sample'")
    assert version.tags["ferflow.model_sha256"] == sha256(project / "models/cnn/model.keras")
    assert before[1].decode().startswith(version.description.partition("\nThe rest is in")[0])
    registration = json.loads(before[0])
    assert registration["passed"] is True
    decision = json.loads((project / "logs/register/decision.json").read_text())
    assert decision["promoted"] is True
    assert decision["figures"]["latency_ms"] > 0
    assert registration["model_sha256"] == version.tags["ferflow.model_sha256"]
    written = before[0].decode() + before[1].decode()
    assert "latency_ms" not in json.dumps(registration["figures"]), "it differs from run to run"
    assert str(project) not in written
    assert version.source not in written


def test_if_a_gate_fails_it_is_a_challenger_and_nothing_fails(project: Path) -> None:
    params = yaml.safe_load((project / "params.yaml").read_text())
    write_yaml(project / "params.yaml", {**params, "register": {**params["register"], "min_accuracy": 0.9}})
    result = register(project)
    assert result.returncode == 0, result.stderr
    assert "cnn, version 1 of ferflow-sample, is not promoted:" in result.stdout
    assert "gate failed: validation accuracy 70.0 % is below min_accuracy 90 %" in result.stdout
    registration = json.loads((project / OUTPUTS[0]).read_text())
    assert registration["passed"] is False
    assert "is below min_accuracy 90 %" in registration["because"][0]
    assert "Not passed" in (project / OUTPUTS[1]).read_text()
    store = connect("sqlite:///mlflow.db", project)
    aliases = store.client.get_registered_model("ferflow-sample").aliases
    assert {alias: str(number) for alias, number in aliases.items()} == {"challenger": "1"}


def test_without_its_server_the_stage_fails_with_one_clear_message(project: Path) -> None:
    result = register(project, MLFLOW_TRACKING_URI="http://127.0.0.1:9", MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
    assert result.returncode == 1
    assert "error: MLflow at http://127.0.0.1:9 cannot be used" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (project / OUTPUTS[0]).exists()
