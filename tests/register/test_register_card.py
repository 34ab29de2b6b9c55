import re
from dataclasses import replace
from pathlib import Path

import pytest

from ferflow.base.errors import DataError
from ferflow.base.files import write_json, write_yaml
from ferflow.register import CardSources, model_card, read_sources
from ferflow.reporting.result_contracts import Champion, Registration

REGISTRATION = Registration(
    passed=True,
    because=["gate passed: validation accuracy 70.0 % reaches min_accuracy 0 %"],
    model="cnn",
    dataset="sample",
    name="ferflow-sample",
    alias="champion",
    metric="accuracy",
    value=0.7,
    figures={"accuracy": 0.7, "gain_over_majority": 0.4, "macro_f1": 0.6, "worst_recall": 0.25, "ece": 0.03},
    worst_class="disgust",
    gates={"min_accuracy": 0.0, "max_latency_ms": 250.0, "significance": 0.05},
    model_sha256="b" * 64,
    views="flip",
    temperature=1.25,
)

ENTRY = {
    "description": "Faces.",
    "licence": "as stated in params.yaml",
    "drawn": False,
    "budget": "smoke",
    "confidence": 0.95,
}


def test_the_card_has_every_set_with_its_interval(champion: Champion, sources: CardSources) -> None:
    card = re.sub(" +", " ", model_card(REGISTRATION, champion, sources))
    assert (
        "| validation | 100 | 70.0 % (68.8 to 71.2) | 60.0 % (58.0 to 62.0) | 61.0 % | 0.988 (1.123) | 0.032 (0.088) |"
        in card
    )
    for name in ("PublicTest", "PrivateTest", "PrivateTest without copies"):
        assert f"\n| {name} | " in card
    assert "| PrivateTest without copies | 95 | 62.5 % (61.3 to 63.7)" in card
    assert "95 % interval" in card
    assert "divides the logits by a temperature of 1.250, fitted on validation" in card
    assert "averaged over each image and its mirror image, as the registered model does" in card


def test_the_card_describes_the_model_and_its_limits(champion: Champion, sources: CardSources) -> None:
    card = model_card(REGISTRATION, champion, sources)
    for text in (
        "angry, disgust and happy",
        "1,234,567 parameters",
        "12 x 12 pixels",
        'load_model("models:/ferflow-sample@champion")',
        "SHA-256 `" + "a" * 64,
        "Licence: MIT.",
        "700 for train, 100 for validation and 200 for test",
        "the weights are those of epoch 9.",
        "augmentation: flip random.",
        "b" * 64,
        "Not intended for",
        "25.0 % of the test images of disgust, but 87.5 % of those of happy",
        "by +1.0 points",
        "drawn by a program",
        "Passed, decided on validation alone",
        "- gate passed: validation accuracy 70.0 % reaches min_accuracy 0 %",
        "within max_latency_ms (250 ms)",
        "not be significantly worse (p < 0.05) than the present champion of `ferflow-sample`",
    ):
        assert text in card, text
    assert "drawn by a program" not in model_card(REGISTRATION, champion, replace(sources, drawn=False))
    refused = model_card(REGISTRATION.model_copy(update={"passed": False}), champion, sources)
    assert "Not passed, decided" in refused


def test_the_card_has_each_exported_file(champion: Champion, sources: CardSources) -> None:
    card = re.sub(" +", " ", model_card(REGISTRATION, champion, sources))
    assert "| file | precision | size | accuracy on validation | accuracy on test |" in card
    assert "| `model.onnx` | float32 | 4.32 MB | 71.0 % of 100 | 65.5 % of 200 |" in card
    assert "| `model.int8.onnx` | int8 | 1.23 MB | 71.0 % of 100 | 65.5 % of 200 |" in card
    assert "`model.int8.onnx` is the default" in card
    assert "`model.tflite` was left out: a layer cannot be converted." in card


def test_the_same_values_give_the_same_bytes(champion: Champion, sources: CardSources) -> None:
    twice = [model_card(REGISTRATION, champion.model_copy(deep=True), sources) for _ in range(2)]
    assert twice[0] == twice[1]
    assert str(Path.cwd()) not in twice[0]
    assert twice[0].endswith("\n")
    assert not twice[0].endswith("\n\n")


def test_without_copies_nothing_is_said_of_them(champion: Champion, sources: CardSources) -> None:
    sets = {name: block for name, block in champion.sets.items() if not name.endswith("_without_copies")}
    fewer = champion.model_copy(update={"sets": sets})
    assert "with a copy among" not in model_card(REGISTRATION, fewer, sources)


def test_a_missing_report_names_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"receipt\.json is missing.*dvc repro download"):
        read_sources(tmp_path, "cnn", **ENTRY)


@pytest.mark.parametrize(("stated", "expected"), [("CC0", "CC0"), (None, "as stated in params.yaml")])
def test_the_licence_is_that_of_the_receipt_if_it_has_one(
    tmp_path: Path, sources: CardSources, stated: str | None, expected: str
) -> None:
    write_json(tmp_path / "reports/download/receipt.json", {**sources.receipt, "licence": stated})
    write_json(tmp_path / "reports/prepare/summary.json", sources.prepared)
    write_json(tmp_path / "reports/train/cnn/summary.json", sources.training.to_json())
    write_json(tmp_path / "export/card.json", sources.exported)
    write_yaml(tmp_path / "models/cnn/settings.yaml", sources.settings)
    assert read_sources(tmp_path, "cnn", **ENTRY).licence == expected
    (tmp_path / "models/cnn/settings.yaml").unlink()
    with pytest.raises(DataError, match=r"settings\.yaml is missing.*dvc repro train@cnn"):
        read_sources(tmp_path, "cnn", **ENTRY)
