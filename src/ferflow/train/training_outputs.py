"""Write what a training leaves on disk: the same bytes from the same training."""

import json
import re
import shutil
import zipfile
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from ferflow.base.arrays import Split
from ferflow.base.contracts import TrainSummary, ValidationScores
from ferflow.base.files import whole_file, write_csv, write_json
from ferflow.base.hashing import sha256
from ferflow.train.augment import augment_batch
from ferflow.train.backend import describe_machine
from ferflow.train.loop import TrainResult
from ferflow.train.recipe import ResultSettings

ENLARGED = 3  # factor by which the augmentation figure is enlarged


def write_outputs(
    result: TrainResult,
    settings: ResultSettings,
    settings_file: Path,
    train: Split,
    *,
    model: Path,
    report: Path,
    log: Path,
) -> None:
    """Write a finished training.

    Args:
        result: What train_network returned.
        settings: What was trained.
        settings_file: File that holds `settings`; it is copied.
        train: Training split, for the augmentation figure.
        model: Folder for model.keras, classes.json, settings.yaml (a copy of the settings) and, if augmentation is on,
            augmentation.png. That figure shows training images, so it stays out of git together with the weights.
        report: Folder for history.csv and summary.json.
        log: JSON file for what differs from run to run: time, machine and versions.
    """
    save_model(result.model, model / "model.keras")
    write_json(model / "classes.json", list(train.classes))
    with whole_file(model / "settings.yaml") as temporary:
        shutil.copyfile(settings_file, temporary)
    if settings.train.augment.active:
        _draw_augmentation(train, settings, model / "augmentation.png")
    write_csv(report / "history.csv", result.history)
    write_json(report / "summary.json", _summary(result, settings).model_dump(mode="json"))
    write_json(
        log,
        {
            "seconds": round(result.seconds, 1),
            "images_per_second": round(result.seen / result.seconds, 1),
            "history_sha256": sha256(report / "history.csv"),
            **describe_machine(),
        },
    )


def save_model(model: keras.Model, path: Path) -> None:
    """Save a network in Keras' format, with the same bytes for the same weights.

    Keras writes the date and numbers shared objects by their memory address. This function removes the date and
    numbers the objects from 1.

    Args:
        model: Network to save.
        path: File to write, with the suffix .keras.
    """
    with whole_file(path) as temporary:
        model.save(temporary)
        with zipfile.ZipFile(temporary) as archive:
            members = {name: archive.read(name) for name in sorted(archive.namelist())}
        metadata = json.loads(members["metadata.json"])
        metadata.pop("date_saved", None)
        members["metadata.json"] = json.dumps(metadata, sort_keys=True).encode()
        members["config.json"] = _number_shared_objects(members["config.json"].decode()).encode()
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for name, data in members.items():
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)  # the earliest date ZIP allows


def _summary(result: TrainResult, settings: ResultSettings) -> TrainSummary:
    return TrainSummary(
        model=settings.result,
        architecture=settings.architecture,
        parameters=result.model.count_params(),
        trainable_parameters=result.trainable_parameters,
        macs=result.macs,
        images=result.images,
        epochs_run=len(result.history),
        best_epoch=result.best_epoch,
        best=ValidationScores(**result.best),
        stopped=result.stopped,
    )


def _draw_augmentation(train: Split, settings: ResultSettings, path: Path, rows: int = 8, columns: int = 8) -> None:
    """Draw training images in the left column, and next to each one what augmentation makes of it."""
    originals = np.asarray(train.images[:: max(1, len(train) // rows)][:rows])
    rng = np.random.default_rng(settings.seed)
    augmented = [augment_batch(originals, settings.train.augment, rng) for _ in range(columns)]
    gap = np.full((len(originals), originals.shape[1], 4), 255)
    sheet = np.concatenate([originals, gap, *augmented], axis=2)
    picture = Image.fromarray(np.rint(sheet.reshape(-1, sheet.shape[2])).astype(np.uint8))
    size = (picture.width * ENLARGED, picture.height * ENLARGED)
    with whole_file(path) as temporary:
        picture.resize(size, Image.Resampling.NEAREST).save(temporary)


def _number_shared_objects(config: str) -> str:
    """Replace each shared object's id in Keras' config.json by its position among the first occurrences."""
    numbers: dict[str, int] = {}
    return re.sub(
        r'("shared_object_id": )(\d+)',
        lambda match: match[1] + str(numbers.setdefault(match[2], len(numbers) + 1)),
        config,
    )
