"""A search that an error of a worker has ended."""

from pathlib import Path

from tune_storm import begin, calm, outputs


def test_once_the_cause_is_mended_the_same_command_resumes(tmp_path: Path) -> None:
    (tmp_path / "calm").mkdir()
    wanted = calm(tmp_path / "calm")
    (tmp_path / "broken").touch()
    assert begin(tmp_path, 1).wait(120) == 1
    assert "No space left on device" in (tmp_path / "coordinator.log").read_text()
    (tmp_path / "broken").unlink()
    assert begin(tmp_path, 1).wait(120) == 0, (tmp_path / "coordinator.log").read_text()[-3000:]
    assert outputs(tmp_path) == wanted
