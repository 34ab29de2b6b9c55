"""fer2013.csv, icml_face_data.csv and fer2013new.csv."""

import numpy as np
import pytest
from clean_helpers import Raw, pattern

from ferflow.base.errors import DataError
from ferflow.clean.table_parser import vote_label
from ferflow.raw.ferplus import COLUMNS
from ferflow.raw.images import read_grey
from ferflow.raw.tables import Table

CODES = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
VOTES_HEADER = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"


def text(seed: int, side: int = 48) -> str:
    return " ".join(map(str, pattern(seed, side).ravel()))


def table(*rows: str, header: str = "emotion,pixels,Usage", end: str = "\n") -> bytes:
    return (end.join([header, *rows]) + end).encode()


def test_the_seven_codes_and_three_usages(raw: Raw) -> None:
    usages = ["Training", "PublicTest", "PrivateTest"]
    rows = [f"{code},{text(code * 3 + at)},{usage}" for code in range(7) for at, usage in enumerate(usages)]
    raw.put("fer2013.csv", table(*rows))
    found = raw.rows()
    assert found.loc["fer2013.csv", ["verdict", "reason"]].tolist() == ["drop", "table"]
    found = found.drop("fer2013.csv")
    assert (found["verdict"] == "keep").all()
    for code in range(7):
        for at, (usage, split) in enumerate(zip(usages, ["train", "test", "test"], strict=True)):
            row = found.loc[f"fer2013.csv#{code * 3 + at}"]
            assert [row["label"], row["subset"], row["split"]] == [CODES[code], usage, split]
            assert [row["width"], row["height"], row["mode"], row["bytes"], row["sha256"]] == [48, 48, "L", 0, ""]


@pytest.mark.parametrize("header", ["emotion, Usage, pixels", " Emotion ,USAGE,Pixels", "\ufeffemotion,Usage,pixels"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_header_of_icml_face_data_and_its_like(raw: Raw, header: str, end: str) -> None:
    raw.put(
        "data/icml_face_data.csv", table(f"3,Training,{text(1)}", f"4, PublicTest, {text(2)}", header=header, end=end)
    )
    found = raw.rows()
    assert found.loc["data/icml_face_data.csv#0", ["label", "split"]].tolist() == ["happy", "train"]
    assert found.loc["data/icml_face_data.csv#1", ["label", "subset"]].tolist() == ["sad", "PublicTest"]


def test_pixels_are_read_unchanged(raw: Raw) -> None:
    raw.put("fer2013.csv", table(*(f"0,{text(seed, 40)},Training" for seed in range(12))))
    paths = [f"fer2013.csv#{row}" for row in (11, 2, 0, 10)]
    for path, grey in zip(paths, read_grey(raw.folder, paths), strict=True):
        assert np.array_equal(grey, pattern(int(path.partition("#")[2]), 40))


BAD_ROWS = {
    "7,{p},Training": "no_label",
    "-1,{p},Training": "no_label",
    ",{p},Training": "no_label",
    "grumpy,{p},Training": "no_label",
    "3,,Training": "unreadable",
    "3,1 2 3,Training": "unreadable",
    "3,1 2 x 4,Training": "unreadable",
    "3,1.5 2 3 4,Training": "unreadable",
    "3,1 2 3 256,Training": "unreadable",
    "3,1 2 3 -4,Training": "unreadable",
    "3,1 2 3 99999999999999999999,Training": "unreadable",
    "3": "no_split",  # no Usage, which the others have
    '3,"1 2 3 4': "no_split",
    "9" * 5000 + ",{p},Training": "no_label",
    "\udcff\udcfe,1 2 3 4,Training": "no_label",
    "": "no_label",
}


def test_bad_rows_get_verdicts_as_files_do(raw: Raw) -> None:
    rows = [row.format(p=text(at)) for at, row in enumerate(BAD_ROWS)]
    data = "\n".join(["emotion,pixels,Usage", *rows, f"0,{text(99)},Training", "\n"])
    raw.put("fer2013.csv", data.encode("utf-8", "surrogateescape"))
    found = raw.rows()
    assert len(found) == len(BAD_ROWS) + 2
    assert found.loc[f"fer2013.csv#{len(BAD_ROWS)}", "verdict"] == "keep"
    for at, (row, reason) in enumerate(BAD_ROWS.items()):
        got = found.loc[f"fer2013.csv#{at}"]
        assert [got["verdict"], got["reason"]] == ["drop", reason], row[:40]
        assert got["detail"]


def test_an_emotion_may_be_a_word_and_usage_may_lack(raw: Raw) -> None:
    raw.put("own.csv", table(f"Happiness,{text(1)}", f"SAD,{text(2)}", header="emotion,pixels"))
    found = raw.rows()
    assert found.loc["own.csv#0", ["label", "split"]].tolist() == ["happy", ""]
    assert found.loc["own.csv#1", "label"] == "sad"


def test_other_tables_are_files_like_any_other(raw: Raw) -> None:
    raw.put("train/happy/a.jpg", 1)
    raw.put("train/labels.csv", b"path,label\na.jpg,happy\n")
    raw.put("test.csv", table(text(1), header="pixels"))
    raw.put("train/happy/fake.csv", bytes(range(256)) * 10)
    raw.put("empty.csv", b"")
    raw.put("no_rows.csv", b"emotion,pixels,Usage")
    found = raw.reasons()
    assert found["train/labels.csv"] == found["test.csv"] == found["empty.csv"] == "drop outside_class"
    assert found["train/happy/fake.csv"] == "drop unreadable"
    assert found["no_rows.csv"] == "drop table"


def test_the_same_images_in_two_tables_are_copies(raw: Raw) -> None:
    raw.put("a.csv", table(f"3,{text(1)},Training", f"3,{text(4)},Training", f"3,{text(2)},PrivateTest"))
    raw.put("b.csv", table(f"3,{text(1)},Training", f"3,{text(3)},Training"))
    found = raw.reasons()
    assert found["a.csv#0"] == found["b.csv#1"] == "keep"
    assert found["b.csv#0"] == "drop exact_copy"


VOTES = {
    # neutral happiness surprise sadness anger disgust fear contempt unknown NF: majority, plurality
    (10, 0, 0, 0, 0, 0, 0, 0, 0, 0): ("neutral", "neutral"),
    (0, 6, 4, 0, 0, 0, 0, 0, 0, 0): ("happy", "happy"),
    (5, 5, 0, 0, 0, 0, 0, 0, 0, 0): ("", "neutral"),  # half is not more than half; the first on a tie
    (0, 5, 5, 0, 0, 0, 0, 0, 0, 0): ("", "happy"),
    (1, 1, 1, 1, 1, 1, 1, 3, 0, 0): ("contempt", "contempt"),  # single votes are removed
    (1, 1, 1, 1, 1, 1, 1, 1, 1, 1): ("", "neutral"),
    (4, 3, 3, 0, 0, 0, 0, 0, 0, 0): ("", "neutral"),
    (4, 3, 1, 1, 1, 0, 0, 0, 0, 0): ("neutral", "neutral"),  # four of the seven that are left
    (2, 2, 2, 2, 2, 0, 0, 0, 0, 0): ("", "neutral"),
    (0, 0, 0, 0, 0, 0, 0, 0, 8, 2): ("", ""),
    (0, 0, 0, 0, 0, 0, 0, 0, 0, 10): ("", ""),
    (0, 0, 4, 0, 0, 0, 0, 0, 4, 2): ("", "surprise"),
    (3, 0, 0, 0, 0, 0, 0, 0, 7, 0): ("", ""),
    (0, 0, 0, 0, 0, 0, 0, 0, 0, 0): ("", ""),
}


@pytest.mark.parametrize("votes", VOTES)
def test_the_rules_for_votes(votes: tuple[int, ...]) -> None:
    majority, plurality = VOTES[votes]
    assert vote_label(np.array(votes), "ferplus_majority") == majority
    assert vote_label(np.array(votes), "ferplus_plurality") == plurality
    assert vote_label(np.array(votes), "ferplus_votes") == plurality


def with_votes(raw: Raw, extra: int = 0) -> None:
    raw.put("fer2013.csv", table(*(f"6,{text(at)},Training" for at in range(len(VOTES)))))
    rows = [
        f"Training,fer{at}.png,{','.join(map(str, votes))}" for at, votes in enumerate([*VOTES, *list(VOTES)[:extra]])
    ]
    raw.put("fer2013new.csv", table(*rows, header=VOTES_HEADER))


@pytest.mark.parametrize(("labels", "which"), [("ferplus_majority", 0), ("ferplus_plurality", 1), ("ferplus_votes", 1)])
def test_votes_are_joined_by_row(raw: Raw, labels: str, which: int) -> None:
    with_votes(raw)
    cleaned = raw.clean(labels=labels)
    rows = cleaned.manifest.set_index("path")
    for at, expected in enumerate(VOTES.values()):
        row = rows.loc[f"fer2013.csv#{at}"]
        assert row["label"] == expected[which]
        assert row["reason"] == ("" if expected[which] else "no_label")
    assert cleaned.votes is not None
    votes = cleaned.votes.set_index("path")
    assert list(votes.columns) == list(COLUMNS)
    assert votes.loc["fer2013.csv#3"].tolist() == [0, 5, 5, 0, 0, 0, 0, 0, 0, 0]


def test_votes_are_kept_with_other_labels_too(raw: Raw) -> None:
    with_votes(raw)
    cleaned = raw.clean()
    assert cleaned.summary.classes == {"neutral": len(VOTES)}
    assert cleaned.votes is not None
    assert len(cleaned.votes) == len(VOTES)


def test_labels_by_votes_need_votes(raw: Raw) -> None:
    raw.put("fer2013.csv", table(f"6,{text(1)},Training"))
    with pytest.raises(DataError, match=r"needs fer2013\.csv and fer2013new\.csv"):
        raw.clean(labels="ferplus_majority")


def test_votes_for_another_table_are_not_joined(raw: Raw) -> None:
    with_votes(raw, extra=1)
    assert raw.clean().votes is None
    with pytest.raises(DataError, match=r"'fer2013new\.csv': 15"):
        raw.clean(labels="ferplus_votes")


def test_rows_of_any_length_are_found(raw: Raw) -> None:
    lines = [b"0," + b"9 " * length + b",Training" for length in (1, 4, 900, 1, 16)]
    file = raw.put("t.csv", b"\n".join([b"emotion,pixels,Usage", *lines, b"", b"\r"]))
    read = Table(file)
    assert len(read) == 5
    assert [len(read.fields(row)["pixels"].split()) for row in range(5)] == [1, 4, 900, 1, 16]
    with pytest.raises(IndexError):
        read.fields(5)


GOOD = [f"3,{text(1)},Training", f"4,{text(2)},Training"]


@pytest.mark.parametrize("labels", [("3.0", "4.0"), ("3.", "4.00"), ("03", "+4"), ("Happy", "SAD")])
def test_codes_may_be_written_in_any_way_that_means_the_same(raw: Raw, labels: tuple[str, str]) -> None:
    raw.put("own.csv", table(*(f"{label},{text(at)},Training" for at, label in enumerate(labels))))
    assert raw.clean().summary.classes == {"happy": 1, "sad": 1}


@pytest.mark.parametrize("label", ["3.5", "-3", "33", "10", "nan", "3,0"])
def test_other_numbers_mean_no_emotion_and_are_counted_on_the_screen(raw: Raw, label: str) -> None:
    raw.put("own.csv", table(*(f'"{label}",{text(at)},Training' for at in range(3)), *GOOD))
    if label == "nan":  # a word, which might be a class of the user's own
        with pytest.raises(DataError, match=r"no known emotion: nan \(3\)"):
            raw.clean()
        return
    cleaned = raw.clean()
    assert cleaned.summary.dropped_by_reason == {"table": 1, "no_label": 3}
    assert cleaned.notes == (f"Not used: table rows without a class, 3 in all: emotion '{label}' (3).",)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_tables_of_spreadsheets_with_other_delimiters_are_read(raw: Raw, delimiter: str) -> None:
    raw.put("own.csv", b"\xef\xbb\xbf" + table(*GOOD, end="\r\n").replace(b",", delimiter.encode()))
    cleaned = raw.clean()
    assert cleaned.summary.classes == {"happy": 1, "sad": 1}
    assert cleaned.notes == ()
    assert np.array_equal(next(read_grey(raw.folder, ["own.csv#1"])), pattern(2))


def test_votes_with_semicolons_are_joined(raw: Raw) -> None:
    with_votes(raw)
    for name in ("fer2013.csv", "fer2013new.csv"):
        file = raw.folder / name
        file.write_bytes(file.read_bytes().replace(b",", b";"))
    assert raw.clean(labels="ferplus_majority").votes is not None


NO_TABLE = {
    "utf16.csv": (table(*GOOD).decode().encode("utf-16"), "is UTF-16 text, or no text at all; save it as CSV UTF-8"),
    "utf16be.csv": (table(*GOOD).decode().encode("utf-16-be"), "is UTF-16 text, or no text at all"),
    "latin.csv": ("émotion,pixels\n".encode("latin-1"), "first line that is not UTF-8 text"),
    "other.csv": (table(*GOOD, header="label,image,Usage"), "columns emotion and pixels in its first line"),
    "pixels.csv": (table(*GOOD, header="label,pixels,Usage"), "the column emotion in its first line"),
    "received.csv": (table(header="label,image,Usage"), "Received: 'label', 'image', 'usage'"),
    "no_header.csv": (table(*GOOD[1:], header=GOOD[0]), "lacks the columns emotion and pixels"),
    "empty.csv": (b"", "is empty"),
    "blank.csv": (b"\n \r\n", "is empty"),
    "rowless.csv": (table(), "has a header but no rows"),
    "votes.csv": (table("1,x", header=VOTES_HEADER), "has votes that are not whole numbers"),
    "part.csv": (
        table(header=VOTES_HEADER.replace(",contempt", "")),
        "looks like FER+ votes but lacks the columns contempt",
    ),
}


@pytest.mark.parametrize("name", NO_TABLE)
def test_a_table_that_cannot_be_used_says_why_on_the_screen_and_in_the_manifest(raw: Raw, name: str) -> None:
    data, why = NO_TABLE[name]
    raw.put(f"tables/{name}", data)
    cleaned = raw.clean()
    assert len(cleaned.notes) == 1
    assert cleaned.notes[0].startswith(f"tables/{name} ")
    assert why in cleaned.notes[0]
    if name != "rowless.csv":
        assert why in cleaned.manifest["detail"][0]
