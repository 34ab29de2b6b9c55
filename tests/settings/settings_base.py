"""A small valid params.yaml for the tests of settings: the repository's own sections, two models, two budgets."""

from typing import Any

from defaults import PARAMS

SMALL_TUNE = {"trials": 2, "epochs": 1, "images": None}
MODEL = {"description": "", "architecture": "cnn", "network": {}}
BASE: dict[str, Any] = {
    **{key: value for key, value in PARAMS.items() if key not in ("datasets", "models", "budgets", "results", "tune")},
    "dataset": "faces",
    "budget": "small",
    "seed": 1,
    "results": {"cnn": {"model": "cnn", "architecture": "cnn", "search": "none", "teacher": "none", "repeat": 0}},
    "datasets": {
        "faces": {
            "description": "",
            "licence": "MIT",
            "source": {"kind": "sample", "images": 100, "emotions": 7, "damage": True},
            "labels": {"kind": "folder"},
        },
        "web": {
            "description": "",
            "licence": "",
            "source": {"kind": "kaggle", "dataset": "owner/name"},
            "labels": {"kind": "folder"},
        },
        "own": {"description": "", "licence": "", "source": {"kind": "local"}, "labels": {"kind": "folder"}},
    },
    "models": {"cnn": dict(MODEL), "other": {**MODEL, "architecture": "alexnet"}},
    "tune": {**PARAMS["tune"], "models": {}},
    "budgets": {
        "small": {"description": "", "train": {}, "tune": SMALL_TUNE},
        "large": {"description": "", "train": {}, "tune": SMALL_TUNE},
    },
}
