"""`reports/infer/<result>/views.npz`: the classes that a network predicts over each kind of test-time views."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ferflow.base.errors import DataError
from ferflow.base.files import reading, write_archive


@dataclass(frozen=True)
class ViewedPredictions:
    """What a network predicts over several kinds of test-time views.

    Attributes:
        views: Kinds of views, `single`, `flip` or `ten_crop`; none if they are not compared.
        splits: Predicted classes by split, `validation` and `test`: uint8 (views, N), positions in the classes.
    """

    views: tuple[str, ...]
    splits: dict[str, npt.NDArray[np.uint8]]


def write_viewed(path: Path, viewed: ViewedPredictions) -> None:
    """Write views.npz, the same bytes from the same values."""
    write_archive(path, views=np.array(viewed.views, "U16"), **viewed.splits)


def read_viewed(folder: Path, images: dict[str, int]) -> ViewedPredictions:
    """Read views.npz.

    Args:
        folder: reports/infer/<result>, as infer writes it.
        images: Number of images of each split that it must be about.

    Raises:
        DataError: The file is missing, damaged or about other images; the message names the stage to run.
    """
    stage = f"infer@{folder.name}"
    with reading(folder / "views.npz", stage) as path, np.load(path, allow_pickle=False) as content:
        views = tuple(str(name) for name in content["views"])
        splits = {name: content[name] for name in images}
    for name, count in images.items():
        if splits[name].shape != (len(views), count):
            raise DataError(
                f"{path} has {name} predictions of shape {splits[name].shape}, but {count} images over {len(views)} "
                f"kinds of views need {(len(views), count)}. Run again: dvc repro -f {stage}."
            )
    return ViewedPredictions(views, splits)
