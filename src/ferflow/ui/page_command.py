"""The command `ferflow page`: a web page that recognizes emotions in the browser."""

import argparse
from pathlib import Path

from ferflow.ui.arguments import add_network

_MORE = """\
The folder needs no server of its own kind: any web server can serve it, from https:// or from localhost, where browsers
allow the camera. Faces are found and recognized in the browser; no picture, video or result leaves the device.

ONNX Runtime Web comes from npm: `make page` in the project installs it as package-lock.json pins it. Elsewhere, run
npm install --ignore-scripts onnxruntime-web@VERSION in any folder, and name that folder with --runtime.

An answer is a guess from one look at a face, not what a person feels. The EU's AI Act (Regulation 2024/1689, Article
5(1)(f)) forbids inferring people's emotions at work and in education, except for medical or safety reasons; elsewhere,
people have to be told that it is done (Article 50(3))."""


def add_page(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `ferflow page`."""
    from ferflow.page.runtime import VERSION

    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _MORE.replace("VERSION", VERSION)
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder to write; a page in it is replaced")
    add_network(parser)
    parser.add_argument(
        "--runtime",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="folder with ONNX Runtime Web in its node_modules (default: the working directory)",
    )
    parser.add_argument("--serve", action="store_true", help="serve the page to this machine until Ctrl-C")
    parser.add_argument("--port", type=int, default=8000, help="port of --serve (default: 8000)")
    parser.set_defaults(command=_page)


def _page(arguments: argparse.Namespace) -> None:
    from ferflow.page.page_folder import write_page
    from ferflow.page.server import open_server
    from ferflow.use.model_source import find_network

    files = write_page(arguments.folder, find_network(arguments.model), arguments.file, [arguments.runtime])
    size = sum((arguments.folder / path).stat().st_size for path in files)
    print(f"wrote {arguments.folder}: {len(files)} files, {size / 2**20:.1f} MiB", flush=True)
    if not arguments.serve:
        print(f"See it: ferflow page {arguments.folder} --serve, or any other web server.")
        return
    with open_server(arguments.folder, arguments.port) as server:
        print(f"open http://127.0.0.1:{server.server_address[1]} (stop with Ctrl-C)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
