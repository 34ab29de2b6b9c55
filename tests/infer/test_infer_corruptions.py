"""FER-2013-C: each corruption does what its name says, grows with severity, and depends on the image alone."""

import hashlib
import io
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from defaults import ROOT
from ferflow.faces.sample import random_face
from ferflow.infer import corruption_filters as filters
from ferflow.infer.corruptions import CORRUPTIONS, SEVERITIES, corrupt, random_bytes
from ferflow.reporting.robustness import corruption_label
from ferflow.settings.judging import CorruptionKind

KINDS = tuple(CORRUPTIONS)
RNG = np.random.default_rng(5)
FACES = np.stack([random_face(RNG, emotion) for emotion in ("happy", "angry", "surprise", "sad", "neutral", "fear")])


def distances(images: np.ndarray, kind: str) -> list[np.ndarray]:
    """The mean difference to the original in grey levels, for each severity an array with a number for each image."""
    return [np.abs(corrupt(images, kind, severity).astype(float) - images).mean(axis=(1, 2)) for severity in SEVERITIES]


def test_the_settings_know_the_same_kinds() -> None:
    assert get_args(CorruptionKind) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_severity_grows_on_faces(kind: str) -> None:
    means = [distance.mean() for distance in distances(FACES, kind)]
    assert means[0] > 1, "severity 1 is visible"
    assert all(one * 1.04 < other for one, other in pairwise(means)), means


@given(seed=st.integers(0, 2**32), emotion=st.sampled_from(("happy", "sad", "disgust")), kind=st.sampled_from(KINDS))
@settings(max_examples=60, deadline=None)
def test_severity_grows_on_any_face(seed: int, emotion: str, kind: str) -> None:
    face = random_face(np.random.default_rng(seed), emotion)[None]
    # What is moved can by chance be more like the original than a little before: 25 % are conceded, not an order.
    grown = [float(distance[0]) for distance in distances(face, kind)]
    assert all(other > 0.75 * one for one, other in pairwise(grown)), grown
    assert grown[-1] > 1.5 * grown[0], grown


@given(
    order=st.permutations(range(len(FACES))), size=st.integers(1, len(FACES)), kind=st.sampled_from(KINDS),
    severity=st.sampled_from(SEVERITIES),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_neither_order_nor_number_nor_memory_layout_matters(
    order: list[int], size: int, kind: str, severity: int
) -> None:
    rows = order[:size]
    expected = corrupt(FACES, kind, severity)[rows]
    assert np.array_equal(corrupt(FACES[rows], kind, severity), expected)
    assert np.array_equal(corrupt(np.asfortranarray(FACES[rows]), kind, severity), expected)


@given(side=st.sampled_from((8, 13, 32, 48, 64, 97)), kind=st.sampled_from(KINDS), severity=st.sampled_from(SEVERITIES))
@settings(max_examples=60, deadline=None)
def test_any_side(side: int, kind: str, severity: int) -> None:
    images = np.random.default_rng(side).integers(0, 256, (2, side, side), dtype=np.uint8)
    before = images.copy()
    corrupted = corrupt(images, kind, severity)
    assert (corrupted.shape, corrupted.dtype) == (images.shape, images.dtype)
    assert np.array_equal(images, before)
    assert not np.shares_memory(corrupted, images)


def test_more_images_than_are_worked_on_at_a_time() -> None:
    many = np.concatenate([FACES] * 30)
    for kind in KINDS:
        assert np.array_equal(corrupt(many, kind, 4), np.concatenate([corrupt(FACES, kind, 4)] * 30))


def test_no_images() -> None:
    assert corrupt(FACES[:0], "gaussian_noise", 1).shape == (0, 48, 48)


DIGEST = "7c437f66711016b654f07500ea71ae30bf19cd4c4c341f5c38db8b4dbbdab99f"


def test_the_bytes_are_those_of_the_benchmark() -> None:
    """Another digest is another benchmark: a change of the corruptions must be meant."""
    y, x = np.mgrid[:48, :48]
    image = np.stack([(x * 5 + y * 3) % 256, (x * y + 40) % 256]).astype(np.uint8)
    digest = hashlib.sha256()
    for kind in KINDS:
        for severity in SEVERITIES:
            digest.update(corrupt(image, kind, severity).tobytes())
    assert digest.hexdigest() == DIGEST


@pytest.mark.parametrize("sigma_and_severity", [(4, 1), (13, 3), (27, 5)])
def test_noise_is_normal(sigma_and_severity: tuple[int, int]) -> None:
    sigma, severity = sigma_and_severity
    grey = np.full((40, 48, 48), 128, np.uint8)
    grey += np.arange(40, dtype=np.uint8)[:, None, None] % 3  # not all alike, so that not all noise is
    noise = corrupt(grey, "gaussian_noise", severity).astype(float) - grey
    assert noise[:3].std() == pytest.approx(sigma, rel=0.03)
    assert noise[:3].mean() == pytest.approx(0, abs=sigma / 30)
    within = [np.mean(np.abs(noise[:3]) < sigma + half) for half in (-0.5, 0.5)]
    assert np.mean(within) == pytest.approx(0.683, abs=0.02)
    assert not np.array_equal(noise[0], noise[1])


def test_blur_and_motion_keep_the_light_and_lose_detail() -> None:
    for kind in ("defocus_blur", "motion_blur"):
        for severity in SEVERITIES:
            blurred = corrupt(FACES, kind, severity).astype(float)
            assert blurred.mean() == pytest.approx(FACES.mean(), abs=2)
            assert np.abs(np.diff(blurred, axis=2)).mean() < np.abs(np.diff(FACES.astype(float), axis=2)).mean()


@given(radius=st.integers(100, 4000), length=st.integers(256, 6000))
@settings(max_examples=40, deadline=None)
def test_kernels_are_symmetric_and_sum_to_one(radius: int, length: int) -> None:
    disc = filters.disc_kernel(radius)
    assert np.array_equal(disc, disc.T)
    assert np.array_equal(disc, disc[::-1, ::-1])
    for kernel in (disc, *filters.line_kernels(length)):
        assert kernel.sum() == filters.ONE
        assert (kernel >= 0).all()
        places = np.arange(len(kernel)) - len(kernel) // 2
        for axis in (0, 1):
            assert abs((kernel.sum(axis=axis) * places).sum()) < 0.02 * filters.ONE, "centred"


def test_contrast_and_brightness() -> None:
    low = corrupt(FACES, "contrast", 3).astype(float)
    assert low.std(axis=(1, 2)) == pytest.approx(0.28 * FACES.std(axis=(1, 2)), rel=0.05)
    assert low.mean(axis=(1, 2)) == pytest.approx(FACES.mean(axis=(1, 2)), abs=1)
    grey = np.full((1, 48, 48), 128, np.uint8) + np.arange(48, dtype=np.uint8) % 5
    changed = corrupt(grey, "brightness", 2).astype(int) - grey
    assert abs(changed.flat[0]) == 40
    assert np.ptp(changed) == 0
    signs = {int(np.sign(corrupt(FACES[i : i + 1], "brightness", 1).mean() - FACES[i].mean())) for i in range(6)}
    assert signs == {1, -1}


@pytest.mark.parametrize("quality", [5, 15, 45, 75])
def test_jpeg_is_what_jpeg_leaves(quality: int) -> None:
    """Pillow's own JPEG rounds a little differently, so most pixels are the same and none is far off."""
    ours = filters.jpeg(FACES, quality)
    for face, image in zip(FACES, ours, strict=True):
        buffer = io.BytesIO()
        Image.fromarray(face).save(buffer, "JPEG", quality=quality)
        theirs = np.asarray(Image.open(buffer)).astype(int)
        difference = np.abs(theirs - image)
        assert np.mean(difference > 2) < 0.09, "a coefficient half-way between two steps, in a few of 36 blocks"
        assert difference.mean() < 0.6


def test_jpeg_at_full_quality_changes_next_to_nothing() -> None:
    assert np.abs(filters.jpeg(FACES, 100).astype(int) - FACES).max() <= 1


@given(side=st.integers(8, 60), cells=st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_pixelation_averages(side: int, cells: int) -> None:
    image = np.random.default_rng(side).integers(0, 256, (1, side, side), dtype=np.uint8)
    cells = min(cells, side)
    coarse = filters.pixelate(image, cells)
    assert len(np.unique(coarse)) <= cells * cells
    if cells == side:
        assert np.array_equal(coarse, image)
    if side % cells == 0:
        size = side // cells
        means = image[0].reshape(cells, size, cells, size).mean(axis=(1, 3))
        assert np.abs(coarse[0, ::size, ::size] - means).max() <= 0.5


@pytest.mark.parametrize(("severity", "share"), [(1, 10), (3, 30), (5, 50)])
def test_occlusion_covers_a_band_from_one_side(severity: int, share: int) -> None:
    for face, covered in zip(FACES, corrupt(FACES, "occlusion", severity), strict=True):
        bands = [np.rot90(covered, edge)[: round(48 * share / 100)] for edge in range(4)]
        flat = [band for band in bands if len(np.unique(band)) == 1]
        assert len(flat) == 1
        assert np.mean(covered == face) >= 1 - share / 100 - 0.02


def test_shift_moves_the_picture() -> None:
    for face, moved in zip(FACES, corrupt(FACES, "shift", 3), strict=True):
        inner = face[16:32, 16:32]
        found = [
            (down, right)
            for down in range(-8, 9)
            for right in range(-8, 9)
            if np.array_equal(moved[16 + down : 32 + down, 16 + right : 32 + right], inner)
        ]
        assert len(found) == 1
        assert np.hypot(*found[0]) == pytest.approx(7.0, abs=0.8)


@pytest.mark.parametrize(("severity", "degrees"), [(1, 7), (5, 42)])
def test_rotation_is_that_of_an_image_library(severity: int, degrees: int) -> None:
    inside = np.hypot(*(np.mgrid[:48, :48] - 23.5)) < 22  # beyond it, Pillow has no pixels
    for face, rotated in zip(FACES, corrupt(FACES, "rotation", severity), strict=True):
        candidates = [
            np.asarray(Image.fromarray(face).rotate(sign * degrees, Image.Resampling.BILINEAR)) for sign in (1, -1)
        ]
        errors = [np.abs(one.astype(float) - rotated)[inside].mean() for one in candidates]
        assert min(errors) < 1.0
        assert max(errors) > 4


def test_random_bytes_are_independent_and_reproducible() -> None:
    one, other = random_bytes(FACES, "a", 5000), random_bytes(FACES, "b", 5000)
    assert np.array_equal(one, random_bytes(FACES, "a", 5000))
    assert one.shape == (len(FACES), 5000)
    assert np.mean(one == other) < 0.01
    assert np.mean(one[0] == one[1]) < 0.02
    changed = FACES[:1].copy()
    changed[0, 0, 0] ^= 1
    assert np.mean(random_bytes(changed, "a", 5000) == one[:1]) < 0.02, "one pixel changes all"


@pytest.mark.parametrize(
    ("images", "kind", "severity", "message"),
    [
        (FACES, "fog", 1, "kind must be one of gaussian_noise, .* Received: 'fog'"),
        (FACES, "shift", 0, "severity must be from 1 to 5. Received: 0"),
        (FACES / 255, "shift", 1, "images must be uint8, .* Received: float64"),
        (FACES[0], "shift", 1, r"Received: uint8, \(48, 48\)"),
        (FACES[:, :40], "shift", 1, "Received: uint8"),
    ],
)
def test_misuse(images: np.ndarray, kind: str, severity: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        corrupt(images, kind, severity)


def test_every_corruption_is_described() -> None:
    page = (ROOT / "docs/fer2013-c.md").read_text()
    for kind, corruption in CORRUPTIONS.items():
        assert corruption.unit
        assert len(corruption.why) > 30
        assert corruption_label(kind).replace(" ", "_").lower() == kind
        amounts = ", ".join(map(str, corruption.amounts))
        assert f"| {corruption_label(kind)} | {amounts} | {corruption.unit} | {corruption.why} |\n" in page
