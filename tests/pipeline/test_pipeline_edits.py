"""For each kind of edit, exactly the stages that `dvc status` marks as changed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from dvc.repo import Repo
from pipeline_project import Project

pytestmark = [pytest.mark.pipeline, pytest.mark.slow, pytest.mark.timeout(1800)]

Edit = Callable[[Project], None]
RESULTS = ("cnn", "cnn_augmented", "cnn_tuned")


def each(stage: str) -> set[str]:
    return {f"{stage}@{name}" for name in RESULTS}


SETTINGS = each("settings") | {"search@cnn"}
OF_CNN = {"settings@cnn", "settings@cnn_tuned", "search@cnn"}
TRAININGS = each("train") | {"tune@cnn", "teach@cnn"}
DRAWN = {"eda", "study@cnn", "compare", "register"} | each("evaluate")


def param(key: str, value: object) -> Edit:
    return lambda project: project.edit_params(**{key.replace(".", "__"): value})


def comment(path: str) -> Edit:
    def edit(project: Project) -> None:
        file = project.folder / path
        file.write_text(f"{file.read_text()}# a comment\n")

    return edit


CASES: dict[str, tuple[Edit, set[str]]] = {
    "a model's description": (param("models.cnn.description", "Other words."), OF_CNN),
    "the description of a model that is not trained": (param("models.vgg16.description", "Other words."), set()),
    "a dataset's description": (param("datasets.sample.description", "Other words."), {"register"}),
    "a dataset's licence": (param("datasets.sample.licence", "CC0"), {"export", "register"}),
    "another dataset": (param("datasets.fer2013.description", "Other words."), set()),
    "a budget's description": (param("budgets.smoke.description", "Other words."), set()),
    "another budget": (param("budgets.full.train", {"epochs": 99}), set()),
    "another budget's value in a model's block": (
        param("models.cnn.budgets", {"smoke": {"network": {}}, "full": {"network": {"dense": 32}}}),
        OF_CNN,
    ),
    "a model's own value": (param("models.cnn_augmented.network.dropout", 0.2), {"settings@cnn_augmented"}),
    "a default of training": (param("train.label_smoothing", 0.05), SETTINGS),
    "the budget's trials": (param("budgets.smoke.tune.trials", 3), {"search@cnn"}),
    "the backend": (param("backend", "jax"), SETTINGS | each("infer") | {"export"}),
    "a library's version": (comment("requirements.lock"), SETTINGS),
    "a threshold of clean": (param("clean.blank_std", 2.0), {"clean", "eda"}),
    "a gate": (param("register.min_accuracy", 0.01), {"register"}),
    "the corruptions": (param("infer.corruptions.severities", [2]), each("infer")),
    "the views": (param("infer.views", "single"), each("infer")),
    "the views that are compared": (param("infer.compared_views", []), each("infer")),
    "the confidence": (param("evaluate.confidence", 0.9), each("evaluate") | {"export", "register"}),
    "the way to measure": (comment("src/ferflow/evaluate/scores.py"), each("evaluate")),
    "what the network is asked": (comment("src/ferflow/infer/views.py"), each("infer")),
    "how a network is exported": (comment("src/ferflow/export/fold.py"), {"export"}),
    "how good an 8-bit file must be": (param("export.max_accuracy_loss", 0.01), {"export"}),
    "how a face is cut": (comment("src/ferflow/use/crop.py"), {"export"}),
    "a colour": (comment("src/ferflow/reporting/style.py"), DRAWN),
    "a comment in a page": (comment("src/ferflow/ui/results/page.py"), set()),
    "the command line": (comment("src/ferflow/ui/cli.py"), set()),
    "tracking": (comment("src/ferflow/ui/tracking/live_run.py"), set()),
    "a line of one architecture": (comment("src/ferflow/models/cnn.py"), TRAININGS),
    "a line of an architecture that is not trained": (comment("src/ferflow/models/alexnet.py"), set()),
    "a line of the merge": (comment("src/ferflow/settings/resolve.py"), SETTINGS),
    "a line of the training loop": (comment("src/ferflow/train/loop.py"), TRAININGS),
    "what settings are": (comment("src/ferflow/train/recipe/settings.py"), SETTINGS | TRAININGS | {"study@cnn"}),
    "the soft targets": (comment("src/ferflow/teach/targets.py"), {"teach@cnn"}),
    "the number of folds": (param("teachers.cnn.folds", 3), {"teach@cnn"}),
    "the search": (comment("src/ferflow/tune/study.py"), {"tune@cnn"}),
}


def marked(project: Project) -> set[str]:
    """The stages whose own command, dependencies or params differ from dvc.lock."""
    with Repo(str(project.folder)) as repo:  # the command `dvc status` would spend its time on imports
        status = repo.status()
    return {
        stage.rpartition(":")[2]  # seen from another folder, dvc.yaml's path comes first
        for stage, changes in status.items()
        if any(change == "changed command" or "changed deps" in change for change in changes)
    }


@pytest.mark.parametrize("case", CASES)
def test_an_edit_marks_exactly_these_stages(finished: Project, case: str) -> None:
    edit, expected = CASES[case]
    before = {path: path.read_bytes() for path in sources(finished.folder)}
    try:
        edit(finished)
        assert marked(finished) == expected
    finally:
        for path, content in before.items():
            if path.read_bytes() != content:
                path.write_bytes(content)


def sources(folder: Path) -> list[Path]:
    return [folder / "params.yaml", folder / "requirements.lock", *(folder / "src").rglob("*.py")]
