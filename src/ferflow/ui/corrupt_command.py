"""`ferflow corrupt`: write FER-2013-C, the corrupted copies of images that networks are tested with."""

import argparse
from pathlib import Path

import numpy as np

from ferflow.base.arrays import read_split
from ferflow.base.errors import ConfigError
from ferflow.base.explain import did_you_mean
from ferflow.cross_dataset.corrupted_copy import CHECKSUMS, corrupt_arrays, corrupt_folder
from ferflow.infer.corruptions import CORRUPTIONS, SEVERITIES, corrupt
from ferflow.reporting import corruption_sheet, save_figure
from ferflow.settings import load_config
from ferflow.ui.params_file import PARAMS


def add_corrupt(parser: argparse.ArgumentParser) -> None:
    """Describe `ferflow corrupt`."""
    parser.epilog = "docs/fer2013-c.md describes the corruptions and how to use the files."
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("data/prepare"),
        help="prepared arrays, or a folder of images; default: data/prepare",
    )
    parser.add_argument("--out", type=Path, help="folder for the copies")
    parser.add_argument("--kinds", help=f"separated by spaces; default: all ({' '.join(CORRUPTIONS)})")
    parser.add_argument(
        "--severities", type=int, nargs="+", choices=SEVERITIES, default=list(SEVERITIES), help="default: 1 2 3 4 5"
    )
    parser.add_argument(
        "--split", choices=("train", "validation", "test"), default="test", help="of prepared arrays; default: test"
    )
    parser.add_argument("--sheet", type=Path, help="PNG to draw the first prepared image under every corruption")
    parser.set_defaults(command=_corrupt)


def _corrupt(arguments: argparse.Namespace) -> None:
    kinds = arguments.kinds.replace(",", " ").split() if arguments.kinds else list(CORRUPTIONS)
    for kind in kinds:
        if kind not in CORRUPTIONS:
            hint = did_you_mean(kind, CORRUPTIONS)
            raise ConfigError(f"--kinds: {kind!r} is unknown.{hint} Allowed: {', '.join(CORRUPTIONS)}.")
    if not (arguments.out or arguments.sheet):
        raise ConfigError("Say what to write: --out FOLDER for the copies, --sheet FILE.png for a picture, or both.")
    if arguments.sheet:
        _draw(arguments.data, arguments.split, kinds, arguments.sheet)
        print(f"wrote {arguments.sheet}")
    if not arguments.out:
        return
    if (arguments.data / "classes.json").is_file():
        summary = corrupt_arrays(arguments.data, arguments.out, kinds, arguments.severities, arguments.split)
    else:
        config = load_config(PARAMS)
        summary = corrupt_folder(
            arguments.data, arguments.out, kinds, arguments.severities, config.image_size, config.clean.max_pixels
        )
    print(f"wrote {arguments.out}: {summary}")
    print(f"To check the files: cd {arguments.out} && sha256sum --check --quiet {CHECKSUMS}")


def _draw(data: Path, split: str, kinds: list[str], path: Path) -> None:
    face = np.asarray(read_split(data, split).images[:1])
    corrupted = {kind: [corrupt(face, kind, severity)[0] for severity in SEVERITIES] for kind in kinds}
    save_figure(corruption_sheet(face[0], corrupted), path)
