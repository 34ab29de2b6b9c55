"""What a training leaves on disk: the same bytes from the same training."""

import json
import re
import zipfile
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from ferflow.base.arrays import Split
from ferflow.base.files import whole_file, write_json, write_yaml
from ferflow.base.hashing import sha256
from ferflow.train.augment import augment_batch
from ferflow.train.backend import describe_machine
from ferflow.train.loop import TrainResult
from ferflow.train.recipe import ResolvedModel


def write_outputs(
    result: TrainResult,
    resolved: ResolvedModel,
    train: Split,
    seed: int,
    model: Path,
    report: Path,
    log: Path,
) -> None:
    """Write a finished training.

    Args:
        result: of train_network.
        resolved: what was trained.
        train: images for the augmentation figure.
        seed: of the augmentation figure.
        model: folder for model.keras, classes.json, config.yaml and augmentation.png. The last shows training images,
            and so stays out of git with the weights.
        report: folder for history.csv and summary.json.
        log: JSON file for what differs from run to run: time, machine, versions.
    """
    save_model(result.model, model / "model.keras")
    write_json(model / "classes.json", list(train.classes))
    write_yaml(model / "config.yaml", {**resolved.model_dump(mode="json"), "seed": seed})
    if resolved.train.augment.active:
        _draw_augmentation(train, resolved, seed, model / "augmentation.png")
    with whole_file(report / "history.csv") as temporary:
        result.history.to_csv(temporary, index=False, lineterminator="\n")
    write_json(
        report / "summary.json",
        {
            "model": resolved.name,
            "architecture": resolved.architecture,
            "parameters": result.model.count_params(),
            "trainable_parameters": result.trainable_parameters,
            "macs": result.macs,
            "images": result.images,
            "epochs_run": len(result.history),
            "best_epoch": result.best_epoch,
            "best": result.best,
            "stopped": result.stopped,
        },
    )
    write_json(
        log,
        {
            "seconds": round(result.seconds, 1),
            "images_per_second": round(result.seen / result.seconds, 1),
            "history_sha256": sha256(report / "history.csv"),
            **describe_machine(),
        },
    )


def _draw_augmentation(
    train: Split, resolved: ResolvedModel, seed: int, path: Path, rows: int = 8, columns: int = 8
) -> None:
    """Draw training images at the left, each with random changes beside it, three times enlarged."""
    originals = np.asarray(train.images[:: max(1, len(train) // rows)][:rows])
    rng = np.random.default_rng(seed)
    changed = [augment_batch(originals, resolved.train.augment, rng) for _ in range(columns)]
    gap = np.full((len(originals), originals.shape[1], 4), 255)
    sheet = np.concatenate([originals, gap, *changed], axis=2).reshape(
        -1, gap.shape[2] + originals.shape[2] * (columns + 1)
    )
    picture = Image.fromarray(np.rint(sheet).astype(np.uint8))
    with whole_file(path) as temporary:
        picture.resize((picture.width * 3, picture.height * 3), Image.Resampling.NEAREST).save(temporary)


def save_model(model: keras.Model, path: Path) -> None:
    """Save a network in keras' format, the same bytes from the same weights.

    Keras writes the date, and numbers shared objects by their place in memory: the date goes, and the numbers count
    from 1.
    """
    with whole_file(path) as temporary:
        model.save(temporary)
        with zipfile.ZipFile(temporary) as archive:
            members = {name: archive.read(name) for name in sorted(archive.namelist())}
        metadata = json.loads(members["metadata.json"])
        metadata.pop("date_saved", None)
        members["metadata.json"] = json.dumps(metadata, sort_keys=True).encode()
        members["config.json"] = _count_shared_objects(members["config.json"].decode()).encode()
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for name, data in members.items():
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)


def _count_shared_objects(config: str) -> str:
    numbers: dict[str, int] = {}
    return re.sub(
        r'("shared_object_id": )(\d+)',
        lambda match: match[1] + str(numbers.setdefault(match[2], len(numbers) + 1)),
        config,
    )
