"""Settings for tests: those of the repository's params.yaml, with changes."""

import json
from pathlib import Path
from typing import Any

import yaml

from ferflow.base.dotted import merge
from ferflow.settings.data import Clean, Eda, Prepare
from ferflow.settings.datasets import Unpack
from ferflow.settings.judging import Compare, Evaluate, Export, Infer, Register
from ferflow.settings.training import Tune
from ferflow.train.recipe import Augment, Train

ROOT = Path(__file__).parents[1]
PARAMS: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
SECTIONS = {
    "unpack": Unpack,
    "clean": Clean,
    "eda": Eda,
    "prepare": Prepare,
    "train": Train,
    "tune": Tune,
    "infer": Infer,
    "evaluate": Evaluate,
    "compare": Compare,
    "export": Export,
    "register": Register,
}


def section(name: str, /, **changes: Any) -> Any:
    """A section of params.yaml as its settings object: section("train", epochs=2, augment={"flip": "random"})."""
    return SECTIONS[name].model_validate_json(json.dumps(merge(PARAMS[name], changes), default=str))


def augment(**changes: Any) -> Augment:
    """Augmentation settings with everything off but the changes."""
    return plain_train(augment=changes).augment


def network(model: str, /, **changes: Any) -> dict[str, Any]:
    """The `network:` options of a model's block in params.yaml, with changes."""
    return merge(PARAMS["models"][model]["network"], changes)


PLAIN_TRAIN: dict[str, Any] = {
    "epochs": 50,
    "patience": 10,
    "monitor": "val_accuracy",
    "keep": "best",
    "max_minutes": None,
    "batch_size": 64,
    "learning_rate": 1e-3,
    "optimizer": "adam",
    "momentum": 0.9,
    "weight_decay": 0.0,
    "decays": {"kernel": 1.0, "bias": 0.0, "gamma": 0.0, "beta": 0.0},
    "rates": {"kernel": 1.0, "bias": 1.0, "gamma": 1.0, "beta": 1.0},
    "schedule": "cosine",
    "plateau_factor": 0.5,
    "plateau_patience": 4,
    "warmup_epochs": 0,
    "loss": "cross_entropy",
    "focal_gamma": 2.0,
    "label_smoothing": 0.0,
    "imbalance": "none",
    "soft_targets": 0.5,
    "weight_average": 0.0,
    "norm_batches": 0,
    "sides": [],
    "clip_norm": 0.0,
    "mixup": 0.0,
    "cutmix": 0.0,
    "precision": "float32",
    "devices": 1,
    "head_epochs": 3,
    "fine_tune_rate": 0.1,
    "augment": {
        "flip": "none",
        "rotation": 0.0,
        "shift": 0.0,
        "zoom": 0.0,
        "shear": 0.0,
        "brightness": 0.0,
        "contrast": 0.0,
        "erasing": 0.0,
    },
}


def plain_train(**changes: Any) -> Train:
    """Training settings with every extra off (Adam at 0.001, cosine, no augmentation), with changes."""
    return Train.model_validate_json(json.dumps(merge(PLAIN_TRAIN, changes), default=str))
