"""`reports/infer/<result>/corruptions.npz`: the predicted classes of corrupted test images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ferflow.base.errors import DataError
from ferflow.base.files import reading, write_archive


@dataclass(frozen=True)
class CorruptedPredictions:
    """What a network predicts on corrupted versions of the test images.

    Attributes:
        kinds: Names of the corruptions, in the order of the first axis; none if the test is turned off.
        severities: Severities from 1 to 5, in the order of the second axis.
        predicted: Predicted classes, uint8 (kinds, severities, N), positions in the network's classes.
    """

    kinds: tuple[str, ...]
    severities: tuple[int, ...]
    predicted: npt.NDArray[np.uint8]


def write_corrupted(path: Path, corrupted: CorruptedPredictions) -> None:
    """Write corruptions.npz, the same bytes from the same values."""
    write_archive(
        path,
        kinds=np.array(corrupted.kinds, "U32"),
        severities=np.array(corrupted.severities, np.int64),
        predicted=corrupted.predicted,
    )


def read_corrupted(folder: Path, images: int) -> CorruptedPredictions:
    """Read corruptions.npz.

    Args:
        folder: reports/infer/<result>, as infer writes it.
        images: Number of test images that it must be about.

    Raises:
        DataError: The file is missing, damaged or about other images; the message names the stage to run.
    """
    stage = f"infer@{folder.name}"
    with reading(folder / "corruptions.npz", stage) as path, np.load(path, allow_pickle=False) as content:
        kinds = tuple(str(kind) for kind in content["kinds"])
        severities = tuple(int(severity) for severity in content["severities"])
        predicted = content["predicted"]
    expected = (len(kinds), len(severities), images)
    if predicted.shape != expected:
        raise DataError(
            f"{path} has predictions of shape {predicted.shape}, but {images} test images need {expected}. Run again: "
            f"dvc repro -f {stage}."
        )
    return CorruptedPredictions(kinds, severities, predicted)
