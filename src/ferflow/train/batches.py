"""The batches of each epoch: order, augmentation, balance and mixing, prepared while the network trains.

Everything random is a function of (seed, epoch, batch), so that a resumed training sees the same batches. Keras'
datasets and preprocessing layers cannot do that: they draw from one running stream.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ferflow.base.arrays import Split
from ferflow.base.errors import ConfigError
from ferflow.train.augment import at_smaller_side, augment_batch, mirrored_in
from ferflow.train.recipe import SmallerSide, Train
from ferflow.train.synthetic import with_synthetic

ORDER, BATCH = 0, 1  # part of the seed: which use a random stream has


@dataclass(frozen=True)
class Batch:
    """The input of one training step.

    Attributes:
        images: Grey levels 0 to 255, float32, (B, side, side, 1).
        targets: Distribution over the classes, float32, (B, classes); each row sums to 1.
        weights: Weight of each image in the loss, float32, (B,); None: all 1.
    """

    images: npt.NDArray[np.float32]
    targets: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32] | None


class Batches:
    """The batches of a training split, epoch by epoch.

    Attributes:
        size: Images per batch: the batch size of the settings, or the whole split if that is smaller.
        steps: Batches per epoch. Images that do not fill a batch are left out of that epoch (different ones each
            time), so that every step has the same shape and is compiled once.
    """

    def __init__(self, split: Split, settings: Train, seed: int, soft: npt.NDArray[np.float32] | None = None) -> None:
        """Load the images.

        Args:
            split: Training split.
            settings: Batch size, augmentation, imbalance, mixup and CutMix.
            seed: Seed of order, augmentation and mixing.
            soft: A teacher's class probabilities, (N, classes). Defaults to no teacher.

        Raises:
            ConfigError: `imbalance: smote` with a teacher, with votes as labels, or with a class of one image.
        """
        if settings.imbalance == "smote":
            if soft is not None:
                raise ConfigError("train.imbalance: smote makes images that no teacher has seen. Use another value.")
            split = with_synthetic(split, seed)
        self._images = np.ascontiguousarray(split.images)
        one_hot = np.eye(len(split.classes), dtype=np.float32)[split.labels]
        hard = one_hot if split.votes is None else split.votes
        share = settings.soft_targets
        self._targets = hard if soft is None else ((1 - share) * hard + share * soft).astype(np.float32)
        self._labels = split.labels
        self._settings = settings
        self._seed = seed
        self.size = min(settings.batch_size, len(split) // settings.devices * settings.devices)
        self._class_weights = _class_weights(split.labels, len(split.classes), settings.imbalance)
        self.steps = len(split) // self.size

    def epoch(self, number: int, smaller: SmallerSide | None = None) -> Iterator[Batch]:
        """Yield the batches of an epoch. A thread prepares the next two while the caller uses one.

        Args:
            number: Number of the epoch, from 1.
            smaller: Side of this epoch's images. Defaults to that of the split.
        """
        order = self._order(number)
        with ThreadPoolExecutor(max_workers=1) as worker:
            ahead = [worker.submit(self._make, number, step, order, smaller) for step in range(min(2, self.steps))]
            for step in range(self.steps):
                batch = ahead.pop(0).result()
                if step + 2 < self.steps:
                    ahead.append(worker.submit(self._make, number, step + 2, order, smaller))
                yield batch

    def images(self, epoch: int, count: int) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the images of an epoch's first batches, at the split's side, without preparing them ahead.

        Args:
            epoch: Number of the epoch, from 1.
            count: Number of batches; an epoch may have fewer.
        """
        order = self._order(epoch)
        for step in range(min(count, self.steps)):
            yield self._make(epoch, step, order, None).images

    def _order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Return the rows of the split in the order of an epoch; oversampling draws them with replacement."""
        rng = np.random.default_rng([self._seed, ORDER, epoch])
        count = len(self._labels)
        if self._settings.imbalance != "oversample":
            return rng.permutation(count)
        probability = 1 / np.bincount(self._labels)[self._labels]  # every class as a whole is equally likely
        return rng.choice(count, size=count, p=probability / probability.sum())

    def _make(self, epoch: int, step: int, order: npt.NDArray[np.int64], smaller: SmallerSide | None) -> Batch:
        rng = np.random.default_rng([self._seed, BATCH, epoch, step])
        rows = order[step * self.size : (step + 1) * self.size]
        settings = self._settings
        mirrored = mirrored_in(epoch, rows, self._seed) if settings.augment.flip == "alternate" else None
        images = (
            augment_batch(self._images[rows], settings.augment, rng, mirrored)
            if settings.augment.active
            else self._images[rows].astype(np.float32)
        )
        if smaller is not None and smaller.side < images.shape[1]:
            images = at_smaller_side(images, smaller, rng)
        targets = self._targets[rows]
        weights = None if self._class_weights is None else self._class_weights[self._labels[rows]]
        if settings.mixup or settings.cutmix:
            images, targets, weights = _mix(images, targets, weights, settings, rng)
        return Batch(images[..., None], targets, weights)


def _class_weights(labels: npt.NDArray[np.int64], classes: int, imbalance: str) -> npt.NDArray[np.float32] | None:
    """Return the weight of each class, (classes,), with mean 1 over the images; None: no weights."""
    if imbalance not in ("class_weights", "effective_number"):
        return None
    counts = np.maximum(np.bincount(labels, minlength=classes), 1).astype(np.float64)
    # Effective number of samples (Cui et al. 2019, equation 2): (1 - beta^n) / (1 - beta), with beta = 0.999.
    effective = counts if imbalance == "class_weights" else (1 - 0.999**counts) / (1 - 0.999)
    weights = 1 / effective
    scaled: npt.NDArray[np.float32] = (weights / weights[labels].mean()).astype(np.float32)
    return scaled


def _mix(
    images: npt.NDArray[np.float32],
    targets: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float32] | None,
    settings: Train,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32] | None]:
    """Mix each image with another of the batch, by mixup (Zhang et al. 2018) or CutMix (Yun et al. 2019).

    One share and one rectangle apply to the whole batch. If both methods are on, one of them is drawn for each batch.

    Returns:
        The mixed images, targets and weights, with the shapes of the arguments.
    """
    other = rng.permutation(len(images))
    use_mixup = bool(settings.mixup) and (not settings.cutmix or rng.random() < 0.5)
    share = float(rng.beta(settings.mixup, settings.mixup) if use_mixup else rng.beta(settings.cutmix, settings.cutmix))
    if use_mixup:
        mixed = share * images + (1 - share) * images[other]
    else:
        side = images.shape[1]
        cut = round(side * np.sqrt(1 - share))
        top, left = rng.integers(0, side - cut + 1, 2)
        mixed = images.copy()
        mixed[:, top : top + cut, left : left + cut] = images[other][:, top : top + cut, left : left + cut]
        share = 1 - cut * cut / (side * side)  # the share of pixels, since `cut` was rounded
    blended = share * targets + (1 - share) * targets[other]
    if weights is not None:
        weights = (share * weights + (1 - share) * weights[other]).astype(np.float32)
    return mixed.astype(np.float32), blended.astype(np.float32), weights
