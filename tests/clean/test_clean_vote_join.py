"""FER+ votes are joined to fer2013.csv row by row, so whatever both tables hold must agree."""

import numpy as np
import pytest
from clean_helpers import Raw, pattern

from ferflow.base.errors import DataError
from ferflow.raw.ferplus import EMOTIONS

CODES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
ANSWERS = list(EMOTIONS.values())
HEADER = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"


def published(count: int = 300) -> tuple[list[list[str]], list[list[str]]]:
    """Return rows of fer2013.csv and of fer2013new.csv; votes and emotion agree in two of three rows, as published."""
    rng = np.random.default_rng(0)
    images, votes = [], []
    for row in range(count):
        usage = "Training" if row < count * 0.8 else "PublicTest" if row < count * 0.9 else "PrivateTest"
        code = int(rng.integers(7))
        winner = ANSWERS.index(CODES[code]) if rng.random() < 0.62 else int(rng.integers(8))
        counts = np.bincount([winner] * 7 + rng.integers(0, 10, 3).tolist(), minlength=10)
        images.append([str(code), " ".join(map(str, pattern(row, 4).ravel())), usage])
        votes.append([usage, f"fer{row:07d}.png", *map(str, counts)])
    return images, votes


def put(raw: Raw, images: list[list[str]], votes: list[list[str]], images_header: str = "emotion,pixels,Usage") -> None:
    for name, header, rows in (("fer2013.csv", images_header, images), ("fer2013new.csv", HEADER, votes)):
        raw.put(name, "\n".join([header, *(",".join(row) for row in rows), ""]).encode())


def refusal(raw: Raw) -> str:
    """Return why the votes are refused; with the folders' labels the same is a note, and the votes are left out."""
    with pytest.raises(DataError, match=r"fer2013new\.csv does not belong to fer2013\.csv") as error:
        raw.clean(labels="ferplus_majority", min_size=1)
    assert "labels: folder" in str(error.value)
    cleaned = raw.clean(min_size=1)
    assert cleaned.votes is None
    assert any("fer2013new.csv is not joined to fer2013.csv" in note for note in cleaned.notes)
    return str(error.value)


@pytest.mark.parametrize("count", [20, 170, 300])
def test_tables_in_published_order_are_joined(raw: Raw, count: int) -> None:
    put(raw, *published(count))
    cleaned = raw.clean(labels="ferplus_plurality", min_size=1)
    assert cleaned.votes is not None
    assert cleaned.summary.dropped_by_reason.get("no_label", 0) < count // 10
    assert cleaned.notes == () or all("without a class" in note for note in cleaned.notes)


def test_images_sorted_by_emotion_contradict_the_usage_of_the_votes(raw: Raw) -> None:
    images, votes = published(170)
    put(raw, sorted(images), votes)
    message = refusal(raw)
    assert "Usage differs in" in message
    assert "of 170 rows, first in row" in message


@pytest.mark.parametrize("count", [170, 300])
def test_images_sorted_by_emotion_within_their_usage_contradict_the_votes(raw: Raw, count: int) -> None:
    images, votes = published(count)
    order = {"Training": 0, "PublicTest": 1, "PrivateTest": 2}
    put(raw, sorted(images, key=lambda row: (order[row[2]], row[0])), votes)
    assert "agree in only" in refusal(raw)


def test_one_row_lost_and_another_added_is_a_shift(raw: Raw) -> None:
    images, votes = published()
    put(raw, [*images[1:240], images[5], *images[240:]], votes)
    assert "agree in only" in refusal(raw)


def test_a_part_out_of_step_does_not_hide_in_the_rest(raw: Raw) -> None:
    images, votes = published(2000)
    put(raw, [*images[:600], *images[601:1200], images[600], *images[1200:]], votes)
    assert "agree only by chance" in refusal(raw)


def test_sorted_votes_of_few_rows_are_known_by_their_image_names(raw: Raw) -> None:
    images, votes = published(20)
    put(raw, images, [votes[1], votes[0], *votes[2:]])
    assert "not in their published order (number 0 follows 1)" in refusal(raw)


def test_both_tables_sorted_alike_are_joined(raw: Raw) -> None:
    images, votes = published()
    order = np.random.default_rng(1).permutation(len(images))
    put(raw, [images[at] for at in order], [votes[at] for at in order])
    assert raw.clean(labels="ferplus_votes", min_size=1).votes is not None


def test_any_column_that_both_tables_have_must_agree(raw: Raw) -> None:
    images, votes = published(20)
    names = [f"fer{row + (row == 7):07d}.png" for row in range(20)]
    put(raw, [[*row, name] for row, name in zip(images, names, strict=True)], votes, "emotion,pixels,Usage,Image Name")
    assert "Image name differs in 1 of 20 rows, first in row 8: 'fer0000008.png' in the images" in refusal(raw)


def test_a_missing_usage_contradicts_nothing(raw: Raw) -> None:
    images, votes = published(20)
    put(raw, [row[:2] for row in images], votes, "emotion,pixels")
    assert raw.clean(labels="ferplus_plurality", min_size=1).votes is not None


def test_of_two_tables_of_votes_the_one_that_agrees_is_joined(raw: Raw) -> None:
    images, votes = published()
    put(raw, images, votes)
    raw.put("a_sorted.csv", "\n".join([HEADER, *(",".join(row) for row in sorted(votes))]).encode())
    cleaned = raw.clean(labels="ferplus_plurality", min_size=1)
    assert cleaned.votes is not None
    assert cleaned.votes.set_index("path").loc["fer2013.csv#3"].tolist() == [int(number) for number in votes[3][2:]]
