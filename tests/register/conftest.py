"""A champion as compare writes it, and everything else that the card reports."""

import pytest

from ferflow.base.contracts import TrainSummary
from ferflow.register import CardSources
from ferflow.reporting.result_contracts import Champion
from ferflow.reporting.set_metrics import SetMetrics
from metric_blocks import block_values

CLASSES = ("angry", "disgust", "happy")


def block(images: int, accuracy: float) -> SetMetrics:
    """Metrics of one set of images."""
    scores = {"precision": accuracy, "f1": accuracy, "support": images // 3}
    recalls = {"angry": 0.5, "disgust": 0.25, "happy": 0.875}
    changes = {
        "images": images,
        "accuracy": accuracy,
        "accuracy_low": accuracy - 0.0125,
        "accuracy_high": accuracy + 0.0125,
        "macro_f1": 0.6,
        "macro_f1_low": 0.58,
        "macro_f1_high": 0.62,
        "balanced_accuracy": 0.61,
        "macro_precision": 0.62,
        "macro_recall": 0.61,
        "log_loss": 0.98765,
        "ece": 0.0321,
        "uncalibrated": {"log_loss": 1.12345, "brier": 0.6, "ece": 0.0876, "classwise_ece": 0.05},
        "top2_accuracy": 0.8,
        "per_class": {name: {**scores, "recall": recalls[name]} for name in CLASSES},
    }
    return SetMetrics.model_validate(block_values(**changes))


def exported(size: int, precision: str) -> dict[str, object]:
    """One file's entry in export/card.json."""
    sets = {"validation": {"images": 100, "accuracy": 0.71}, "test": {"images": 200, "accuracy": 0.655}}
    return {"precision": precision, "bytes": size, "sets": sets}


@pytest.fixture
def champion() -> Champion:
    values = {
        "model": "cnn",
        "dataset": "sample",
        "metric": "accuracy",
        "value": 0.7,
        "majority_accuracy": 0.3,
        "runner_up": "vgg16",
        "p_value_vs_runner_up": 0.01,
        "reason": "cnn has the best validation accuracy, 70.0 %.",
        "views": "flip",
        "temperature": 1.25,
        "validation": block(100, 0.7),
        "test": block(200, 0.65),
        "test_without_copies": block(190, 0.64),
        "PublicTest": block(100, 0.66),
        "PublicTest_without_copies": block(95, 0.655),
        "PrivateTest": block(100, 0.64),
        "PrivateTest_without_copies": block(95, 0.625),
    }
    return Champion.model_validate(values)


@pytest.fixture
def sources() -> CardSources:
    return CardSources(
        drawn=True,
        description="Faces drawn by the program.",
        licence="MIT",
        receipt={"origin": "ferflow.faces", "sha256": "a" * 64, "licence": "MIT", "files": 1150},
        prepared={"image_size": 12, "images": {"train": 700, "validation": 100, "test": 200}},
        training=TrainSummary.model_validate(
            {
                "model": "cnn",
                "trainable_parameters": 1234567,
                "images": 700,
                "best": {"val_loss": 0.9, "val_accuracy": 0.7, "val_macro_f1": 0.6},
                "architecture": "cnn",
                "parameters": 1234567,
                "macs": 7654321,
                "epochs_run": 12,
                "best_epoch": 9,
                "stopped": "patience",
            }
        ),
        settings={
            "result": "cnn",
            "model": "cnn",
            "architecture": "cnn",
            "seed": 1,
            "backend": "tensorflow",
            "versions": {},
            "network": {},
            "train": {"optimizer": "adam", "learning_rate": 0.001, "augment": {"flip": "random", "rotation": 0.0}},
        },
        exported={
            "fingerprint": "b" * 64,
            "default": "model.int8.onnx",
            "files": {"model.onnx": exported(4321987, "float32"), "model.int8.onnx": exported(1234567, "int8")},
            "left_out": {"model.tflite": "a layer cannot be converted."},
        },
        budget="smoke",
        confidence=0.95,
    )
