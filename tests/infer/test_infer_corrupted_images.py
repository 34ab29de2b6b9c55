"""The predictions on corrupted images are those of the network, over the same views."""

from pathlib import Path

import numpy as np
import pytest

from defaults import section
from evaluation_data import SIDE
from ferflow.base.network import load_model, predict
from ferflow.infer.corrupted_images import predict_corrupted
from ferflow.infer.corruptions import corrupt


@pytest.mark.parametrize("views", ["single", "flip"])
def test_each_kind_and_severity_has_its_own_answers(model_path: Path, views: str) -> None:
    images = np.random.default_rng(1).integers(0, 256, (37, SIDE, SIDE), dtype=np.uint8)
    images = (images // 3 + np.arange(37)[:, None, None] * 4).astype(np.uint8)
    kinds = {"kinds": ["brightness", "occlusion"], "severities": [2, 5]}
    network = load_model(model_path)
    found = predict_corrupted(network, images, section("infer", views=views, batch_size=16, corruptions=kinds), "cnn")
    assert (found.kinds, found.severities) == (("brightness", "occlusion"), (2, 5))
    for row, kind in enumerate(found.kinds):
        for column, severity in enumerate(found.severities):
            changed = corrupt(images, kind, severity)
            expected = predict(network, changed)
            if views == "flip":
                expected = expected + predict(network, changed[:, :, ::-1])
            assert np.array_equal(found.predicted[row, column], expected.argmax(axis=1))
    assert len({answers.tobytes() for answers in found.predicted.reshape(4, -1)}) > 1


def test_no_kinds_cost_nothing(model_path: Path) -> None:
    settings = section("infer", corruptions={"kinds": [], "severities": [1]})
    found = predict_corrupted(load_model(model_path), np.zeros((5, SIDE, SIDE), np.uint8), settings, "cnn")
    assert found.predicted.shape == (0, 1, 5)
