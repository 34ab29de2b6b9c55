"""Folds keep copies together and classes balanced; test images never enter."""

import numpy as np
import pytest
from ablate_helpers import drawn_split
from hypothesis import given, settings
from hypothesis import strategies as st

from ferflow.ablate.pooled_images import pool
from ferflow.base.arrays import Split
from ferflow.base.errors import DataError
from ferflow.train.folds import assign_folds


@given(st.integers(2, 5), st.integers(0, 2**31), st.lists(st.integers(1, 4), min_size=30, max_size=60))
@settings(max_examples=25, deadline=None)
def test_each_image_has_one_fold_and_copies_share_it(folds: int, seed: int, sizes: list[int]) -> None:
    groups = np.repeat(np.arange(len(sizes)) * 7, sizes)
    labels = (groups // 7) % 3
    numbers = assign_folds(labels, groups, folds, seed)
    assert set(numbers) == set(range(1, folds + 1))
    for group in np.unique(groups):
        assert len(set(numbers[groups == group])) == 1
    assert np.array_equal(numbers, assign_folds(labels, groups, folds, seed))


def test_classes_are_spread_evenly() -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice(3, 3000, p=[0.7, 0.28, 0.02])
    numbers = assign_folds(labels, np.arange(3000), 5, 1)
    for label in range(3):
        counts = np.bincount(numbers[labels == label], minlength=6)[1:]
        assert counts.max() - counts.min() <= 2
    assert not np.array_equal(numbers, assign_folds(labels, np.arange(3000), 5, 2))


def test_a_class_with_too_few_groups_is_an_error() -> None:
    labels = np.array([0] * 10 + [1] * 6)
    groups = np.array([*range(10), 50, 50, 50, 51, 51, 51])
    with pytest.raises(DataError, match="3 folds, and 2 groups in the smallest class"):
        assign_folds(labels, groups, 3, 0)


def test_both_splits_are_pooled_in_order() -> None:
    train, validation = drawn_split(8, 0, 1), drawn_split(4, 100, 2)
    both = pool(train, validation)
    assert len(both) == len(train) + len(validation)
    assert np.array_equal(both.images[len(train) :], validation.images)
    assert np.array_equal(both.labels[: len(train)], train.labels)
    assert both.index["group"].tolist() == [*train.index["group"], *validation.index["group"]]
    assert both.index.index.tolist() == list(range(len(both)))
    assert both.votes is None


def test_images_of_the_published_test_sets_stay_out() -> None:
    train = drawn_split(8, 0, 1)
    for subset in ("PublicTest", "PrivateTest"):
        both = pool(train, drawn_split(4, 100, 2, subset))
        assert np.array_equal(both.images, train.images)
        assert both.index["group"].max() < 100


def test_votes_are_pooled_or_refused() -> None:
    train, validation = drawn_split(8, 0, 1), drawn_split(4, 100, 2)
    shares = [
        np.random.default_rng(0).dirichlet([1, 1, 1], len(part)).astype(np.float32) for part in (train, validation)
    ]
    with_votes = [
        Split(part.images, part.labels, part.index, part.classes, votes)
        for part, votes in zip((train, validation), shares, strict=True)
    ]
    votes = pool(*with_votes).votes
    assert votes is not None
    assert np.array_equal(votes, np.concatenate(shares))
    with pytest.raises(DataError, match="Only one of the splits"):
        pool(with_votes[0], validation)
