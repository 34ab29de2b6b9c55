"""Each stage of dvc.yaml depends on exactly the packages that its script imports, directly or by way of others."""

import ast
from pathlib import Path

import grimp
import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
STAGES = {
    name: stage.get("do", stage)
    for name, stage in YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"].items()
}
# What only talks to people, and what only checks params.yaml (tests/settings proves that loading changes no value).
SILENT = ("ferflow.ui", "ferflow.settings")
WRITE_SETTINGS = ("settings", "search")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("ferflow", cache_dir=None)


def imported(name: str, graph: grimp.ImportGraph) -> set[str]:
    """Modules of ferflow that decide what a stage writes."""
    silent = ("ferflow.ui",) if name in WRITE_SETTINGS else SILENT
    found: set[str] = set()
    queue = []
    for node in ast.walk(ast.parse((ROOT / "stages" / f"{name}.py").read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("ferflow"):
            queue += [node.module, *({f"{node.module}.{alias.name}" for alias in node.names} & graph.modules)]
    while queue:
        module = queue.pop()
        if module not in found and not module.startswith(silent) and module != "ferflow":
            found.add(module)
            queue += graph.find_modules_directly_imported_by(module)
    return {module for module in found if not is_empty(module)}


def is_empty(module: str) -> bool:
    """Whether a module is a package without any code."""
    file = ROOT / "src" / module.replace(".", "/") / "__init__.py"
    return file.is_file() and len(ast.parse(file.read_text()).body) <= 1


def declared(name: str, graph: grimp.ImportGraph) -> dict[str, set[str]]:
    """The modules that each code dependency of a stage covers."""
    found = {}
    for path in STAGES[name]["deps"]:
        if path.startswith("src/") and "${" not in path:
            module = path.removeprefix("src/").removesuffix(".py").replace("/", ".")
            whole = not path.endswith(".py")
            found[path] = {m for m in graph.modules if m == module or (whole and m.startswith(f"{module}."))}
    return found


@pytest.mark.parametrize("name", STAGES)
def test_stage_depends_on_exactly_its_code(name: str, graph: grimp.ImportGraph) -> None:
    used, listed = imported(name, graph), declared(name, graph)
    assert f"stages/{name}.py" in STAGES[name]["deps"], "a stage depends on its own script"
    for path, modules in listed.items():
        assert modules, f"{path} is not a module of this project"
        assert modules & used, f"{name} does not use {path}"
    missing = used - set().union(*listed.values())
    assert not missing, f"{name} uses {sorted(missing)} but does not depend on them"


@pytest.mark.parametrize("name", STAGES)
def test_one_name_runs_through(name: str) -> None:
    stage = STAGES[name]
    assert stage["cmd"].split()[1] == f"stages/{name}.py"
    outs = [
        next(iter(out)) if isinstance(out, dict) else out
        for kind in ("outs", "metrics", "plots")
        for out in stage.get(kind, [])
    ]
    roots = {"settings": "settings", "search": "settings", "train": "models", "export": "export"}.get(name)
    assert all(out.split("/")[0] == roots or out.split("/")[1] in (name, "raw") for out in outs), outs


def test_the_graph_reads_in_a_minute() -> None:
    assert len((ROOT / "dvc.yaml").read_text().splitlines()) <= 150
    for name, stage in STAGES.items():
        code = [path for path in stage["deps"] if path.startswith("src/")]
        assert len(code) <= 4, f"{name}: {code}"


def test_a_training_depends_on_its_own_network_alone() -> None:
    assert [p for p in STAGES["train"]["deps"] if "/models/" in p] == ["src/ferflow/models/${item.architecture}.py"]
    assert [p for p in STAGES["tune"]["deps"] if "/models/" in p] == ["src/ferflow/models/${item}.py"]
