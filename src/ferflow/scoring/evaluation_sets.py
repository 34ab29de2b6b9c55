"""The sets of images that metrics are reported for."""

import numpy as np
import numpy.typing as npt

from ferflow.reporting.set_names import WITHOUT_COPIES
from ferflow.scoring.predictions import Predictions


def evaluation_masks(validation: Predictions, test: Predictions) -> dict[str, tuple[str, npt.NDArray[np.bool_]]]:
    """Return every set of images that metrics are reported for, by name: its split, and which of its images.

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
    everything = np.ones(len(validation.labels), bool)
    return {"validation": ("validation", everything), **{name: ("test", mask) for name, mask in masks.items()}}


def evaluation_sets(validation: Predictions, test: Predictions) -> dict[str, Predictions]:
    """Return the predictions on every set of images that metrics are reported for, by name; see evaluation_masks."""
    splits = {"validation": validation, "test": test}
    masks = evaluation_masks(validation, test)
    return {name: splits[split].select(mask) for name, (split, mask) in masks.items()}
