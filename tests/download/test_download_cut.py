"""Truncated and modified archives are detected, and nothing half-unpacked is left."""

import pytest
from download_helpers import FACES, tar_of, tree, zip_of
from hypothesis import given, settings
from hypothesis import strategies as st

from defaults import section
from ferflow.base.errors import DownloadError
from ferflow.download import acquire
from ferflow.settings.datasets import LocalSource

SOUND = {
    "zip": zip_of(FACES),
    "tar": tar_of(FACES),
    "gz": tar_of(FACES, "w:gz"),
    "bz2": tar_of(FACES, "w:bz2"),
    "xz": tar_of(FACES, "w:xz"),
}


@settings(deadline=None, max_examples=50)
@given(kind=st.sampled_from(sorted(SOUND)), part=st.floats(0, 0.9999))
def test_a_truncated_archive_never_passes_for_a_complete_one(
    tmp_path_factory: pytest.TempPathFactory, kind: str, part: float
) -> None:
    data = SOUND[kind]
    size = int(part * len(data))
    if kind == "tar":  # Python pads a tar with zeros; removing only these does no harm
        size = min(size, len(data.rstrip(b"\0")))
    check_refused(tmp_path_factory, data[:size])


@settings(deadline=None, max_examples=50)
@given(kind=st.sampled_from(["zip", "gz", "bz2", "xz"]), at=st.floats(0, 0.9999), by=st.integers(1, 255))
def test_a_changed_byte_is_detected_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, kind: str, at: float, by: int
) -> None:
    data = bytearray(SOUND[kind])
    data[int(at * len(data))] ^= by
    try:
        found = unpack_to(tmp_path_factory, bytes(data))
    except DownloadError:
        return
    # A name in a zip has no checksum, while file contents have one.
    assert sorted(found.values()) == sorted(FACES.values())


@pytest.mark.parametrize("change", ["kind", "name"])
def test_a_file_that_became_a_folder_is_detected(tmp_path_factory: pytest.TempPathFactory, change: str) -> None:
    data = bytearray(zip_of({"train/happy/1.jpg": FACES["train/happy/Training_0.jpg"]}))
    entry = data.rindex(b"PK\x01\x02")
    if change == "kind":
        data[entry + 41] ^= 0x40  # the Unix mode's type: a folder
    else:
        name = len("train/happy/1.jpg")
        data[entry + 46 + name - 1 : entry + 46 + name] = b"/"
        data[30 + name - 1 : 30 + name] = b"/"
    check_refused(tmp_path_factory, bytes(data))


def check_refused(factory: pytest.TempPathFactory, data: bytes) -> None:
    with pytest.raises(DownloadError):
        unpack_to(factory, data)


def unpack_to(factory: pytest.TempPathFactory, data: bytes) -> dict[str, bytes]:
    folder = factory.mktemp("cut")
    (folder / "a").write_bytes(data)
    source = LocalSource(kind="local", path=str(folder / "a"))
    try:
        acquire("own", source, raw=folder / "raw", cache=folder, limits=section("unpack"), seed=0, environment={})
    finally:
        left = {path.name for path in folder.iterdir()}
        assert left <= {"a", "raw"}
    return tree(folder / "raw")
