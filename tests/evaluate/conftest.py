from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ferflow.base.arrays import Split, write_split
from ferflow.base.contracts import TrainSummary, ValidationScores
from ferflow.base.files import write_json

CLASSES = ("angry", "happy", "sad")
SIDE = 16


def make_split(name: str, images: int, subsets: tuple[str, ...], copies: bool, seed: int) -> Split:
    """Noise whose brightness tells the class, in part."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(images) % len(CLASSES))
    brightness = labels * 30 + rng.normal(0, 25, images)
    levels = brightness[:, None, None] + rng.integers(0, 190, (images, SIDE, SIDE))
    index = pd.DataFrame(
        {
            "id": [f"{name}/{number}.jpg" for number in range(images)],
            "subset": [subsets[number % len(subsets)] for number in range(images)],
            "group": range(images),
            "copy_in_train": [copies and number % 7 == 0 for number in range(images)],
        }
    )
    return Split(np.clip(levels, 0, 255).astype(np.uint8), labels.astype(np.int64), index, CLASSES)


@pytest.fixture(scope="session")
def write_data() -> Callable[..., Path]:
    """Write data/prepare as prepare does: 60 images for validation, 121 for test."""

    def write(folder: Path, subsets: tuple[str, ...] = ("PrivateTest", "PublicTest"), copies: bool = True) -> Path:
        write_split(folder, "validation", make_split("validation", 60, ("Training",), False, 1))
        write_split(folder, "test", make_split("test", 121, subsets, copies, 2))
        return folder

    return write


def write_training(folder: Path) -> Path:
    """Write reports/train/<model>/ as train does."""
    folder.mkdir(parents=True)
    figures = ("loss", "accuracy", "val_loss", "val_accuracy", "val_macro_f1", "learning_rate")
    rows = [{"epoch": epoch, **dict.fromkeys(figures, 0.5 / epoch)} for epoch in (1, 2, 3)]
    pd.DataFrame(rows).to_csv(folder / "history.csv", index=False)
    best = ValidationScores(val_accuracy=0.5, val_macro_f1=0.4, val_loss=1.0)
    summary = TrainSummary(
        model="cnn",
        architecture="cnn",
        parameters=15,
        trainable_parameters=15,
        macs=12,
        images=240,
        epochs_run=3,
        best_epoch=2,
        best=best,
        stopped="patience",
    )
    write_json(folder / "summary.json", summary.to_json())
    return folder


@pytest.fixture(scope="session")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_training(tmp_path_factory.mktemp("reports") / "train/cnn")


@pytest.fixture(scope="session")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small real network with fixed weights that tells bright from dark, and left from right a little."""
    import keras

    keras.utils.set_random_seed(3)
    image = keras.Input((SIDE, SIDE, 1))
    scaled = keras.layers.Rescaling(1 / 30, offset=-3.2)(image)
    pooled = keras.layers.Flatten()(keras.layers.AveragePooling2D(SIDE // 2)(scaled))
    dense = keras.layers.Dense(len(CLASSES), activation="softmax", kernel_initializer="zeros")
    network = keras.Model(image, dense(pooled))
    noise = np.random.default_rng(4).normal(0, 0.1, (4, 3))
    dense.set_weights([np.array([[-0.3, 0.0, 0.3]] * 4) + noise, np.array([0.0, 0.2, 0.0])])
    path = tmp_path_factory.mktemp("models") / "cnn" / "model.keras"
    path.parent.mkdir()
    network.save(path)
    return path
