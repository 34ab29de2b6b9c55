"""Every number of metrics.json, recomputed from the stored files by scikit-learn, scipy and numpy alone.

Nothing of ferflow's own formulas is used here: files are read by pandas and numpy, and what scikit-learn does not have
is written out as a loop over the images, the way that the papers define it.
"""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax
from sklearn import metrics as sk
from sklearn.preprocessing import label_binarize


@pytest.fixture(scope="module")
def metrics(evaluated: Path) -> dict:
    return json.loads((evaluated / "metrics.json").read_text())


def stored(inferred: Path, data: Path, split: str) -> dict:
    """The stored predictions and images of a split, by pandas and numpy alone."""
    table = pd.read_csv(inferred / f"predictions_{split}.csv")
    images = np.load(data / f"{split}_images.npy").astype(np.float64)
    classes = [column[2:] for column in table.columns if column.startswith("p_")]
    return {
        "table": table,
        "classes": classes,
        "labels": np.array([classes.index(name) for name in table["label"]]),
        "predicted": np.array([classes.index(name) for name in table["predicted"]]),
        "probabilities": table[[f"p_{name}" for name in classes]].to_numpy(),
        "votes": np.load(data / f"{split}_votes.npy").astype(np.float64),
        "brightness": images.reshape(len(images), -1).mean(axis=1),
        "contrast": images.reshape(len(images), -1).std(axis=1),
        "corruptions": dict(np.load(inferred / "corruptions.npz")),
        "over_views": dict(np.load(inferred / "views.npz"))[split],
    }


def temperature_of(part: dict) -> float:
    logits = np.log(np.clip(part["probabilities"], 1e-7, 1))
    every = np.arange(len(part["classes"]))

    def loss(temperature: float) -> float:
        return sk.log_loss(part["labels"], softmax(logits / temperature, axis=1), labels=every)

    return minimize_scalar(loss, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-8}).x


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error over 15 bins of equal width, image by image (Guo et al. 2017, equation 5)."""
    bins: dict[int, list[int]] = {}
    for row, value in enumerate(confidence):
        number = next(b for b in range(1, 16) if value <= b / 15 + 1e-12)
        bins.setdefault(number, []).append(row)
    return sum(abs(right[rows].mean() - confidence[rows].mean()) * len(rows) for rows in bins.values()) / len(right)


def check(block: dict, part: dict, mask: np.ndarray, temperature: float, terciles: dict) -> None:
    labels, predicted = part["labels"][mask], part["predicted"][mask]
    raw, classes = part["probabilities"][mask], part["classes"]
    served = softmax(np.log(np.clip(raw, 1e-7, 1)) / temperature, axis=1)
    every = np.arange(len(classes))
    truth = label_binarize(labels, classes=every)
    near = {"abs": 2e-6}
    expected = {
        "images": len(labels),
        "accuracy": sk.accuracy_score(labels, predicted),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, predicted),
        "macro_f1": sk.f1_score(labels, predicted, average="macro", labels=every, zero_division=0),
        "macro_precision": sk.precision_score(labels, predicted, average="macro", labels=every, zero_division=0),
        "macro_recall": sk.recall_score(labels, predicted, average="macro", labels=every, zero_division=0),
        "kappa": sk.cohen_kappa_score(labels, predicted),
        "top2_accuracy": sk.top_k_accuracy_score(labels, raw, k=2, labels=every),
        "roc_auc": np.mean([sk.roc_auc_score(truth[:, k], served[:, k]) for k in every]),
        "average_precision": np.mean([sk.average_precision_score(truth[:, k], served[:, k]) for k in every]),
    }
    for name, value in expected.items():
        assert block[name] == pytest.approx(value, **near), name
    for scores, probabilities in ((block, served), (block["uncalibrated"], np.asarray(raw))):
        chosen = probabilities[np.arange(len(labels)), labels]
        assert scores["log_loss"] == pytest.approx(-np.log(np.clip(chosen, 1e-7, 1)).mean(), **near)
        assert scores["brier"] == pytest.approx(((probabilities - truth) ** 2).sum(axis=1).mean(), **near)
        top = probabilities.max(axis=1)
        assert scores["ece"] == pytest.approx(calibration_error(top, predicted == labels), **near)
        each = [calibration_error(probabilities[:, k], labels == k) for k in every]
        assert scores["classwise_ece"] == pytest.approx(np.mean(each), **near)
    for k, name in enumerate(classes):
        own = block["per_class"][name]
        assert own["support"] == (labels == k).sum()
        for kind, of in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)):
            assert own[kind] == pytest.approx(of(labels == k, predicted == k, zero_division=0), **near)
        assert own["roc_auc"] == pytest.approx(sk.roc_auc_score(labels == k, served[:, k]), **near)
        curve = sk.precision_recall_curve(labels == k, served[:, k])
        assert own["average_precision"] == pytest.approx(-np.sum(np.diff(curve[1]) * curve[0][:-1]), **near)
    assert block["absent_classes"] == [name for k, name in enumerate(classes) if not (labels == k).any()]

    surest = sorted(range(len(labels)), key=lambda row: -served[row].max())
    wrong = [int(predicted[row] != labels[row]) for row in surest]
    risks = [sum(wrong[:answered]) / answered for answered in range(1, len(wrong) + 1)]
    assert block["aurc"] == pytest.approx(sum(risks) / len(risks), **near)
    assert block["accuracy_at_80"] == pytest.approx(1 - risks[math.ceil(0.8 * len(wrong)) - 1], **near)

    for kind, (low, high) in terciles.items():
        values = part[kind][mask]
        for third, inside in zip(
            block["thirds"][kind], (values < low, (values >= low) & (values < high), values >= high), strict=True
        ):
            assert third["images"] == inside.sum()
            assert third["accuracy"] == pytest.approx(sk.accuracy_score(labels[inside], predicted[inside]), **near)
            occur = np.unique(labels[inside])
            f1 = sk.f1_score(labels[inside], predicted[inside], average="macro", labels=occur, zero_division=0)
            assert third["macro_f1"] == pytest.approx(f1, **near)
            assert 0 <= third["accuracy_low"] <= third["accuracy"] <= third["accuracy_high"] <= 1

    assert list(block["by_views"]) == ["single", "flip", "ten_crop"]
    for value, answers in zip(block["by_views"].values(), part["over_views"], strict=True):
        assert value == pytest.approx(sk.accuracy_score(labels, answers[mask]), **near)
    assert block["by_views"]["flip"] == block["accuracy"], "these are the views that are served"

    votes = part["votes"][mask]
    agreement = block["agreement"]
    assert agreement["log_loss"] == pytest.approx(-(votes * np.log(served)).sum(axis=1).mean(), **near)
    divergences = [jensenshannon(one, other) ** 2 for one, other in zip(votes, served, strict=True)]
    assert agreement["jensen_shannon"] == pytest.approx(np.mean(divergences), **near)
    assert agreement["annotator_probability"] == pytest.approx((votes * served).sum(axis=1).mean(), **near)
    top = votes.max(axis=1).round(4)
    for place, own in enumerate(agreement["bins"]):
        last = place == len(agreement["bins"]) - 1
        inside = (top >= own["low"]) & ((top <= own["high"]) if last else (top < own["high"]))
        assert own["images"] == inside.sum()
        if inside.any():
            assert own["accuracy"] == pytest.approx((predicted[inside] == labels[inside]).mean(), **near)

    for name in ("accuracy", "macro_f1"):
        assert block[f"{name}_low"] <= block[name] <= block[f"{name}_high"]


def test_every_number_follows_from_the_stored_files(metrics: dict, inferred: Path, data: Path) -> None:
    parts = {split: stored(inferred, data, split) for split in ("validation", "test")}
    temperature = temperature_of(parts["validation"])
    assert metrics["temperature"] == pytest.approx(temperature, rel=1e-4)
    temperature = metrics["temperature"]
    train = np.load(data / "train_images.npy").astype(np.float64).reshape(90, -1)
    terciles = {
        kind: np.quantile(values, [1 / 3, 2 / 3]).round(3)
        for kind, values in (("brightness", train.mean(axis=1)), ("contrast", train.std(axis=1)))
    }
    everything = np.ones(60, bool)
    check(metrics["validation"], parts["validation"], everything, temperature, terciles)
    table = parts["test"]["table"]
    subsets, copies = table["subset"].to_numpy(), table["copy_in_train"].to_numpy()
    masks = {"test": np.ones(121, bool)} | {name: subsets == name for name in ("PublicTest", "PrivateTest")}
    for name, mask in masks.items():
        check(metrics[name], parts["test"], mask, temperature, terciles)
        check(metrics[f"{name}_without_copies"], parts["test"], mask & ~copies, temperature, terciles)
    assert set(metrics) == {"model", "views", "temperature", "validation", *masks} | {
        f"{name}_without_copies" for name in masks
    }


def test_the_intervals_are_those_of_resampled_groups(metrics: dict, inferred: Path, data: Path) -> None:
    """Drawn one by one here, with other random numbers; metrics.json has 200 resamples, so the ends are rough."""
    part = stored(inferred, data, "test")
    groups = part["table"]["group"].to_numpy()
    names, rng = np.unique(groups), np.random.default_rng(0)
    members = {name: np.flatnonzero(groups == name) for name in names}
    drawn = [np.concatenate([members[name] for name in rng.choice(names, len(names))]) for _ in range(1000)]
    accuracies = [(part["labels"][rows] == part["predicted"][rows]).mean() for rows in drawn]
    low, high = np.quantile(accuracies, [0.025, 0.975])
    assert metrics["test"]["accuracy_low"] == pytest.approx(low, abs=0.03)
    assert metrics["test"]["accuracy_high"] == pytest.approx(high, abs=0.03)
