"""Which results may be one training."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ferflow.ui.twins import Twins, twins_of


def entry(search: str = "none", **change: Any) -> dict[str, Any]:
    return {"model": "cnn", "architecture": "cnn", "search": search, "teacher": "none", "repeat": 0} | change


RESULTS = {
    "cnn": entry(),
    "cnn_tuned": entry("cnn"),
    "cnn_seed2": entry(repeat=1),
    "cnn_tuned_seed2": entry("cnn", repeat=1),
    "cnn_taught": entry(teacher="cnn"),
    "vgg16": entry(model="vgg16"),
    "vgg16_tuned": entry("vgg16", model="vgg16"),
    "alexnet": entry(model="alexnet"),
}
TEACHERS = {"vgg16": {"architecture": "vgg16", "folds": 1}, "alexnet": {"architecture": "alexnet", "folds": 5}}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("cnn", Twins((), ("cnn_tuned",))),
        ("cnn_tuned", Twins(("cnn",), ())),
        ("cnn_tuned_seed2", Twins(("cnn_seed2",), ())),
        ("cnn_taught", Twins((), ())),
        ("vgg16", Twins((), ("vgg16_tuned",), teaches=True)),
        ("vgg16_tuned", Twins((), ())),
        ("alexnet", Twins((), ())),
        ("unknown", Twins((), ())),
    ],
)
def test_twins_differ_by_their_search_alone(tmp_path: Path, result: str, expected: Twins) -> None:
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"results": RESULTS, "teachers": TEACHERS}))
    assert twins_of(tmp_path, result) == expected
