"""A champion as compare names it, and what else the card tells."""

from typing import Any

import pytest

from ferflow.register import Sources

CLASSES = ("angry", "disgust", "happy")


def block(images: int, accuracy: float) -> dict[str, Any]:
    """What evaluate says of one set of images."""
    scores = {"precision": accuracy, "f1": accuracy, "support": images // 3}
    recalls = {"angry": 0.5, "disgust": 0.25, "happy": 0.875}
    return {
        "images": images,
        "accuracy": accuracy,
        "accuracy_low": accuracy - 0.0125,
        "accuracy_high": accuracy + 0.0125,
        "macro_f1": 0.6,
        "macro_f1_low": 0.58,
        "macro_f1_high": 0.62,
        "balanced_accuracy": 0.61,
        "log_loss": 0.98765,
        "ece": 0.0321,
        "top2_accuracy": 0.8,
        "per_class": {name: {**scores, "recall": recalls[name]} for name in CLASSES},
    }


@pytest.fixture
def champion() -> dict[str, Any]:
    return {
        "model": "cnn",
        "dataset": "sample",
        "metric": "accuracy",
        "value": 0.7,
        "majority_accuracy": 0.3,
        "runner_up": "vgg16",
        "p_value_vs_runner_up": 0.01,
        "reason": "cnn has the best validation accuracy, 70.0 %.",
        "validation": block(100, 0.7),
        "test": block(200, 0.65),
        "test_without_copies": block(190, 0.64),
        "PublicTest": block(100, 0.66),
        "PublicTest_without_copies": block(95, 0.655),
        "PrivateTest": block(100, 0.64),
        "PrivateTest_without_copies": block(95, 0.625),
    }


@pytest.fixture
def sources() -> Sources:
    return Sources(
        drawn=True,
        description="Faces drawn by the program.",
        receipt={"origin": "ferflow.faces", "sha256": "a" * 64, "licence": "MIT", "files": 1150},
        prepared={"image_size": 12, "images": {"train": 700, "validation": 100, "test": 200}},
        training={
            "architecture": "cnn",
            "parameters": 1234567,
            "macs": 7654321,
            "epochs_run": 12,
            "best_epoch": 9,
            "stopped": "patience",
        },
        config={"train": {"optimizer": "adam", "learning_rate": 0.001, "augment": {"flip": True, "rotation": 0.0}}},
        budget="smoke",
        views="flip",
        confidence=0.95,
    )
