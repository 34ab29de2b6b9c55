"""The files around the code agree with it: links, make targets, versions, workflows."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

import ferflow

ROOT = Path(__file__).parents[2]
DOCS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CODE_BLOCK = re.compile(r"^(`{3,}).*?^\1$", flags=re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
# Fenced blocks, indented blocks and code spans: prose has "make a token".
CODE = re.compile(r"^```.*?^```$|^ {4}[^\n]*$|`[^`\n]+`", flags=re.MULTILINE | re.DOTALL)
MAKE = re.compile(r"(?:^[ \t]*|`|\$ |&& |; )make +([a-z][a-z-]*)", flags=re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", CODE_BLOCK.sub("", page.read_text(encoding="utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", DOCS, ids=name)
def test_relative_links_resolve(page: Path) -> None:
    broken = []
    for link in LINK.findall(CODE_BLOCK.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    assert broken == [], f"{name(page)} links to what does not exist"


def code_of(file: Path) -> str:
    """Return the parts of a file that are commands: code in Markdown, `run:` in a workflow, else the whole text."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".md":
        return "\n".join(CODE.findall(text))
    if file.suffix == ".yml":
        return "\n".join(step.get("run", "") for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"])
    return text


@pytest.mark.parametrize("page", [*DOCS, *WORKFLOWS, ROOT / ".ci" / "run"], ids=name)
def test_each_make_command_is_a_target(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(MAKE.findall(code_of(page))) - targets == set(), f"{name(page)} names targets that the Makefile lacks"


def test_make_commands_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    prose = "Run `make lint`, or\nmake a token; `dvc repro`\n"
    page.write_text(prose + "```\nmake repro STAGE=clean\n$ make ui\n```\n\n    make a-b X=1\n")
    assert set(MAKE.findall(code_of(page))) == {"lint", "repro", "ui", "a-b"}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=name)
def test_workflows_are_valid(workflow: Path) -> None:
    """Each has a trigger, permissions, a fixed runner, a time limit and versioned actions."""
    content = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    assert content.get("on", content.get(True)), "no trigger (YAML 1.1 reads the key `on` as true)"
    assert content["permissions"], "without it the token may do what the repository's default allows"
    for job in content["jobs"].values():
        assert re.fullmatch(r"ubuntu-\d+\.\d+", job["runs-on"])
        assert job["timeout-minutes"] > 0
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            if "uses" in step:
                assert re.fullmatch(r"[\w-]+/[\w/-]+@(v\d+|[0-9a-f]{40})", step["uses"])
            for script in re.findall(r"(?:tools|\.ci)/[\w./]+", step.get("run", "")):
                assert (ROOT / script).is_file()


def test_ci_runs_on_every_supported_python() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert set(re.findall(r'"(3\.\d+)"', text)) == {"3.11", "3.12", "3.13"}


def test_the_version_is_the_same_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == version
    assert ferflow.__version__ == version, "run `make env`: the installed package has another version"
    assert re.search(
        rf"^## \[?{re.escape(version)}\]?( - \d{{4}}-\d\d-\d\d)?$", (ROOT / "CHANGELOG.md").read_text(), re.M
    )


def test_citation_has_what_its_format_requires() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    for reference in citation["references"]:
        assert {"type", "title", "authors"} <= set(reference)


def test_hooks_call_what_exists() -> None:
    """Hooks run the tools of .venv; scripts that they name are in the repository."""
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert local["repo"] == "local"
    for hook in local["hooks"]:
        command, *arguments = hook["entry"].split()
        assert command.startswith(".venv/bin/")
        assert all((ROOT / argument).is_file() for argument in arguments if argument.startswith("tools/"))


def test_bots_and_containers_are_configured() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())
    assert [update["package-ecosystem"] for update in updates["updates"]] == ["github-actions"]
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert container["postCreateCommand"] == "make env"
