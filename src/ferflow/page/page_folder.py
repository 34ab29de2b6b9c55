"""Write the page's folder: HTML, style and modules as they are, the networks, and ONNX Runtime Web."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from ferflow.base.errors import DataError, ModelError
from ferflow.page.runtime import find_runtime
from ferflow.use.card_file import CARD, read_card
from ferflow.use.yunet import any_size, read_network

SETTINGS = "page.json"
"""Tells the page which network to load, and this module that a folder is a page and may be replaced."""

DETECTOR = "detector.onnx"


def write_page(out: Path, network: Path, file: str | None = None, runtime: Sequence[Path] = (Path(),)) -> list[Path]:
    """Write the page into a folder, the same bytes from the same network. A page that is there already is replaced.

    Args:
        out: The folder, which is created. Any web server can serve it; see ferflow.page.server.
        network: Export folder of the network.
        file: Which of its ONNX files the page runs. Defaults to the one that its card names.
        runtime: Where ONNX Runtime Web may be; see find_runtime. Defaults to the working directory.

    Returns:
        Paths of the files, relative to the folder, sorted.

    Raises:
        DataError: The folder exists and is not a page, or cannot be written.
        ModelError: The network, the detector or ONNX Runtime Web is missing or damaged.
    """
    contents = {
        **_sources(resources.files("ferflow.page") / "web"),
        **_network(network, file),
        DETECTOR: any_size(read_network()),
        **{f"ort/{name}": content for name, content in find_runtime(runtime).items()},
    }
    try:
        _replace(out, contents)
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror or error}.") from None
    return sorted(map(Path, contents))


def _network(folder: Path, file: str | None) -> dict[str, bytes]:
    """Return the network's file, its card and the settings that name it."""
    card = read_card(folder)
    name = file or card.default
    stated = card.files.get(name)
    if stated is None or stated.format != "onnx":
        known = ", ".join(sorted(key for key, entry in card.files.items() if entry.format == "onnx"))
        raise ModelError(f"{folder} has no ONNX file {name!r}. Its card lists: {known or 'none'}.")
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise ModelError(f"{folder / name} cannot be read ({error.strerror}). Export the network again.") from None
    found = hashlib.sha256(content).hexdigest()
    if found != stated.sha256:
        raise ModelError(
            f"{folder / name} is not the file that card.json describes: SHA-256 is {found}, the card states "
            f"{stated.sha256}. Export the network again."
        )
    return {name: content, CARD: _json(card.to_json()), SETTINGS: _json({"format": 1, "model": name})}


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def _sources(folder: Traversable, prefix: str = "") -> dict[str, bytes]:
    """Return the files of the page that come with ferflow, by path."""
    found: dict[str, bytes] = {}
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found |= _sources(entry, f"{prefix}{entry.name}/")
        else:
            found[f"{prefix}{entry.name}"] = entry.read_bytes()
    return found


def _replace(out: Path, contents: Mapping[str, bytes]) -> None:
    """Write files into a temporary folder and rename it to `out`; base.files has the like, but needs pandas."""
    out = out.resolve()
    if out.exists() and not (out.is_dir() and ((out / SETTINGS).is_file() or not any(out.iterdir()))):
        raise DataError(f"{out} exists and is not a page, so it is left alone. Name a new or empty folder.")
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    old = temporary.with_name(f"{temporary.name}.old")
    try:
        temporary.chmod(0o755)
        for name, content in contents.items():
            path = temporary / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        if out.exists():
            out.rename(old)
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if not out.exists() and old.exists():
            old.rename(out)
        shutil.rmtree(old, ignore_errors=True)
