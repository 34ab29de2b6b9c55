"""The page's modules against the Python that they port, on many random values."""

import math

import numpy as np
import pytest
from page_in_browser import OpenPage
from PIL import Image

from ferflow.predict.faces_in_time import FaceTracker, Smoother
from ferflow.use.card_file import CropTemplate
from ferflow.use.crop import cut, placements
from ferflow.use.face import Box, Face

RGBA = "const image = { data: Uint8Array.from(v[0]), width: v[1], height: v[2] };"


@pytest.fixture(scope="module")
def opened(page: OpenPage) -> OpenPage:
    page.fresh()
    return page


@pytest.mark.parametrize(
    ("size", "to"),
    [((31, 17), (12, 40)), ((64, 48), (32, 24)), ((50, 37), (23, 37)), ((9, 9), (9, 31)), ((7, 5), (1, 1))],
)
def test_resize_is_pillows(opened: OpenPage, size: tuple[int, int], to: tuple[int, int]) -> None:
    rng = np.random.default_rng(sum(size))
    picture = rng.integers(0, 256, (size[1], size[0], 4), np.uint8)
    body = f"{RGBA} return Array.from(m.resize(image, v[3], v[4]).data);"
    told = np.reshape(opened.run("resize", body, picture.ravel().tolist(), *size, *to), (to[1], to[0], 4))
    expected = Image.fromarray(picture[:, :, :3]).resize(to, Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(told[:, :, :3], np.asarray(expected))


def test_grey_levels_are_pillows(opened: OpenPage) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (20, 30, 4), np.uint8)
    told = opened.run("pixels", f"{RGBA} return Array.from(m.toGrey(image).data);", picture.ravel().tolist(), 30, 20)
    np.testing.assert_array_equal(
        np.reshape(told, (20, 30)), np.asarray(Image.fromarray(picture[:, :, :3]).convert("L"))
    )


def test_crops_are_pythons(opened: OpenPage) -> None:
    rng = np.random.default_rng(2)
    grey = rng.integers(0, 256, (60, 80), np.uint8)
    default = CropTemplate.default()
    body = """const grey = { data: Uint8Array.from(v[0]), width: 80, height: 60 };
      return v[1].map(([face, template]) =>
        m.placements(face, template, grey).map((placement) => [placement, Array.from(m.cut(grey, placement, 24))]));"""
    cases = []
    for number in range(24):
        centre, side = rng.uniform(0, 60, 2), rng.uniform(4, 90 if number % 4 else 400)  # the largest are reduced first
        turn = np.exp(1j * rng.uniform(-math.pi, math.pi))
        points = np.array([(-0.2, -0.1), (0.2, -0.1), (0, 0.1), (-0.15, 0.25), (0.15, 0.25)]) * side
        turned = (points[:, 0] + 1j * points[:, 1]) * turn
        landmarks = np.stack([turned.real, turned.imag], 1) + centre + rng.normal(0, side / 40, (5, 2))
        if number == 0:
            landmarks[:] = centre  # on one point: the box decides
        if number == 1:
            landmarks[0] += 9e3  # a face far larger than the picture: the box decides
        box = Box(*(centre - side / 2), side, side)
        template = default.model_copy(update={"rotate": number % 3 > 0, "box_height": 1.1})
        cases.append((Face(box, 0.9, landmarks.astype(np.float32)), template))
    told = opened.run(
        "crop",
        body,
        grey.ravel().tolist(),
        [
            (
                {"box": list(face.box), "landmarks": np.asarray(face.landmarks).tolist()},
                template.model_dump(mode="json"),
            )
            for face, template in cases
        ],
    )
    for (face, template), crops in zip(cases, told, strict=True):
        for expected, (placement, crop) in zip(placements(face, template, (60, 80)), crops, strict=True):
            assert abs(complex(*placement["origin"]) - expected.origin) < 1e-4
            assert abs(complex(*placement["axis"]) - expected.axis) < 1e-4
            # A sum that falls onto an integer may be cut to the one below: a level of 255.
            difference = np.abs(np.reshape(crop, (24, 24)) - cut(grey, expected, 24).astype(int))
            assert difference.max() <= 1
            assert (difference > 0).mean() < 0.01


def test_faces_keep_their_numbers_as_in_python(opened: OpenPage) -> None:
    rng = np.random.default_rng(3)
    tracker, smoother = FaceTracker(), Smoother(0.7)
    frames, expected, time = [], [], 0.0
    for _ in range(200):
        time += float(rng.choice([0.03, 0.1, 0.6, 1.4]))
        boxes = [
            Box(*map(float, row)) for row in rng.uniform((0, 0, 10, 10), (25, 25, 30, 30), (rng.integers(0, 4), 4))
        ]
        shares = rng.dirichlet((1, 1, 1), len(boxes)).tolist()
        frames.append((time, [list(box) for box in boxes], shares))
        numbers = tracker.numbers(boxes, time)
        smooth = [
            list(smoother.smooth(number, time, dict(zip("abc", row, strict=True))).values())
            for number, row in zip(numbers, shares, strict=True)
        ]
        expected.append((numbers, smooth))
    body = """const tracker = new m.FaceTracker(), smoother = new m.Smoother(0.7);
      return v[0].map(([time, boxes, shares]) => {
        const numbers = tracker.numbers(boxes, time);
        return [numbers, numbers.map((number, index) => smoother.smooth(number, time, shares[index]))];
      });"""
    for (numbers, smooth), told in zip(expected, opened.run("faces_in_time", body, frames), strict=True):
        assert told[0] == numbers
        np.testing.assert_allclose(np.asarray(told[1]), np.asarray(smooth), atol=1e-9)
    assert max(number for numbers, _ in expected for number in numbers) > 20
