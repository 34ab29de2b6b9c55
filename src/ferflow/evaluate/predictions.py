"""A network's predictions on the prepared images, averaged over test-time views, and the sets they are reported for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.base.arrays import Split
from ferflow.base.network import predict
from ferflow.evaluate.ten_crops import at_side, crop_corners, crop_side
from ferflow.reporting.set_names import WITHOUT_COPIES
from ferflow.ui.progress import progress

if TYPE_CHECKING:
    import keras

Images = npt.NDArray[np.uint8]
Views = Literal["single", "flip", "ten_crop"]


@dataclass(frozen=True)
class Predictions:
    """What a network predicts on a set of images.

    Attributes:
        index: The images' rows of the split's index: id, subset, group, copy_in_train.
        labels: True classes, int64 (N,), positions in `classes`.
        probabilities: Predicted probabilities, float32 (N, K); rows sum to 1.
        classes: Names of the K classes.
    """

    index: pd.DataFrame
    labels: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float32]
    classes: tuple[str, ...]

    @classmethod
    def on(cls, split: Split, probabilities: npt.NDArray[np.float32]) -> "Predictions":
        """Join a split with the probabilities that a network predicts on it."""
        return cls(split.index, split.labels, probabilities, split.classes)

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """The most probable class, int64 (N,); the first one on ties."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    def select(self, mask: npt.NDArray[np.bool_]) -> "Predictions":
        """Return the predictions where the mask, bool (N,), is true."""
        return Predictions(self.index[mask], self.labels[mask], self.probabilities[mask], self.classes)

    def table(self) -> pd.DataFrame:
        """Return the content of predictions_<split>.csv: id, subset, label, predicted, p_<class> (six digits)."""
        names = np.array(self.classes)
        columns = {
            "id": self.index["id"].to_numpy(),
            "subset": self.index["subset"].to_numpy(),
            "label": names[self.labels],
            "predicted": names[self.predicted],
        }
        for position, name in enumerate(self.classes):
            columns[f"p_{name}"] = self.probabilities[:, position].astype(np.float64).round(6)
        return pd.DataFrame(columns)


def evaluation_sets(validation: Predictions, test: Predictions) -> dict[str, Predictions]:
    """Return every set of images that metrics are reported for, by name.

    These are validation; test; each subset of test (such as PublicTest) if it has two or more; and, if any test image
    has a copy among the raw training images, `<name>_without_copies` of test and of each subset.
    """
    subsets = test.index["subset"].to_numpy(str)
    masks = {"test": np.ones(len(subsets), bool)}
    if len(names := np.unique(subsets)) > 1:
        # In the order of the challenge: PublicTest was open to the contestants, PrivateTest decided.
        ordered = sorted(names.tolist(), key=lambda name: (name != "PublicTest", name))
        masks |= {name: subsets == name for name in ordered if name != "test"}
    copies = test.index["copy_in_train"].to_numpy(bool)
    if copies.any():
        clean = {f"{name}{WITHOUT_COPIES}": mask & ~copies for name, mask in masks.items()}
        masks |= {name: mask for name, mask in clean.items() if mask.any()}
    return {"validation": validation, **{name: test.select(mask) for name, mask in masks.items()}}


def make_views(images: Images, views: Views) -> list[Images]:
    """Return the test-time views of square images, each of the images' own shape.

    >>> [view.tolist() for view in make_views(np.array([[[1, 2], [3, 4]]], np.uint8), "flip")]
    [[[[1, 2], [3, 4]]], [[[2, 1], [4, 3]]]]

    Args:
        images: Grey levels, uint8 (N, side, side).
        views: `single`: the image; `flip`: the image and its mirror image; `ten_crop`: the four corners and the centre
            of the image enlarged by an eighth, and their mirror images (Krizhevsky et al. 2012, section 4.1, who crop
            224 of 256 pixels, about the same share). For networks that take smaller images, predict_views crops the
            image as it is.
    """
    if views == "single":
        return [images]
    if views == "flip":
        return [images, images[:, :, ::-1]]
    return crop_corners(enlarge(images), images.shape[1])


def enlarge(images: Images) -> Images:
    """Enlarge grey images, uint8 (N, side, side), by an eighth (at least one pixel) with bilinear interpolation."""
    side = images.shape[1]
    size = side + max(1, round(side / 8))
    return np.stack([cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR) for image in images])


def predict_views(
    model: "keras.Model", images: Images, views: Views, batch_size: int, label: str
) -> npt.NDArray[np.float32]:
    """Return the class probabilities averaged over the test-time views.

    The ten crops are cut from the image as it is, 44 of 48 pixels, if the network takes images of that side (see
    at_side). Other networks, such as those that flatten their features, get crops of their own side from the enlarged
    image.

    Args:
        model: Network from grey levels (N, side, side, 1) to probabilities (N, K).
        images: Grey levels, uint8 (N, side, side), at least one image.
        views: See make_views.
        batch_size: Images per step.
        label: Title of the progress display.

    Returns:
        float32 (N, K).
    """
    cropped = crop_side(images.shape[1])
    smaller = at_side(model, cropped) if views == "ten_crop" else None
    starts = range(0, len(images), batch_size)
    means = []
    for start in progress(starts, len(starts), label, unit="step"):
        batch = np.asarray(images[start : start + batch_size])
        rows = len(batch)
        # The last step is padded to the same shape, so that the backend compiles once.
        padded = np.concatenate([batch, np.zeros((batch_size - rows, *batch.shape[1:]), np.uint8)])
        shown = make_views(padded, views) if smaller is None else crop_corners(padded, cropped)
        probabilities = [predict(smaller or model, view, batch_size) for view in shown]
        mean = np.asarray(probabilities, np.float64).mean(axis=0)
        means.append(mean[:rows].astype(np.float32))
    return np.concatenate(means)
