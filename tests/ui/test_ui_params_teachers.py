"""A model that has a teacher in params.yaml: `ferflow run --models` trains both, and each once."""

import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from ferflow.base.errors import ConfigError
from ferflow.settings import Config, load_config
from ferflow.ui.params_file import results_of, set_params

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def params(tmp_path: Path) -> Path:
    """The repository's own params.yaml, in which cnn_augmented learns from cnn, and vgg16 as well."""
    path = tmp_path / "params.yaml"
    shutil.copy(ROOT / "params.yaml", path)
    teach(path, cnn_augmented={"model": "cnn", "folds": 5}, vgg16={"model": "cnn", "folds": 5})
    return path


def teach(path: Path, **teachers: dict[str, object]) -> None:
    yaml = YAML()
    content = yaml.load(path)
    for name, teacher in teachers.items():
        content["models"][name]["teacher"] = teacher
    yaml.dump(content, path)


def chosen(path: Path, models: list[str] | None, tuned: list[str] | None = None, repeats: int | None = None) -> Config:
    return set_params(path, results_of(load_config(path), models, tuned, repeats))


def test_the_teacher_comes_with_the_student(params: Path) -> None:
    config = chosen(params, ["cnn_augmented"], [])
    assert {name: result.teacher for name, result in config.results.items()} == {"cnn": "none", "cnn_augmented": "cnn"}
    assert {name: (t.architecture, t.folds) for name, t in config.teachers.items()} == {"cnn": ("cnn", 5)}
    assert chosen(params, ["mini_xception"], []).teachers == {}


def test_the_students_repetitions_share_one_teacher_unless_it_is_named(params: Path) -> None:
    config = chosen(params, ["cnn_augmented", "vgg16"], [], repeats=2)
    assert list(config.results) == ["cnn", "cnn_augmented", "cnn_augmented_seed2", "vgg16", "vgg16_seed2"]
    assert chosen(params, None) == config
    named = chosen(params, ["cnn_augmented", "cnn"], ["cnn_augmented"], repeats=2)
    assert list(named.results) == [
        *("cnn", "cnn_augmented", "cnn_augmented_seed2", "cnn_seed2", "cnn_augmented_tuned"),
    ]
    assert named.results["cnn_augmented_tuned"].teacher == "cnn"
    assert list(chosen(params, None).results) == list(named.results)


def test_two_students_that_want_different_folds_are_refused(params: Path) -> None:
    teach(params, vgg16={"model": "cnn", "folds": 1})
    with pytest.raises(ConfigError, match=r"vgg16 learns from cnn with folds: 1, another model with folds: 5"):
        chosen(params, ["cnn_augmented", "vgg16"], [])


@pytest.mark.parametrize(
    ("teacher", "fault"),
    [
        ({"model": "nobody", "folds": 1}, r"models\.resnet50\.teacher\.model.*'nobody'"),
        ({"model": "vgg16", "folds": 1}, "must be a model without a teacher of its own. Received: 'vgg16'"),
        ({"model": "resnet50", "folds": 1}, "must be a model without a teacher of its own. Received: 'resnet50'"),
        ({"model": "cnn", "folds": 0}, r"models\.resnet50\.teacher\.folds"),
        ({"model": "cnn"}, r"models\.resnet50\.teacher\.folds"),
    ],
)
def test_a_wrong_teacher_is_refused(params: Path, teacher: dict[str, object], fault: str) -> None:
    teach(params, resnet50=teacher)
    with pytest.raises(ConfigError, match=fault):
        load_config(params)
