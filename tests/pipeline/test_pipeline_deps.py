"""Each stage of dvc.yaml depends on exactly the code that decides its outputs."""

import ast
from pathlib import Path

import grimp
import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
STAGES = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"]

# Code that talks to people and decides no output. A stage's own section of the config is a dependency all the same,
# for its defaults; the other sections are not.
SILENT = ("ferflow.base.errors", "ferflow.ui.console", "ferflow.ui.progress", "ferflow.ui.tracking", "ferflow.settings")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("ferflow", cache_dir=None)


def imported(script: Path, graph: grimp.ImportGraph) -> set[str]:
    """Modules of ferflow that a stage's script imports, directly or by way of others."""
    direct = set()
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("ferflow"):
            direct.add(node.module)
            direct |= {f"{node.module}.{name.name}" for name in node.names} & graph.modules
    found = set(direct)
    for module in direct - {"ferflow"}:
        if not module.startswith(SILENT):
            found |= graph.find_upstream_modules(module)
    return {module for module in found if module != "ferflow" and not module.startswith(SILENT)}


def declared(stage: dict, graph: grimp.ImportGraph) -> dict[str, set[str]]:
    """The modules that each dependency of a stage on our code stands for."""
    found = {}
    for path in stage["deps"]:
        if path.startswith("src/") and "${" not in path:
            name = path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            whole = not path.endswith(".py")
            found[path] = {m for m in graph.modules if m == name or (whole and m.startswith(f"{name}."))}
    return found


@pytest.mark.parametrize("name", STAGES)
def test_stage_depends_on_exactly_its_code(name: str, graph: grimp.ImportGraph) -> None:
    stage = STAGES[name]
    script = stage["cmd"].split()[1]
    assert script in stage["deps"], "a stage depends on its own script"
    used, listed = imported(ROOT / script, graph), declared(stage, graph)
    for path, modules in listed.items():
        assert modules, f"{path} is no code of ours"
        assert modules & used or path.startswith("src/ferflow/config/"), f"{name} does not use {path}"
    missing = used - set().union(*listed.values())
    assert not missing, f"{name} uses {sorted(missing)} and does not depend on it"


@pytest.mark.parametrize("name", ["train", "tune", "train_tuned"])
def test_a_training_depends_on_its_own_network_alone(name: str) -> None:
    networks = [
        path for path in STAGES[name]["deps"] if path.startswith("src/ferflow/models/") and path.endswith(".py")
    ]
    assert networks == ["src/ferflow/models/__init__.py", "src/ferflow/models/${item.model}.py"]


@pytest.mark.parametrize("name", STAGES)
def test_one_name_runs_through(name: str) -> None:
    stage = STAGES[name]
    room = name.removesuffix("_tuned")
    assert stage["cmd"].split()[1] == f"stages/{room}.py"
    assert f"src/ferflow/{room}" in stage["deps"]
    outs = [
        next(iter(out)) if isinstance(out, dict) else out
        for kind in ("outs", "metrics", "plots")
        for out in stage.get(kind, [])
    ]
    assert all(out.split("/")[1] in (room, "raw") or out.startswith("models/") for out in outs), outs
