"""Find ONNX Runtime Web, which runs the networks in the browser. It is an npm package; Python has no copy of it."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ferflow.base.errors import ModelError

PACKAGE = "onnxruntime-web"
VERSION = "1.30.0"
"""The version in package.json. Its files are checked, so that a page has the bytes that the tests ran with."""

FILES = {
    "ort.wasm.bundle.min.mjs": "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
"""SHA-256 of each file that a page needs, as 64 hex digits."""


def find_runtime(folders: Sequence[Path]) -> dict[str, bytes]:
    """Return the content of ONNX Runtime Web's files by name.

    Args:
        folders: Where to look, best first: folders that hold `node_modules`, or the package's files themselves.

    Raises:
        ModelError: The package is in none of the folders, or is another version.
    """
    places = [place for folder in folders for place in (folder / "node_modules" / PACKAGE / "dist", folder)]
    found = next((place for place in places if all((place / name).is_file() for name in FILES)), None)
    install = f"npm install --ignore-scripts {PACKAGE}@{VERSION}"
    if found is None:
        raise ModelError(
            f"A page needs {PACKAGE} {VERSION}, which is in none of: {', '.join(map(str, folders))}. Run `make page` "
            f"in the project. Elsewhere, install it with npm in any folder ({install}) and name that folder: --runtime "
            "FOLDER."
        )
    contents = {name: (found / name).read_bytes() for name in FILES}
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != FILES[name]:
            raise ModelError(f"{found / name} is not the file of {PACKAGE} {VERSION}. Install that version: {install}.")
    return contents
