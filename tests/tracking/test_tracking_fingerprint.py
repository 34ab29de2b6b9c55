import copy
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tracking_helpers import dvc, run

from ferflow.base.errors import TrackingError
from ferflow.ui.tracking import fingerprint_of_entry, fingerprint_of_running_stage, read_lock

PROBE = """
import os
from pathlib import Path
from ferflow.ui.tracking import fingerprint_of_running_stage
Path("fingerprint.txt").write_text(fingerprint_of_running_stage(Path.cwd(), os.environ["DVC_STAGE"]))
"""
STAGE = {
    "cmd": "python train.py",
    "deps": [{"path": "a", "md5": "1"}, {"path": "b", "md5": "2"}],
    "params": {"params.yaml": {"epochs": 3, "rate": 0.1}},
    "outs": [{"path": "c", "md5": "3"}],
}
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_the_running_stage_and_the_lock_agree_for_every_stage(finished_project: Path) -> None:
    lock = read_lock(finished_project)
    assert set(lock.stages) >= {
        "download",
        "prepare",
        "train@one",
        "train@two",
        "tune@one",
        "study@one",
        "evaluate@one",
    }
    for stage in lock.stages:
        assert fingerprint_of_running_stage(finished_project, stage) == lock.fingerprint(stage), stage
    assert len({lock.fingerprint(stage) for stage in lock.stages}) == len(lock.stages)


def test_a_stage_knows_its_fingerprint_while_dvc_runs_it(project: Path) -> None:
    (project / "probe.py").write_text(PROBE)
    text = (project / "dvc.yaml").read_text()
    probe = f"""
  probe:
    matrix: {{model: [one]}}
    cmd: {sys.executable} probe.py ${{item.model}}
    deps: [probe.py, "models/${{item.model}}", data/prepare]
    params: [train, dataset, datasets]
    outs: [fingerprint.txt]
"""
    (project / "dvc.yaml").write_text(text + probe)
    dvc(project, "repro", "probe")
    written = (project / "fingerprint.txt").read_text()
    assert written == read_lock(project).fingerprint("probe@one")


def test_editing_a_dependency_or_a_param_makes_another_fingerprint(project: Path) -> None:
    stages = ("train@one", "settings@one", "tune@one", "evaluate@one")
    before = {stage: fingerprint_of_running_stage(project, stage) for stage in stages}
    with (project / "stage.py").open("a") as script:
        script.write("# a comment\n")
    assert fingerprint_of_running_stage(project, "train@one") != before["train@one"]
    assert fingerprint_of_running_stage(project, "tune@one") == before["tune@one"]
    params = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(params.replace("budget: smoke", "budget: full"))
    assert fingerprint_of_running_stage(project, "tune@one") != before["tune@one"]
    assert fingerprint_of_running_stage(project, "settings@one") != before["settings@one"]
    assert fingerprint_of_running_stage(project, "evaluate@one") == before["evaluate@one"]


def test_a_fingerprint_waits_for_no_large_library(finished_project: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from ferflow.ui.tracking import fingerprint_of_running_stage; "
        "fingerprint_of_running_stage(Path.cwd(), 'train@one'); "
        "print(sorted({'keras', 'mlflow', 'tensorflow'} & set(sys.modules)))"
    )
    assert run(finished_project, sys.executable, "-c", code).strip() == "[]"


@given(params=st.dictionaries(st.text(min_size=1), values, max_size=4), data=st.data())
def test_order_does_not_matter_and_every_value_does(params: dict[str, object], data: st.DataObject) -> None:
    one = {"stages": {"train": {**STAGE, "params": {"params.yaml": params}}}}
    other = copy.deepcopy(one)
    entry = other["stages"]["train"]
    entry["params"]["params.yaml"] = dict(reversed(params.items()))
    entry["deps"] = entry["deps"][::-1]
    entry["outs"] = []
    assert fingerprint_of_entry(one, "train") == fingerprint_of_entry(other, "train")
    change = data.draw(st.sampled_from(["cmd", "dep", "param"]))
    if change == "cmd":
        entry["cmd"] += " -f"
    elif change == "dep":
        entry["deps"][0]["md5"] = "9"
    else:
        entry["params"]["params.yaml"] = {**params, "one more" + "".join(params): data.draw(values)}
    assert fingerprint_of_entry(one, "train") != fingerprint_of_entry(other, "train")


def test_an_unknown_stage_is_named(finished_project: Path) -> None:
    with pytest.raises(TrackingError, match="no stage 'train@three'"):
        fingerprint_of_entry(read_lock(finished_project).content, "train@three")
    with pytest.raises(TrackingError, match="train@three"):
        fingerprint_of_running_stage(finished_project, "train@three")


def test_a_missing_dependency_is_named(project: Path) -> None:
    (project / "judge.txt").unlink()
    with pytest.raises(TrackingError, match=r"judge\.txt"):
        fingerprint_of_running_stage(project, "evaluate@one")
