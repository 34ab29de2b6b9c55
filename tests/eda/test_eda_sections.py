"""The sections of the report, each against results computed in another way."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from eda_folders import png
from hypothesis import given, settings
from hypothesis import strategies as st

from ferflow.eda.charts import figure_label
from ferflow.eda.damage_findings import find_damage
from ferflow.eda.embedding_section import assign_to_grid, embed, neighbour_agreement
from ferflow.eda.image_sections import file_slugs
from ferflow.eda.image_survey import (
    PixelSums,
    outlier_paths,
    part_names,
    random_paths,
    survey_images,
    thumbnail,
    with_parts,
)
from ferflow.eda.vote_section import ANSWERS, count_votes
from ferflow.raw.images import fit
from ferflow.reporting.page import contact_sheet
from ferflow.reporting.text import count


@given(st.lists(st.text(max_size=60), unique=True))
def test_slugs_are_distinct_file_names(names: list[str]) -> None:
    result = file_slugs(names)
    assert len({slug.lower() for slug in result}) == len(names)
    assert all(slug and slug.isascii() and "/" not in slug and "." not in slug for slug in result)


@pytest.mark.parametrize("name", ["$a$", "$", r"\$x$", "a$b"])
def test_class_names_are_no_formulas(name: str) -> None:
    from matplotlib.cbook import is_math_text

    assert not is_math_text(figure_label(name))


@given(st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_moments_are_mean_and_variance(number: int, seed: int) -> None:
    images = np.random.default_rng(seed).integers(0, 256, (number, 3, 3), np.uint8)
    moments = PixelSums.empty(3)
    for image in images:
        moments.add(image)
    np.testing.assert_allclose(moments.mean, images.mean(axis=0))
    np.testing.assert_allclose(moments.variance, images.var(axis=0), atol=1e-9)
    assert (moments.variance >= 0).all()


def test_variance_of_equal_images_is_exactly_zero() -> None:
    moments = PixelSums.empty(1)
    for _ in range(7):
        moments.add(np.full((1, 1), 251, np.uint8))
    assert moments.variance.item() == 0.0


def table(rows: list[dict[str, object]]) -> pd.DataFrame:
    usual = {"split": "train", "subset": "Training", "label": "a", "verdict": "keep", "reason": "", "detail": ""}
    usual |= {"std": 50.0, "copy_in_train": False}
    return pd.DataFrame(
        [usual | {"path": f"{n:03}.png", "pixels": str(n), "group": n} | row for n, row in enumerate(rows)]
    )


def test_parts_are_subsets_only_where_there_are_several() -> None:
    rows = [{}, {"split": "test", "subset": "PublicTest"}, {"split": "test", "subset": "PrivateTest"}]
    manifest = with_parts(table([*rows, {"split": "", "subset": ""}, {"split": "validation", "subset": "validation"}]))
    assert manifest["part"].tolist() == ["train", "PublicTest", "PrivateTest", "unsplit", "validation"]
    assert part_names(manifest) == ["train", "validation", "PrivateTest", "PublicTest", "unsplit"]


def test_random_choice_ignores_order_and_names_and_never_shows_copies() -> None:
    images = table([{"pixels": f"{n * 7919 % 101:03}"} for n in range(60)] + [{"pixels": "000"}])
    chosen = random_paths(images, 10)
    assert chosen == random_paths(images.sample(frac=1, random_state=1), 10)
    assert chosen[:5] == random_paths(images, 5)
    assert images.set_index("path").loc[chosen, "pixels"].is_unique


def test_extremes_are_the_furthest_first() -> None:
    values = [*np.linspace(100, 110, 50), 20.0, 30.0, 200.0]
    images = table([{"mean": value} for value in values])
    assert outlier_paths(images, "mean", 5) == (["050.png", "051.png"], ["052.png"])
    assert outlier_paths(images, "mean", 1) == (["050.png"], ["052.png"])
    assert outlier_paths(table([{"mean": 7.0}] * 4), "mean", 3) == ([], [])


small = st.lists(st.tuples(st.sampled_from(["train", "test"]), st.sampled_from("abc"), st.integers(0, 6)), max_size=25)


@given(small)
@settings(max_examples=30, deadline=None)
def test_findings_count_what_is_there(images: list[tuple[str, str, int]]) -> None:
    if not images:
        return
    trained = {pixels for split, _, pixels in images if split == "train"}
    rows = [
        {
            "split": split,
            "label": label,
            "pixels": f"{pixels}",
            "group": pixels // 2,
            "copy_in_train": split == "test" and pixels in trained,
        }
        for split, label, pixels in images
    ]
    findings = {finding.key: finding for finding in find_damage(with_parts(table(rows)), 1.0, 100)}
    groups: dict[int, list[str]] = {}
    for _, label, pixels in images:
        groups.setdefault(pixels, []).append(label)
    copies = [labels for labels in groups.values() if len(labels) > 1]
    text = findings["copies"].sentences[0]
    if copies:
        assert text.startswith(
            f"{count(sum(map(len, copies)) - len(copies), 'redundant copy', 'redundant copies')} in "
        )
        assert f"in {count(len(copies), 'group')} of" in text
    else:
        assert text.startswith("No two")
    conflicts = [labels for labels in copies if len(set(labels)) > 1]
    assert len(findings["conflicts"].groups) == len(conflicts)
    assert len(findings["copies"].groups) == len(copies) - len(conflicts)
    leaked = {pixels for split, _, pixels in images if split == "test" and pixels in trained}
    assert len(findings["leaks"].groups) == len(leaked)
    near = [number for number in range(4) if {2 * number, 2 * number + 1} <= groups.keys()]
    assert len(findings["near_copies"].groups) == len(near)


def test_a_conflict_shows_every_label_first() -> None:
    rows = [{"pixels": "x", "label": label} for label in "aaaab"]
    finding = next(f for f in find_damage(with_parts(table(rows)), 1.0, 5) if f.key == "conflicts")
    assert finding.groups[0].paths == ["000.png", "004.png", "001.png"]
    assert finding.groups[0].note == "and 2 more"


def test_neighbours_of_two_heaps() -> None:
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(0, 1, (20, 2)), rng.normal(100, 1, (20, 2))])
    own, chance = neighbour_agreement(points, ["a"] * 20 + ["b"] * 20)
    assert own == 1.0
    assert chance == pytest.approx(2 * 20 * 19 / (40 * 39))
    mixed, _ = neighbour_agreement(points, ["a", "b"] * 20)
    assert 0.0 < mixed < 1.0


def test_neighbours_of_points_in_one_place() -> None:
    assert neighbour_agreement(np.zeros((4, 2)), ["a"] * 4) == (1.0, 1.0)


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_a_grid_takes_every_point_once(side: int, seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(side * side, 2))
    assert sorted(assign_to_grid(points, side)) == list(range(side * side))


def test_points_on_a_grid_stay_there() -> None:
    cells = np.stack(np.meshgrid(np.arange(4.0), np.arange(4.0)), axis=-1).reshape(-1, 2)
    order = np.random.default_rng(3).permutation(16)
    assert (cells[order][assign_to_grid(cells[order], 4)] == cells).all()


def test_embedding_finds_brightness_first_and_repeats() -> None:
    rng = np.random.default_rng(0)
    levels = rng.integers(20, 230, 40)
    images = np.clip(levels[:, None, None] + rng.normal(0, 5, (40, 8, 8)), 0, 255).astype(np.uint8)
    placed, again = embed(images), embed(images)
    assert placed is not None
    assert again is not None
    assert abs(np.corrcoef(placed.pca[:, 0], levels)[0, 1]) > 0.99
    assert placed.explained[0] > 0.9
    assert (placed.tsne == again.tsne).all()
    assert embed(images[:9]) is None
    assert embed(np.repeat(images[:1], 20, axis=0)) is None


@pytest.mark.parametrize("size", [(96, 96), (30, 30), (64, 32), (16, 16)])
def test_the_page_shows_the_pixels_that_training_sees(tmp_path: Path, size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    (tmp_path / "a.png").write_bytes(png(image))
    survey = survey_images(tmp_path, {"a.png": "happy"}, {"a.png"}, {"a.png"}, image_size=16, side=16)
    assert (survey.squares["a.png"] == fit(image, 16)).all()
    assert (survey.classes["happy"].mean == fit(image, 16)).all()
    if size == (96, 96):
        assert (survey.thumbnails["a.png"] == fit(image, 32)).all()


def test_thumbnails_keep_proportions() -> None:
    assert thumbnail(np.zeros((400, 100), np.uint8), 96).shape == (96, 24)
    assert thumbnail(np.zeros((3, 2000), np.uint8), 96).shape == (1, 96)
    assert thumbnail(np.zeros((10, 20), np.uint8), 96).shape == (10, 20)


def test_a_sheet_holds_pictures_of_all_sizes() -> None:
    whole = contact_sheet(
        [np.full((4, 6), 9, np.uint8), np.full((8, 2), 200, np.uint8), np.zeros((1, 1), np.uint8)], columns=2
    )
    assert whole.size == (2 * 6 + 2, 2 * 8 + 2)
    assert whole.getpixel((0, 0)) == (9, 255)
    assert whole.getpixel((8, 7)) == (200, 255)
    assert whole.getpixel((7, 0))[1] == 0  # between them it is clear


def ballots(*rows: dict[str, int]) -> pd.DataFrame:
    return pd.DataFrame(
        [{name: row.get(name, 0) for name in ANSWERS} | {"path": f"{n:03}.png"} for n, row in enumerate(rows)]
    )


def test_votes_are_compared_with_labels() -> None:
    manifest = table([{"label": "happy"}, {"label": "sad"}, {"label": "fear"}, {"label": "angry"}, {"label": "sad"}])
    votes = ballots({"happiness": 10}, {"neutral": 5, "sadness": 5}, {"surprise": 9, "nf": 1}, {}, {"nf": 10})
    ballot = count_votes(manifest, votes)
    assert ballot is not None
    assert ballot.rows["answer"].tolist() == ["happy", "neutral", "surprise", "not a face"]
    assert ballot.rows["agreeing"].tolist() == [10, 5, 0, 0]
    assert ballot.contradicted == ["004.png", "002.png"]
    assert count_votes(manifest, None) is None
    assert count_votes(manifest, votes.assign(path="elsewhere/" + votes["path"])) is None
