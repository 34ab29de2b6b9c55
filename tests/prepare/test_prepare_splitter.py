"""The split: whole groups, the right share of every class, the same choice in any order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferflow.prepare.splitter import choose_groups


@st.composite
def images(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, groups and keys; most groups small, some over several classes, some large."""
    count, classes = draw(st.integers(1, 120)), draw(st.integers(1, 5))
    labels = draw(st.lists(st.integers(0, classes - 1), min_size=count, max_size=count))
    groups = draw(st.lists(st.integers(0, draw(st.integers(0, 150))), min_size=count, max_size=count))
    keys = [f"{label}/{number % 90}" for number, label in enumerate(labels)]
    return np.array(labels), np.array(groups), np.array(keys, object)


@settings(max_examples=150, deadline=None)
@given(images(), st.floats(0.05, 0.5), st.integers(0, 2**31))
def test_no_group_is_on_both_sides(data: tuple[np.ndarray, ...], fraction: float, seed: int) -> None:
    labels, groups, keys = data
    chosen = choose_groups(labels, groups, keys, fraction, seed)
    assert not set(groups[chosen]) & set(groups[~chosen])


@settings(max_examples=100, deadline=None)
@given(images(), st.floats(0.05, 0.5), st.integers(0, 2**31), st.data())
def test_the_order_and_the_numbers_of_groups_do_not_matter(
    data: tuple[np.ndarray, ...], fraction: float, seed: int, draw: st.DataObject
) -> None:
    labels, groups, _ = data
    keys = np.array([str(number) for number in range(len(labels))], object)
    chosen = choose_groups(labels, groups, keys, fraction, seed)
    order = np.array(draw.draw(st.permutations(range(len(labels)))))
    renamed = (groups * 7919 + 13)[order]
    assert np.array_equal(choose_groups(labels[order], renamed, keys[order], fraction, seed), chosen[order])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.05, 0.4))
def test_every_class_gives_its_share_within_one_percent(seed: int, fraction: float) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.choice(5, 3000, p=[0.4, 0.3, 0.2, 0.08, 0.02])
    groups = np.where(rng.random(3000) < 0.2, rng.integers(0, 200, 3000), 1000 + np.arange(3000))
    keys = np.array([str(number) for number in range(3000)], object)
    chosen = choose_groups(labels, groups, keys, fraction, seed)
    for label in range(5):
        total = (labels == label).sum()
        assert abs(chosen[labels == label].sum() - fraction * total) <= max(1, 0.01 * total)


def test_another_seed_is_another_choice_and_the_same_seed_the_same() -> None:
    labels, groups = np.arange(500) % 3, np.arange(500)
    keys = np.array([str(number) for number in range(500)], object)
    first = choose_groups(labels, groups, keys, 0.2, 1)
    assert np.array_equal(first, choose_groups(labels, groups, keys, 0.2, 1))
    assert (first != choose_groups(labels, groups, keys, 0.2, 2)).sum() > 50


def test_a_further_image_changes_little() -> None:
    labels, groups = np.arange(1000) % 3, np.arange(1000)
    keys = np.array([str(number) for number in range(1000)], object)
    less = choose_groups(labels[:-1], groups[:-1], keys[:-1], 0.2, 1)
    assert (choose_groups(labels, groups, keys, 0.2, 1)[:-1] != less).sum() <= 2


def test_groups_of_every_size_come_to_both_sides() -> None:
    labels = np.zeros(2000, np.int64)
    groups = np.concatenate([np.repeat(np.arange(100), 10), 1000 + np.arange(1000)])
    keys = np.array([str(number) for number in range(2000)], object)
    for seed in range(5):
        chosen = choose_groups(labels, groups, keys, 0.2, seed)
        assert 0.05 < chosen[:1000].mean() < 0.5
        assert 0.01 < chosen[1000:].mean() < 0.5


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.5, 0.9])
def test_a_class_with_two_images_has_one_on_each_side(fraction: float) -> None:
    labels = np.array([0] * 50 + [1] * 2)
    chosen = choose_groups(labels, np.arange(52), np.arange(52).astype(str).astype(object), fraction, 0)
    assert chosen[50:].sum() == 1
    assert 0 < chosen[:50].sum() < 50


def test_a_class_whose_groups_are_all_too_large_still_gives_one() -> None:
    labels = np.array([0] * 100 + [1] * 20)
    groups = np.concatenate([np.arange(100), np.repeat([200, 201], [12, 8])])
    chosen = choose_groups(labels, groups, np.arange(120).astype(str).astype(object), 0.1, 0)
    assert chosen[100:].sum() == 8


def test_a_group_of_nearly_everything_stays_where_it_is() -> None:
    labels = np.arange(1000) % 2
    groups = np.where(np.arange(1000) < 800, 0, np.arange(1000))
    chosen = choose_groups(labels, groups, np.arange(1000).astype(str).astype(object), 0.1, 0)
    assert chosen.sum() == 100
    assert not chosen[:800].any()


def test_one_group_is_not_cut_and_nothing_gives_nothing() -> None:
    labels, keys = np.zeros(5, np.int64), np.array(list("abcde"), object)
    assert not choose_groups(labels, np.zeros(5, np.int64), keys, 0.5, 0).any()
    assert len(choose_groups(labels[:0], labels[:0], keys[:0], 0.5, 0)) == 0
