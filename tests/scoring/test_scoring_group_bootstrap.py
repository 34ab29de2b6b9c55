"""The bootstrap by groups against drawing groups one by one."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ferflow.scoring.group_bootstrap import resampled_cells


def by_hand(cells: np.ndarray, groups: np.ndarray, size: int, resamples: int, seed: int) -> np.ndarray:
    """Draw the groups with replacement and count the cells of all their images."""
    rng, names = np.random.default_rng(seed), np.unique(groups)
    found = []
    for _ in range(resamples):
        rows = np.concatenate([np.flatnonzero(groups == name) for name in rng.choice(names, len(names))])
        found.append(np.bincount(cells[rows], minlength=size))
    return np.array(found)


def test_it_has_the_distribution_of_groups_that_are_drawn_one_by_one() -> None:
    rng = np.random.default_rng(0)
    groups = rng.choice(60, 150)
    cells = (groups + rng.integers(0, 2, 150)) % 5
    fast, slow = resampled_cells(cells, groups, 5, 6000, 1), by_hand(cells, groups, 5, 6000, 2)
    assert np.allclose(fast.mean(axis=0), slow.mean(axis=0), atol=0.4)
    assert np.allclose(fast.std(axis=0), slow.std(axis=0), rtol=0.05)
    assert np.allclose(np.corrcoef(fast.T), np.corrcoef(slow.T), atol=0.05)


@given(st.integers(1, 40), st.integers(1, 30), st.integers(1, 9), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_every_resample_is_made_of_whole_groups(images: int, names: int, size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups, cells = rng.choice(1000, names)[rng.integers(0, names, images)], rng.integers(0, size, images)
    drawn = resampled_cells(cells, groups, size, 20, seed)
    assert drawn.shape == (20, size)
    assert (drawn >= 0).all()
    assert np.array_equal(drawn, resampled_cells(cells, groups, size, 20, seed)), "the seed alone decides"
    present = np.unique(groups)
    sizes = [int((groups == name).sum()) for name in present]
    totals = drawn.sum(axis=1)
    assert (totals >= len(present) * min(sizes)).all()
    assert (totals <= len(present) * max(sizes)).all()
    assert not drawn[:, np.bincount(cells, minlength=size) == 0].any(), "a cell without images stays empty"


def test_without_copies_each_resample_has_as_many_images() -> None:
    drawn = resampled_cells(np.arange(50) % 4, np.arange(50) * 7, 4, 100, 0)
    assert (drawn.sum(axis=1) == 50).all()
    assert drawn.std(axis=0).min() > 0


def test_one_group_is_always_drawn_whole() -> None:
    cells = np.array([0, 0, 2, 2, 2])
    assert (resampled_cells(cells, np.zeros(5, np.int64), 3, 10, 0) == [2, 0, 3]).all()
