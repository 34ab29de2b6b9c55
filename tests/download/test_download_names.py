import os
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ferflow.base.errors import DownloadError
from ferflow.download.unpack import MAX_DEPTH, MAX_NAME, MAX_PATH, member_path, stored_name

HOSTILE = ["..", ".", "", "C:", "a\\..\\b", ".dvc", "a.dvc", ".git", ".dvcignore", "dvc.yaml"]
HOSTILE += ["%41", "%2Edvc", "\n", "~", "con"]
PART = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.binary(max_size=12).map(lambda raw: raw.replace(b"/", b"_").decode("utf-8", "surrogateescape")),
    st.sampled_from(HOSTILE),
    st.integers(200, 400).map(lambda n: "x" * n + ".jpg"),
)
NAME = st.lists(PART, min_size=1, max_size=6).map("/".join)


@settings(deadline=None)
@given(NAME)
@example("/etc/passwd")
@example("a/../../b")
@example("..")
@example("c:x.jpg")
@example("a/" * 2000 + "b")
def test_a_member_is_stored_inside_the_folder_or_refused(name: str) -> None:
    try:
        path = member_path(name)
    except DownloadError:
        return
    folder = Path("/data/raw")
    assert Path(os.path.normpath(folder / path)) == folder / path != folder
    assert not path.is_absolute()
    assert len(path.parts) <= MAX_DEPTH
    assert len(str(path).encode()) <= MAX_PATH
    for part in path.parts:
        assert part not in {"..", ".", ".dvcignore", ".git", ".hg", "dvc.yaml", "dvc.lock"}
        assert not part.endswith(".dvc")
        assert len(part.encode("utf-8")) <= MAX_NAME  # and it is UTF-8
        assert part.isprintable() or not any(ord(c) < 32 or c in "\\\x7f" for c in part)


@settings(deadline=None)
@given(NAME, NAME)
def test_different_names_stay_different(one: str, other: str) -> None:
    def same_file(name: str) -> list[str]:
        return [part for part in name.split("/") if part not in ("", ".")]

    try:
        equal = stored_name(one) == stored_name(other)
    except DownloadError:
        return
    assert equal == (same_file(one) == same_file(other))


@pytest.mark.parametrize(
    "name",
    [
        "train/angry/Training_3908.jpg",
        "very long " * 5 + "😀.JPG",
        "é/é.png",
        "100%.jpg",
        "#1?*[x]&'\".jpg",
        "ab:c.jpg",
    ],
)
def test_usual_and_merely_unusual_names_stay_as_they_are(name: str) -> None:
    assert member_path(name) == PurePosixPath(name)


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("./train//a.jpg", "train/a.jpg"),
        ("new\nline.jpg", "new%0Aline.jpg"),
        ("caf\udce9.jpg", "caf%E9.jpg"),
        ("%41.jpg", "%2541.jpg"),
        (".dvc/x.jpg", "%2Edvc/x.jpg"),
        ("a/.dvcignore", "a/%2Edvcignore"),
        ("a/.git/x", "a/%2Egit/x"),
        ("a/dvc.yaml", "a/dvc%2Eyaml"),
        ("x.y.dvc", "x.y%2Edvc"),
        (".gitignore", ".gitignore"),
    ],
)
def test_names_that_dvc_or_people_cannot_take_are_escaped(name: str, stored: str) -> None:
    assert str(member_path(name)) == stored


def test_a_long_name_is_truncated_and_keeps_its_suffix() -> None:
    one, other = stored_name("😀" * 100 + "1.jpg").name, stored_name("😀" * 100 + "2.jpg").name
    assert one.startswith("😀" * 50)
    assert one.endswith(".jpg")
    assert one != other
    assert len(one.encode()) <= MAX_NAME


@pytest.mark.parametrize(
    "name", ["../x", "a/../x", "/x", "C:/x", "d:x", "a\\b", "..\\x", "a\0b.jpg", "", "./", "d/" * 101 + "x"]
)
def test_what_leaves_the_folder_or_cannot_be_stored_is_refused(name: str) -> None:
    with pytest.raises(DownloadError, match=r"unsafe|NUL|no name|too long"):
        member_path(name)
