"""The Dockerfiles and compose.yaml do what they say, checked without a Docker daemon.

The service's Dockerfile is replayed step by step: each stage is a folder in which the image's absolute paths lie, COPY
takes no more than .dockerignore lets through, RUN runs, and the image's command answers a picture. What a daemon adds
(the base image's Python, the user, the isolation) is not part of it.
"""

import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import yaml
from PIL import Image

from made_network import drawn_faces, scene, write_network

ROOT = Path(__file__).parents[2]
DOCKERFILES = [ROOT / "Dockerfile", ROOT / "docker" / "mlflow.Dockerfile"]
COMPOSE = ROOT / "compose.yaml"
Instruction = tuple[str, str]
_OFFLINE = re.compile(
    r"Temporary failure in name resolution|Network is unreachable|Connection refused|NewConnectionError"
)


def instructions(file: Path) -> list[Instruction]:
    """Return the instructions of a Dockerfile, each a name and its arguments."""
    lines = [line for line in file.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1].strip()) for line in joined if line.strip()]


def copies(file: Path) -> list[str]:
    """Return what a Dockerfile copies out of the project."""
    arguments = [shlex.split(text) for name, text in instructions(file) if name == "COPY"]
    return [source for words in arguments if not words[0].startswith("--from") for source in words[:-1]]


def let_through(path: str) -> bool:
    """Whether .dockerignore lets the daemon see a file of the project; the last rule that matches wins."""
    result = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            pattern = line.removeprefix("!")
            if fnmatch.fnmatch(path, pattern) or path.startswith(f"{pattern}/"):
                result = line.startswith("!")
    return result


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_what_is_copied_exists_and_is_sent(file: Path) -> None:
    sources = copies(file)
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert let_through(source), source
    for secret in (".env", ".git/config", "data/raw/a.jpg", "mlflow.db", ".dvc/config.local", "models/cnn/model.keras"):
        assert not let_through(secret), secret


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_an_image_runs_as_nobody_on_a_fixed_python_with_hashed_packages(file: Path) -> None:
    steps = instructions(file)
    names = [name for name, _ in steps]
    assert set(names) <= {"FROM", "WORKDIR", "RUN", "COPY", "ENV", "USER", "EXPOSE", "HEALTHCHECK", "STOPSIGNAL"} | {
        "ENTRYPOINT",
        "CMD",
    }
    assert all(re.match(r"python:3\.\d+-slim-\w+( AS \w+)?$", text) for name, text in steps if name == "FROM")
    user = next(text for name, text in steps if name == "USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert names.index("USER") > max(index for index, name in enumerate(names) if name in ("RUN", "COPY"))
    installs = [text for name, text in steps if name == "RUN" and "install" in text]
    assert all("--no-deps" in text and ("--require-hashes" in text or text.endswith(" .")) for text in installs)


@pytest.mark.slow
def test_the_steps_of_the_service_lead_to_a_service(tmp_path: Path) -> None:
    image = Replay(tmp_path, ROOT / "Dockerfile")
    image.build()
    network = write_network(tmp_path / "network", drawn_faces())
    port = free_port()
    command = [word.replace("/model", str(network)).replace("0.0.0.0", "127.0.0.1") for word in image.command]
    health = [word.replace(":8000/", f":{port}/") for word in image.health]
    with subprocess.Popen([*command, "--port", str(port)], env=image.environment, cwd=tmp_path) as process:
        deadline = time.monotonic() + 60
        while subprocess.run(health, env=image.environment, capture_output=True).returncode:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.2)
        photo = tmp_path / "photo.png"
        Image.fromarray(scene(list(drawn_faces()[:2]))).save(photo)
        headers = {"Content-Type": "image/png"}
        answer = httpx.post(f"http://127.0.0.1:{port}/predict", content=photo.read_bytes(), headers=headers).json()
        assert len(answer["pictures"][0]["faces"]) == 2
        process.send_signal(getattr(signal, image.stop))
        assert process.wait(30) == 0
    assert subprocess.run(health, env=image.environment, capture_output=True).returncode, (
        "a stopped service is unhealthy"
    )
    packages = {path.name.lower() for path in (image.root / "opt/ferflow").glob("lib/python*/site-packages/*")}
    assert not packages & {"tensorflow", "keras", "mlflow", "dvc", "pandas", "cv2"}


class Replay:
    """An image that is built in a folder.

    Attributes:
        root: What lies at / in the image.
        environment: Its variables.
        command: What it runs.
        health: What tells whether it works.
        stop: Name of the signal that stops it.
    """

    def __init__(self, folder: Path, file: Path) -> None:
        self.folder, self.steps, self.root = folder, instructions(file), folder / "root"
        self.stages: dict[str, Path] = {}
        self.stage, self.workdir, self.stop = "", "/", "SIGKILL"
        self.environment: dict[str, str] = {}
        self.entrypoint: list[str] = []
        self.arguments: list[str] = []
        self.health: list[str] = []

    @property
    def command(self) -> list[str]:
        words = self.entrypoint + self.arguments
        found = shutil.which(words[0], path=self.environment["PATH"])
        assert found, words
        return [found, *words[1:]]

    def build(self) -> None:
        for name, text in self.steps:
            getattr(self, f"_{name.lower()}")(text)

    def inside(self, path: str) -> Path:
        """Return where a path of the image lies."""
        return self.root / os.path.normpath(os.path.join(self.workdir, path)).lstrip("/")  # noqa: PTH118

    def _from(self, text: str) -> None:
        # Each stage is built at the same place, since an environment's scripts name their interpreter.
        if self.root.exists():
            self.stages[self.stage] = self.root.rename(self.folder / f"stage_{self.stage}")
        self.stage = text.partition(" AS ")[2]
        self.workdir = "/"
        (self.root / "bin").mkdir(parents=True)
        (self.root / "bin/python").symlink_to(Path(sys.base_prefix) / "bin" / Path(sys.executable).resolve().name)
        kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name == "HOME"}
        # Compiling every module takes longer than the other steps. pip takes a zero for yes here.
        self.environment = {**kept, "PATH": f"{self.root}/bin:/usr/bin:/bin", "PIP_NO_COMPILE": "0"}

    def _workdir(self, text: str) -> None:
        self.workdir = text
        self.inside(".").mkdir(parents=True, exist_ok=True)

    def _copy(self, text: str) -> None:
        words = shlex.split(text)
        source = ROOT
        if words[0].startswith("--from="):
            source = self.stages[words.pop(0).removeprefix("--from=")]
        for name in words[:-1]:
            target = self.inside(words[-1])
            if (source / name.lstrip("/")).is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "*.egg-info") if source == ROOT else None
                shutil.copytree(source / name.lstrip("/"), target, symlinks=True, ignore=ignored)
            else:
                assert words[-1].endswith("/")
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy(source / name, target)

    def _run(self, text: str) -> None:
        # pip may use its cache here, unlike in an image.
        script = re.sub(r"(?<![\w.])/(?=opt/)", f"{self.root}/", text).replace("--no-cache-dir ", "")
        done = subprocess.run(
            script,
            shell=True,
            cwd=self.inside("."),
            env=self.environment,
            capture_output=True,
            text=True,
        )
        if done.returncode and _OFFLINE.search(done.stdout + done.stderr):
            pytest.skip("the packages cannot be downloaded here")
        assert done.returncode == 0, f"{text}:\n{done.stdout}{done.stderr}"

    def _env(self, text: str) -> None:
        for word in shlex.split(text):
            name, _, value = word.partition("=")
            value = value.replace("$PATH", self.environment["PATH"])
            self.environment[name] = re.sub(r"(?<![\w.])/(?=opt/)", f"{self.root}/", value)

    def _user(self, text: str) -> None:
        pass  # checked by its own test

    def _expose(self, text: str) -> None:
        assert text == "8000"

    def _stopsignal(self, text: str) -> None:
        self.stop = text

    def _healthcheck(self, text: str) -> None:
        words = json.loads(text.partition("CMD ")[2])
        self.health = [shutil.which(words[0], path=self.environment["PATH"]) or words[0], *words[1:]]

    def _entrypoint(self, text: str) -> None:
        self.entrypoint = json.loads(text)

    def _cmd(self, text: str) -> None:
        self.arguments = json.loads(text)


def check_compose(file: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_compose_follows_its_schema(tmp_path: Path) -> None:
    done = check_compose(COMPOSE)
    assert done.returncode == 0, done.stdout
    broken = tmp_path / "compose.yaml"
    broken.write_text(COMPOSE.read_text().replace("healthcheck:", "healthchek:"))
    assert check_compose(broken).returncode == 1


def test_compose_names_what_exists_and_opens_ports_to_this_machine_only() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    built = {}
    for name, service in services.items():
        if "build" in service:
            build = service["build"]
            file = ROOT / (build["dockerfile"] if isinstance(build, dict) else "Dockerfile")
            built[name] = {text for step, text in instructions(file) if step == "EXPOSE"}
        for port in service.get("ports", []):
            host, _, inside = port.rpartition(":")
            assert re.fullmatch(r"127\.0\.0\.1:\d+", host)
            assert inside in built[name]
        assert set(service.get("depends_on", {})) <= set(services)
    assert set(built) == {"mlflow", "serve"}
    assert "ports" not in services["database"]


def test_compose_has_no_password_of_its_own() -> None:
    text = COMPOSE.read_text()
    uses = re.findall(r"\$\{POSTGRES_PASSWORD[^}]*\}", text)
    assert len(uses) == 2
    assert all(use.startswith("${POSTGRES_PASSWORD:?") for use in uses), "compose stops without it"


def test_the_server_has_the_version_of_mlflow_that_writes_to_it() -> None:
    def version(lock: str) -> list[str]:
        return re.findall(r"^mlflow==(\S+)", (ROOT / lock).read_text(), flags=re.MULTILINE)

    assert version("docker/mlflow.lock") == version("requirements.lock") != []


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
