"""The written folder: whole, the same bytes each time, and no other folder is overwritten."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ferflow.base.errors import DataError, ModelError
from ferflow.page.page_folder import write_page
from ferflow.page.runtime import FILES, PACKAGE, VERSION, find_runtime

ROOT = Path(__file__).parents[2]
WEB = ROOT / "src" / "ferflow" / "page" / "web"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_has_all_that_the_page_needs(page_folder: Path, network_folder: Path) -> None:
    found = contents(page_folder)
    assert found["model.onnx"] == (network_folder / "model.onnx").read_bytes()
    assert json.loads(found["page.json"]) == {"format": 1, "model": "model.onnx"}
    assert json.loads(found["card.json"]) == json.loads((network_folder / "card.json").read_text())
    assert {f"ort/{name}" for name in FILES} < set(found)
    for name, content in found.items():
        if name.endswith(".js"):
            for module in re.findall(rb'from "([^"]+)"', content):
                assert (page_folder / name).parent.joinpath(module.decode()).resolve().is_file(), f"{name}: {module!r}"


def test_the_same_network_gives_the_same_bytes(page_folder: Path, network_folder: Path, tmp_path: Path) -> None:
    files = write_page(tmp_path / "again", network_folder, runtime=[ROOT])
    assert contents(tmp_path / "again") == contents(page_folder)
    assert {path.as_posix() for path in files} == set(contents(page_folder))


def test_a_page_is_replaced_and_anything_else_is_left_alone(
    page_folder: Path, network_folder: Path, tmp_path: Path, runtime: Path
) -> None:
    out = tmp_path / "page"
    write_page(out, network_folder, runtime=[runtime])
    (out / "old.js").write_text("old")
    write_page(out, network_folder, runtime=[runtime])
    assert contents(out) == contents(page_folder)
    (tmp_path / "empty").mkdir()
    write_page(tmp_path / "empty", network_folder, runtime=[runtime])

    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("dear")
    for taken in (tmp_path / "home", tmp_path / "home" / "letter.txt"):
        with pytest.raises(DataError, match="is not a page, so it is left alone"):
            write_page(taken, network_folder, runtime=[runtime])
    assert contents(tmp_path / "home") == {"letter.txt": b"dear"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "home", "page"], "something is left over"


def test_another_network_file_is_refused(network_folder: Path, tmp_path: Path, runtime: Path) -> None:
    with pytest.raises(ModelError, match=r"no ONNX file 'model.int8.onnx'. Its card lists: model.onnx"):
        write_page(tmp_path / "page", network_folder, "model.int8.onnx", [runtime])
    copy = tmp_path / "network"
    copy.mkdir()
    for path in network_folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    (copy / "model.onnx").write_bytes(b"another")
    with pytest.raises(ModelError, match=r"is not the file that card\.json describes"):
        write_page(tmp_path / "page", copy, runtime=[runtime])
    assert not (tmp_path / "page").exists()


def test_a_missing_runtime_is_told_with_the_way_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"npm install --ignore-scripts {PACKAGE}@{re.escape(VERSION)}"):
        find_runtime([tmp_path])


def test_another_version_of_the_runtime_is_refused(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_bytes(b"another")
    with pytest.raises(ModelError, match=f"is not the file of {PACKAGE} {re.escape(VERSION)}"):
        find_runtime([tmp_path])


def test_npm_pins_the_version_that_is_checked() -> None:
    wanted = json.loads((ROOT / "package.json").read_text())
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert wanted["dependencies"] == {PACKAGE: VERSION}
    assert locked[f"node_modules/{PACKAGE}"]["version"] == VERSION
    for name, entry in locked.items():
        if name:
            assert entry["integrity"].startswith("sha512-"), name
            assert "resolved" not in entry, "the lock names a server"


def test_the_page_has_a_strict_policy_and_nothing_inline() -> None:
    html = (WEB / "index.html").read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)
    assert policy
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert rules["connect-src"] == "'self'"
    assert "unsafe-inline" not in policy[1]
    assert "http" not in policy[1]

    found: list[str] = []

    class Inline(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            names = dict(attrs)
            if tag == "style" or (tag == "script" and "src" not in names):
                found.append(tag)
            found.extend(name for name in names if name.startswith("on") or name == "style")

    Inline().feed(html)
    assert found == []


def test_own_files_name_no_other_host() -> None:
    for path in WEB.rglob("*"):
        if path.is_file():
            hosts = set(re.findall(r"https?://([a-z0-9.:-]+)", path.read_text(encoding="utf-8")))
            assert hosts <= {"127.0.0.1:8000.", "127.0.0.1:8000", "localhost.", "www.w3.org"}, path.name


def test_forbidden_uses_are_named_before_the_controls() -> None:
    html = (WEB / "index.html").read_text(encoding="utf-8")
    assert 0 < html.index("forbids inferring people’s emotions at work and in education") < html.index('id="camera"')
