"""The order, balance and mixing of the training images."""

import threading
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from defaults import plain_train
from ferflow.base.arrays import Split
from ferflow.base.errors import ConfigError
from ferflow.train.batches import Batch, Batches
from ferflow.train.recipe import SmallerSide
from train_helpers import make_split, noise

LEVELS = np.array([10.0, 100.0, 250.0])


def numbered(count: int) -> Split:
    """Images whose grey level is their row."""
    return make_split(np.repeat(np.arange(count), 64).reshape(count, 8, 8), np.arange(count) % 3)


def level_per_class(counts: tuple[int, int, int]) -> Split:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(3), counts))
    return make_split(np.repeat(LEVELS[labels], 64).reshape(-1, 8, 8), labels)


def batches(split: Split, seed: int = 0, **train: Any) -> Batches:
    return Batches(split, plain_train(**({"batch_size": 5} | train)), seed)


def rows(epoch: Iterable[Batch]) -> list[int]:
    return [int(image[0, 0, 0]) for batch in epoch for image in batch.images]


def as_bytes(epoch: Iterable[Batch]) -> list[bytes]:
    return [
        b"".join(part.tobytes() for part in (batch.images, batch.targets, batch.weights) if part is not None)
        for batch in epoch
    ]


def test_shapes_types_and_targets() -> None:
    split = numbered(23)
    for batch in batches(split).epoch(1):
        assert batch.images.shape == (5, 8, 8, 1)
        assert batch.images.dtype == batch.targets.dtype == np.float32
        assert batch.weights is None
        np.testing.assert_array_equal(batch.targets, np.eye(3)[split.labels[rows([batch])]])


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 120), st.integers(1, 50), st.integers(0, 2**40), st.integers(1, 10**6))
def test_an_epoch_is_a_permutation_without_an_incomplete_batch(count: int, size: int, seed: int, epoch: int) -> None:
    data = batches(numbered(count), seed, batch_size=size)
    seen = rows(data.epoch(epoch))
    assert data.steps == max(1, count // size)
    assert len(seen) == len(set(seen)) == (count if size > count else count // size * size)
    assert set(seen) <= set(range(count))


def test_epochs_differ_and_every_image_gets_its_turn() -> None:
    data = batches(numbered(23))
    epochs = [rows(data.epoch(number)) for number in range(1, 13)]
    assert len({tuple(epoch) for epoch in epochs}) == 12
    assert set().union(*epochs) == set(range(23))


@pytest.mark.parametrize("imbalance", ["none", "oversample", "class_weights"])
def test_an_epoch_depends_on_seed_and_number_alone(imbalance: str) -> None:
    change: dict[str, Any] = {
        "imbalance": imbalance,
        "augment": {"flip": "random", "rotation": 10.0, "erasing": 0.5},
        "mixup": 0.2,
        "cutmix": 1.0,
    }
    one, two = (batches(noise(40), seed=7, **change) for _ in range(2))
    as_bytes(one.epoch(1))
    half: Any = one.epoch(2)
    next(half)
    half.close()
    assert as_bytes(one.epoch(3)) == as_bytes(two.epoch(3))
    assert as_bytes(one.epoch(4)) != as_bytes(two.epoch(3))
    assert as_bytes(batches(noise(40), seed=8, **change).epoch(3)) != as_bytes(two.epoch(3))


def test_the_changes_of_an_image_differ_between_epochs_and_batches() -> None:
    split = make_split(np.tile(noise(1).images, (10, 1, 1)), np.zeros(10))
    data = batches(split, augment={"brightness": 0.3})
    shown = {batch.images[row].tobytes() for number in (1, 2) for batch in data.epoch(number) for row in range(5)}
    assert len(shown) == 20


def test_the_images_stay_as_they_were() -> None:
    split = noise(20)
    before = split.images.copy()
    list(batches(split, augment={"flip": "random", "erasing": 1.0}, cutmix=1.0).epoch(1))
    np.testing.assert_array_equal(split.images, before)


def test_oversampling_shows_every_class_alike() -> None:
    data = batches(level_per_class((900, 90, 10)), imbalance="oversample", batch_size=50)
    shown = np.concatenate([batch.targets for batch in data.epoch(1)])
    assert len(shown) == 1000
    np.testing.assert_allclose(shown.mean(axis=0), 1 / 3, atol=0.05)
    assert all(batch.weights is None for batch in data.epoch(1))


def class_weights(split: Split, imbalance: str) -> list[float]:
    found: dict[int, float] = {}
    weights = []
    for batch in batches(split, imbalance=imbalance, batch_size=1).epoch(1):
        assert batch.weights is not None
        assert batch.weights.dtype == np.float32
        weights.append(batch.weights)
        found[int(batch.targets.argmax())] = float(batch.weights[0])
    assert np.concatenate(weights).mean() == pytest.approx(1, rel=1e-5), "so that the learning rate keeps its meaning"
    return [found[label] for label in sorted(found)]


def test_class_weights_are_inverse_to_the_counts() -> None:
    weights = class_weights(level_per_class((120, 30, 6)), "class_weights")
    assert weights == pytest.approx([156 / (3 * count) for count in (120, 30, 6)], rel=1e-5)


def test_effective_number_of_samples() -> None:
    weights = class_weights(level_per_class((120, 30, 6)), "effective_number")
    raw = [(1 - 0.999) / (1 - 0.999**count) for count in (120, 30, 6)]
    scale = 156 / sum(weight * count for weight, count in zip(raw, (120, 30, 6), strict=True))
    assert weights == pytest.approx([weight * scale for weight in raw], rel=1e-5)


@pytest.mark.parametrize("imbalance", ["class_weights", "effective_number", "oversample"])
def test_a_class_without_images_does_no_harm(imbalance: str) -> None:
    for batch in batches(level_per_class((20, 0, 10)), imbalance=imbalance).epoch(1):
        assert np.isfinite(batch.images).all()
        assert batch.weights is None or np.isfinite(batch.weights).all()


@pytest.mark.parametrize("change", [{"mixup": 0.4}, {"cutmix": 1.0}, {"mixup": 0.4, "cutmix": 1.0}])
def test_mixed_targets_are_the_shares_of_the_pixels(change: dict[str, Any]) -> None:
    data = batches(level_per_class((20, 20, 20)), batch_size=20, **change)
    mixed: Any = 0
    for number in range(1, 8):
        for batch in data.epoch(number):
            np.testing.assert_allclose(batch.targets.sum(axis=1), 1, atol=1e-6)
            assert (batch.targets >= 0).all()
            np.testing.assert_allclose(batch.images.mean(axis=(1, 2, 3)), batch.targets @ LEVELS, atol=0.01)
            mixed += ((batch.targets > 0.01) & (batch.targets < 0.99)).any()
    assert mixed > 10


def test_mixup_blends_and_cutmix_pastes() -> None:
    split = level_per_class((20, 20, 20))
    flat = {
        kind: [np.ptp(batch.images, axis=(1, 2, 3)).max() < 1e-3 for n in range(1, 8) for batch in data.epoch(n)]
        for kind, data in (
            ("mixup", batches(split, batch_size=20, mixup=0.4)),
            ("cutmix", batches(split, batch_size=20, cutmix=1.0)),
            ("both", batches(split, batch_size=20, mixup=0.4, cutmix=1.0)),
        )
    }
    assert all(flat["mixup"])
    assert sum(flat["cutmix"]) <= 2, "but for a patch of no size, or of the whole"
    assert 4 < sum(flat["both"]) < 17
    for batch in batches(split, batch_size=20, cutmix=1.0).epoch(1):
        assert set(np.unique(batch.images)) <= set(LEVELS.astype(np.float32))


@pytest.mark.parametrize("change", [{"mixup": 0.4}, {"cutmix": 1.0}])
def test_weights_are_mixed_as_the_targets_are(change: dict[str, Any]) -> None:
    split = level_per_class((30, 20, 10))
    of_class = np.array([60 / 90, 60 / 60, 60 / 30])
    for batch in batches(split, batch_size=20, imbalance="class_weights", **change).epoch(2):
        assert batch.weights is not None
        np.testing.assert_allclose(batch.weights, batch.targets @ of_class, rtol=1e-4)


def test_votes_are_the_targets() -> None:
    votes = np.random.default_rng(0).dirichlet([1, 1, 1], 30).astype(np.float32)
    split = make_split(numbered(30).images, votes.argmax(axis=1), votes)
    for batch in batches(split).epoch(1):
        np.testing.assert_array_equal(batch.targets, votes[rows([batch])])


def test_a_teacher_has_its_share_of_the_targets() -> None:
    split = numbered(20)
    soft = np.random.default_rng(1).dirichlet([1, 1, 1], 20).astype(np.float32)
    data = Batches(split, plain_train(batch_size=5, soft_targets=0.7), 0, soft)
    for batch in data.epoch(1):
        seen = rows([batch])
        np.testing.assert_allclose(batch.targets, 0.3 * np.eye(3)[split.labels[seen]] + 0.7 * soft[seen], rtol=1e-6)


def test_alternate_flip_follows_the_row_of_each_image() -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8)).astype(np.uint8)
    split = make_split(images, np.arange(20) % 3)
    data = batches(split, augment={"flip": "alternate"})

    def mirrored(epoch: int) -> set[int]:
        """The rows that an epoch shows mirrored."""
        shown = np.concatenate([batch.images[..., 0] for batch in data.epoch(epoch)])
        return {row for row in range(20) for image in shown if np.array_equal(image, images[row, :, ::-1])}

    assert 0 < len(mirrored(1)) < 20
    assert mirrored(1) | mirrored(2) == set(range(20))
    assert not mirrored(1) & mirrored(2)
    assert mirrored(3) == mirrored(1)


def test_smote_fills_up_the_rare_classes_with_images_between_neighbours() -> None:
    split = level_per_class((12, 30, 3))
    data = batches(split, imbalance="smote", batch_size=10)
    assert data.steps == 9, "30 images of each class"
    shown = list(data.epoch(1))
    counts = np.concatenate([batch.targets for batch in shown]).sum(axis=0)
    np.testing.assert_array_equal(counts, [30, 30, 30])
    for batch in shown:  # all images of a class have one level, and so has every image between two of them
        levels = LEVELS[batch.targets.argmax(axis=1)]
        np.testing.assert_allclose(batch.images.mean(axis=(1, 2, 3)), levels)
    assert as_bytes(batches(split, imbalance="smote", batch_size=10).epoch(1)) == as_bytes(shown)


def test_smote_refuses_what_it_cannot_do() -> None:
    with pytest.raises(ConfigError, match=r"two images of each class\. Received: one of sad\."):
        batches(level_per_class((4, 4, 1)), imbalance="smote")
    votes = np.full((12, 3), 1 / 3, np.float32)
    with pytest.raises(ConfigError, match="labels are votes"):
        batches(make_split(noise(12).images, noise(12).labels, votes), imbalance="smote")
    with pytest.raises(ConfigError, match="no teacher has seen"):
        Batches(noise(12), plain_train(imbalance="smote"), 0, votes)


@pytest.mark.parametrize("by", ["crop", "resize"])
def test_an_epoch_of_smaller_images(by: Literal["crop", "resize"]) -> None:
    data = batches(noise(20), augment={"flip": "random"})
    smaller = SmallerSide(side=12, by=by, share=0.5)
    assert {batch.images.shape for batch in data.epoch(1, smaller)} == {(5, 12, 12, 1)}
    assert as_bytes(data.epoch(1, smaller)) == as_bytes(data.epoch(1, smaller))
    assert {batch.images.shape for batch in data.epoch(1, SmallerSide(side=99, by=by, share=0.5))} == {(5, 16, 16, 1)}


def test_memory_mapped_images_are_accepted(tmp_path: Any) -> None:
    split = numbered(20)
    np.save(tmp_path / "images.npy", split.images)
    mapped = Split(np.load(tmp_path / "images.npy", mmap_mode="r"), split.labels, split.index, split.classes)
    assert as_bytes(batches(mapped).epoch(1)) == as_bytes(batches(split).epoch(1))


def test_no_thread_is_left_behind() -> None:
    before = threading.active_count()
    list(batches(noise(40)).epoch(1))
    half: Any = batches(noise(40)).epoch(1)
    next(half)
    half.close()
    assert threading.active_count() == before
