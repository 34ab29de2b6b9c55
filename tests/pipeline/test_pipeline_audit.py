"""What each stage really opens and reads, recorded while it runs, is exactly what dvc.yaml declares."""

import ast
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pipeline_project import Project
from ruamel.yaml import YAML

pytestmark = [pytest.mark.pipeline, pytest.mark.slow, pytest.mark.timeout(1800)]

AUDITED = Path(__file__).with_name("audited_stage.py")
# One stage of each kind.
STAGES = (
    *("download", "clean", "eda", "prepare", "settings@cnn_tuned", "search@cnn", "tune@cnn", "study@cnn", "teach@cnn"),
    *("train@cnn_augmented", "infer@cnn", "evaluate@cnn", "compare", "export", "register"),
)
# What a stage reads only of other data: the limits of unpacking matter to archives.
UNREAD_ON_THE_SAMPLE = {"stages/download.py": {"unpack"}}
LOCAL = ("checkpoints/", "logs/", "data/.download", "mlflow.db", "mlartifacts/", ".git/", ".dvc/", "dvc.")


@dataclass
class Record:
    """What a stage declares, and what it did."""

    script: str
    deps: set[str]
    params: set[str]
    outs: set[str]
    files: set[str]
    silent: set[str]
    read: set[str]


def below(path: str, folders: set[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def faults(record: Record) -> list[str]:
    """Every way in which the declaration differs from what happened."""
    found = [f"opened, not declared: {path}" for path in sorted(record.files) if not below(path, record.deps)]
    opened = record.files | record.silent
    found += [
        f"declared, never opened: {dep}" for dep in sorted(record.deps) if not any(below(p, {dep}) for p in opened)
    ]
    covers = {key: {read for read in record.read if read == key or read.startswith(f"{key}.")} for key in record.params}
    named = {"dataset"} if any(key.startswith("datasets.") for key in record.params) else set()
    found += [f"read, not declared: {key}" for key in sorted(record.read - named - set().union(*covers.values()))]
    unread = {key for key, reads in covers.items() if not reads} - UNREAD_ON_THE_SAMPLE.get(record.script, set())
    found += [f"declared, never read: {key}" for key in sorted(unread)]
    return found


@pytest.fixture(scope="module")
def records(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    lock = YAML(typ="safe").load(finished.folder / "dvc.lock")["stages"]
    folder = tmp_path_factory.mktemp("records")
    return {stage: audited(finished, stage, lock[stage], folder / f"{stage}.jsonl") for stage in STAGES}


def is_empty(path: Path) -> bool:
    """Whether a file is an `__init__.py` without any code."""
    return path.name == "__init__.py" and len(ast.parse(path.read_text()).body) <= 1


def audited(project: Project, stage: str, entry: dict, record: Path) -> Record:
    _, script, *arguments = entry["cmd"].split()
    project.run(sys.executable, str(AUDITED), str(record), script, *arguments)
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    outs = {out["path"] for out in entry["outs"]}
    writes_settings = stage.startswith(("settings@", "search@"))
    quiet = {"tracking"} if writes_settings else {"tracking", "settings"}
    relevant = {
        (path, by in quiet)
        for kind, path, *rest in lines
        if kind == "file"
        for by in rest
        if not path.startswith(LOCAL)
        and path not in ("params.yaml", "src/ferflow/__init__.py", "pyproject.toml")
        and ".egg-info" not in path
        and not any(part.startswith(".") for part in Path(path).parts)  # written by the stage itself, then renamed
        and not is_empty(project.folder / path)
        and not below(path, outs)
    }
    modules = {path for kind, path, *_ in lines if kind == "module" and not is_empty(project.folder / path)}
    people = ("src/ferflow/ui/",) if writes_settings else ("src/ferflow/ui/", "src/ferflow/settings/")
    silent = {path for path, is_silent in relevant if is_silent} | modules | {script}
    files = {path for path, is_silent in relevant if not is_silent and not path.startswith(people)}
    if writes_settings:  # these do depend on the code that merges and checks
        files |= {path for path in modules if not path.startswith(("src/ferflow/ui/", "src/ferflow/__init__"))}
    return Record(
        script=script,
        deps={dep["path"] for dep in entry["deps"]},
        params=set(entry.get("params", {}).get("params.yaml", {})),
        outs=outs,
        files=files,
        silent=silent,
        read={path for kind, path, *_ in lines if kind == "param"},
    )


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_declares_exactly_what_it_opens_and_reads(records: dict[str, Record], stage: str) -> None:
    assert faults(records[stage]) == []


@pytest.mark.parametrize("stage", STAGES)
def test_the_audit_notices_every_dependency_that_is_taken_out_or_added(records: dict[str, Record], stage: str) -> None:
    record = records[stage]
    unnoticed = [dep for dep in record.deps if not faults(replace(record, deps=record.deps - {dep}))]
    # The selected dataset's name is in the keys of its section, so that section declares it as well.
    unread = UNREAD_ON_THE_SAMPLE.get(record.script, set()) | {"dataset"}
    unnoticed += [key for key in record.params - unread if not faults(replace(record, params=record.params - {key}))]
    for extra in ("src/ferflow/models/alexnet.py", "reports/elsewhere"):
        if not faults(replace(record, deps=record.deps | {extra})):
            unnoticed.append(f"+{extra}")
    if not faults(replace(record, params=record.params | {"nothing"})):
        unnoticed.append("+nothing")
    assert unnoticed == []
