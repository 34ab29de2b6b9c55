"""Near-copies and groups, against the plain definition of them."""

import numpy as np
import pytest
from clean_helpers import pattern
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ferflow.clean.copy_groups import by_appearance, group_numbers, near_pairs
from ferflow.clean.image_measures import measure, perceptual_hash, pixel_digest


@st.composite
def hash_sets(draw: st.DrawFn) -> np.ndarray:
    """Distinct 64-bit numbers, many of them a few bits from another."""
    numbers = set(draw(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=8)))
    for _ in range(draw(st.integers(0, 25))):
        number = draw(st.sampled_from(sorted(numbers)))
        for bit in draw(st.lists(st.integers(0, 63), max_size=14)):
            number ^= 1 << bit
        numbers.add(number)
    return np.array(draw(st.permutations(sorted(numbers))), np.uint64)


def plain_components(close: np.ndarray) -> np.ndarray:
    """Smallest member that each is joined to, by the closure of the relation."""
    reach = close | np.eye(len(close), dtype=bool)
    while not np.array_equal(further := (reach.astype(int) @ reach.astype(int)) > 0, reach):
        reach = further
    return reach.argmax(axis=1)


def distances(hashes: np.ndarray) -> np.ndarray:
    return np.bitwise_count(hashes[:, None] ^ hashes[None, :])


@settings(max_examples=60, deadline=None)
@given(hash_sets(), st.integers(0, 12))
def test_near_pairs_are_all_pairs_and_no_others(hashes: np.ndarray, bits: int) -> None:
    first, second = near_pairs(hashes, bits)
    found = {frozenset(pair) for pair in zip(first.tolist(), second.tolist(), strict=True)}
    close = distances(hashes) <= bits
    assert found == {frozenset((a, b)) for a, b in np.argwhere(close).tolist() if a != b}


@settings(max_examples=60, deadline=None)
@given(hash_sets(), st.integers(0, 12), st.data())
def test_groups_are_the_components_whatever_the_order(hashes: np.ndarray, bits: int, data: st.DataObject) -> None:
    copies = np.array(data.draw(st.lists(st.integers(0, len(hashes) - 1), min_size=1, max_size=40)))
    pixels = np.array(data.draw(st.lists(st.integers(0, 20), min_size=len(copies), max_size=len(copies))))
    blank = np.array(data.draw(st.lists(st.booleans(), min_size=len(copies), max_size=len(copies))))
    close = (distances(hashes[copies]) <= bits) & ~blank[:, None] & ~blank[None, :]
    expected = plain_components(close | (pixels[:, None] == pixels[None, :]))
    found = group_numbers(by_appearance(pixels), hashes[copies], blank, bits)
    assert np.array_equal(found, by_appearance(expected))
    order = np.array(data.draw(st.permutations(range(len(copies)))))
    again = group_numbers(by_appearance(pixels[order]), hashes[copies][order], blank[order], bits)
    assert np.array_equal(again[:, None] == again[None, :], found[order][:, None] == found[order][None, :])


def test_a_chain_is_one_group_and_two_chains_are_two() -> None:
    chain = np.cumsum(np.concatenate([[0], 1 << np.arange(63, dtype=np.uint64)])).astype(np.uint64)
    hashes = np.concatenate([chain, chain[:8] ^ np.uint64(0xAAAAAAAAAAAAAA00)])
    found = group_numbers(np.arange(len(hashes)), hashes, np.zeros(len(hashes), bool), 1)
    assert found.tolist() == [0] * 64 + [1] * 8


def test_blank_images_are_near_copies_of_nothing() -> None:
    found = group_numbers(np.arange(4), np.zeros(4, np.uint64), np.array([True, True, False, False]), 6)
    assert found.tolist() == [0, 1, 2, 2]


def test_no_images() -> None:
    assert len(group_numbers(np.empty(0, np.int64), np.empty(0, np.uint64), np.empty(0, bool), 6)) == 0


def bits_apart(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.bitwise_count(perceptual_hash(one[None])[0] ^ perceptual_hash(other[None])[0]))


@pytest.mark.parametrize("seed", range(5))
def test_the_hash_sees_through_light_size_and_compression(seed: int) -> None:
    image = pattern(seed)
    larger = np.asarray(Image.fromarray(image).resize((96, 96), Image.Resampling.BICUBIC))
    darker = (image * 0.6 + 20).astype(np.uint8)
    noisy = np.clip(image + np.random.default_rng(seed).normal(0, 3, image.shape), 0, 255).astype(np.uint8)
    assert max(bits_apart(image, other) for other in (larger, darker, noisy)) <= 6


def test_the_hash_tells_strangers_apart() -> None:
    hashes = perceptual_hash(np.stack([pattern(seed) for seed in range(100)]))
    apart = distances(hashes)[np.triu_indices(100, 1)]
    assert apart.min() > 12
    assert 28 < apart.mean() < 36


@pytest.mark.parametrize("shape", [(48, 48), (1, 40), (2, 300), (33, 31), (64, 96)])
def test_the_hash_is_that_of_the_averaged_image(shape: tuple[int, int]) -> None:
    """Averaging and transform are one product there; here they are done one after the other."""
    grey = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    fine = grey.repeat(32, axis=0).repeat(32, axis=1)
    small = fine.reshape(32, shape[0], 32, shape[1]).mean(axis=(1, 3))
    cosine = np.cos(np.pi * (2 * np.arange(32) + 1) * np.arange(1, 9)[:, None] / 64)
    expected = np.packbits((cosine @ small @ cosine.T).ravel() > 1e-6).view(">u8")[0]
    assert perceptual_hash(grey[None])[0] == expected


def test_the_hash_of_a_large_image_is_that_of_its_parts() -> None:
    grey = np.random.default_rng(1).integers(0, 256, (2500, 2100)).astype(np.uint8)
    small = np.asarray(Image.fromarray(grey).reduce(10))
    assert bits_apart(grey, small) <= 3


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**32))
def test_mean_and_deviation_are_those_of_numpy(count: int, height: int, width: int, seed: int) -> None:
    greys = np.random.default_rng(seed).integers(0, 256, (count, height, width)).astype(np.uint8)
    means, deviations = measure(greys)
    assert means == pytest.approx(greys.reshape(count, -1).mean(axis=1))
    assert deviations == pytest.approx(greys.reshape(count, -1).std(axis=1), abs=1e-6)


@pytest.mark.parametrize("level", [0, 1, 127, 255])
def test_one_grey_has_no_deviation_at_all(level: int) -> None:
    for shape in ((1, 48, 48), (1, 37, 53), (1, 3000, 2000)):
        assert measure(np.full(shape, level, np.uint8))[1][0] == 0.0


def test_large_images_are_measured_in_portions_with_the_same_result() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (2500, 2100)).astype(np.uint8)
    mean, deviation = measure(grey[None])
    assert mean[0] == pytest.approx(grey.mean())
    assert deviation[0] == pytest.approx(grey.std())


def test_exact_copies_share_size_and_pixels() -> None:
    image = pattern(1)
    assert pixel_digest(image) == pixel_digest(image.copy())
    assert pixel_digest(image) != pixel_digest(image.reshape(24, 96))
    other = image.copy()
    other[0, 0] ^= 1
    assert pixel_digest(image) != pixel_digest(other)
