"""Make the network that FERflow ships of an export folder: `--model default` of `ferflow predict`.

Usage: python tools/default_model.py FOLDER [TARGET]

FOLDER is what `ferflow export --out FOLDER` wrote. Its smallest ONNX file and a card that lists it alone are copied to
TARGET, src/ferflow/use/data unless given. A file over 1.5 MB is refused, because it would be in every installation.
"""

import shutil
import sys
from pathlib import Path

from ferflow.base.errors import FerflowError, ModelError
from ferflow.base.files import whole_folder, write_json
from ferflow.use.card_file import CARD, read_card
from ferflow.use.model_source import SHIPPED
from ferflow.use.network import Network

MAX_BYTES = 1_500_000


def ship(folder: Path, target: Path) -> str:
    """Copy the smallest ONNX file of an export folder and its part of the card; return the file's name.

    Args:
        folder: The export folder.
        target: Where to write; what it contains is replaced.

    Raises:
        ModelError: The folder is no export folder, its files are not those of its card, or the smallest is too large.
    """
    card = read_card(folder)
    onnx = {name: file for name, file in card.files.items() if file.format == "onnx"}
    name = min(onnx, key=lambda each: onnx[each].bytes)
    if onnx[name].bytes > MAX_BYTES:
        raise ModelError(
            f"{folder / name} has {onnx[name].bytes:,} bytes; the default network may have {MAX_BYTES:,}. Export a "
            "smaller network, such as ferflow_nano or mini_xception."
        )
    Network(folder, name)  # the file is what the card says, and runs
    left_out = {each: "not shipped: only the smallest file is" for each in card.files if each != name} | card.left_out
    shipped = card.model_copy(update={"default": name, "files": {name: onnx[name]}, "left_out": left_out})
    with whole_folder(target) as temporary:
        shutil.copyfile(folder / name, temporary / name)
        write_json(temporary / CARD, shipped.to_json())
    return name


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    destination = Path(sys.argv[2]) if len(sys.argv) == 3 else SHIPPED
    try:
        print(f"{ship(Path(sys.argv[1]), destination)} and {CARD} are now in {destination}.")
    except FerflowError as error:
        sys.exit(f"error: {error}")
