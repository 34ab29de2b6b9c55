"""An exported network, run by ONNX Runtime: grey crops in, calibrated probabilities out."""

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from ferflow.base.errors import ModelError
from ferflow.use.card_file import Card, read_card

_BATCH = 64  # faces in one call: more gain no time, and take memory


class Network:
    """A network from an export folder. Mirror image and temperature are part of the file.

    Attributes:
        card: What the folder says of the network: classes, side, crop, accuracy.
        file: Name of the file that runs, such as `model.int8.onnx`.
    """

    def __init__(self, folder: Path, file: str | None = None, threads: int | None = None) -> None:
        """Load a network after a check that the file is the one whose accuracy the card states.

        Args:
            folder: The export folder.
            file: Which of its ONNX files to load. Defaults to the one that the card names.
            threads: Threads of one call. Defaults to all cores.

        Raises:
            ModelError: The folder lacks the file or its card, the file is another one, or ONNX Runtime cannot load it.
        """
        self.card: Card = read_card(folder)
        self.file = file or self.card.default
        stated = self.card.files.get(self.file)
        onnx = sorted(name for name, entry in self.card.files.items() if entry.format == "onnx")
        if stated is None or stated.format != "onnx":
            raise ModelError(f"{folder} has no ONNX file {self.file!r}. Its card lists: {', '.join(onnx) or 'none'}.")
        path = folder / self.file
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelError(f"{path} cannot be read ({error.strerror}). Export the network again.") from None
        found = hashlib.sha256(content).hexdigest()
        if found != stated.sha256:
            raise ModelError(
                f"{path} is not the file that card.json describes: SHA-256 is {found}, the card states "
                f"{stated.sha256}. Export the network again."
            )
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if threads:
            options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors have no common base class of their own
            raise ModelError(f"ONNX Runtime cannot load {path}: {error}. Update onnxruntime.") from None

    def probabilities(self, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the probability of each class for each crop.

        Args:
            crops: Faces, uint8, (N, side, side), grey levels 0 to 255; N may be 0.

        Returns:
            float32, (N, classes), in the order of `card.classes`; rows sum to 1.
        """
        names = [self.card.output.name], self.card.input.name
        parts = [
            self._session.run(names[0], {names[1]: np.ascontiguousarray(crops[start : start + _BATCH])})[0]
            for start in range(0, len(crops), _BATCH)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.card.classes)), np.float32)
