"""`make default-model` ships the smallest file of an export folder, which `Recognizer()` then loads."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ferflow.use import model_source
from ferflow.use.recognizer import Recognizer
from made_network import drawn_faces, write_network

TOOL = Path(__file__).parents[2] / "tools/default_model.py"


def ship(folder: Path, target: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, TOOL, folder, target], capture_output=True, text=True, timeout=120)


def test_the_smallest_file_is_shipped_with_its_part_of_the_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_network(tmp_path / "export", drawn_faces())
    card = json.loads((folder / "card.json").read_text())
    card["files"]["model.tflite"] = {**card["files"]["model.onnx"], "format": "litert", "bytes": 10}
    card["files"]["model.int8.onnx"] = {**card["files"]["model.onnx"], "precision": "int8", "bytes": 2_000_000}
    (folder / "card.json").write_text(json.dumps(card))
    done = ship(folder, tmp_path / "data")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["card.json", "model.onnx"]
    monkeypatch.setattr(model_source, "SHIPPED", tmp_path / "data")
    recognizer = Recognizer()
    assert recognizer.network.file == "model.onnx"
    assert set(recognizer.card.files) == {"model.onnx"}
    assert set(recognizer.card.left_out) == {"model.int8.onnx", "model.tflite"}
    assert recognizer.faces(drawn_faces()[:1])[0].answer == "angry"


def test_a_network_too_large_for_every_installation_is_refused(tmp_path: Path) -> None:
    folder = write_network(tmp_path / "export", drawn_faces())
    card = json.loads((folder / "card.json").read_text())
    card["files"]["model.onnx"]["bytes"] = 1_500_001
    (folder / "card.json").write_text(json.dumps(card))
    done = ship(folder, tmp_path / "data")
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"error: {folder / 'model.onnx'} has 1,500,001 bytes; the default network may have 1,500,000."
    )
    assert not (tmp_path / "data").exists()
