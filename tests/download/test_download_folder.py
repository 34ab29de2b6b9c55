import hashlib
import io
import os
from dataclasses import asdict
from pathlib import Path

import pytest
from download_helpers import FACES, file_size_limit, jpeg, tree, zip_of
from PIL import Image

from defaults import section
from ferflow.base.errors import DownloadError
from ferflow.base.files import whole_folder
from ferflow.base.formats import FORMATS
from ferflow.download import Receipt, acquire, fingerprint
from ferflow.raw.images import decode_bytes
from ferflow.settings.datasets import LocalSource, SampleSource


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def take(source: Path, to: Path, sha256: str | None = None) -> Receipt:
    local = LocalSource(kind="local", sha256=sha256)
    return acquire(
        "own",
        local,
        raw=to / "raw",
        cache=to / ".download",
        limits=section("unpack"),
        seed=0,
        environment={},
        archive=source,
    )


def test_a_folder_is_copied_and_identified_by_its_fingerprint(tmp_path: Path) -> None:
    mine = fill(tmp_path / "my faces", FACES)
    receipt = take(mine, tmp_path / "data")
    assert tree(tmp_path / "data" / "raw") == FACES == tree(mine)
    assert receipt.sha256 == fingerprint(mine)
    assert (receipt.source, receipt.origin, receipt.files) == ("folder", "my faces", len(FACES))
    twin = fill(tmp_path / "twin", dict(reversed(FACES.items())))
    assert fingerprint(twin) == fingerprint(mine)
    (twin / "train/angry/Training_0.jpg").rename(twin / "train/happy/Training_9.jpg")
    moved = fingerprint(twin)
    (twin / "train/happy/Training_9.jpg").write_bytes(jpeg(1))
    assert len({fingerprint(mine), moved, fingerprint(twin)}) == 3


@pytest.mark.parametrize("name", ["a.avif", "b.AVIF", "no suffix"])
@pytest.mark.parametrize("kind", FORMATS)
def test_a_folder_of_any_format_that_clean_reads_is_accepted(tmp_path: Path, kind: str, name: str) -> None:
    mine = tmp_path / "mine" / "happy"
    mine.mkdir(parents=True)
    Image.new("L", (48, 48), 90).save(mine / name, kind)
    assert take(mine.parent, tmp_path / "data").files == 1
    assert decode_bytes((tmp_path / "data/raw/happy" / name).read_bytes()).grey.shape == (48, 48)


@pytest.mark.parametrize("brand", [b"avif", b"mif1"])
def test_every_brand_of_avif_is_an_image(tmp_path: Path, brand: bytes) -> None:
    stream = io.BytesIO()
    Image.new("L", (48, 48), 90).save(stream, "AVIF")
    data = stream.getvalue()
    assert data[4:12] == b"ftypavif"
    mine = fill(tmp_path / "mine", {"happy/no suffix": data[:8] + brand + data[12:]})
    assert take(mine, tmp_path / "data").files == 1


@pytest.mark.parametrize("data", [b"", b"text", b"%PDF-1.7", b"\x89PNG", b"\0\0\0\x20ftypmp42" + bytes(90)])
def test_other_files_without_a_suffix_are_no_images(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DownloadError, match="No images found"):
        take(fill(tmp_path / "mine", {"happy/no suffix": data}), tmp_path / "data")


def test_links_in_a_folder_are_not_followed_but_counted(tmp_path: Path) -> None:
    secret = fill(tmp_path / "elsewhere", {"secret.jpg": b"not yours"})
    mine = fill(tmp_path / "mine", FACES)
    before = fingerprint(mine)
    (mine / "train" / "angry" / "link.jpg").symlink_to(secret / "secret.jpg")
    (mine / "train" / "angry" / "gone.jpg").symlink_to(secret / "gone.jpg")
    (mine / "loop").symlink_to(mine)
    os.mkfifo(mine / "pipe.jpg")
    receipt = take(mine, tmp_path / "data")
    assert tree(tmp_path / "data" / "raw") == FACES
    assert receipt.left_out == 4
    assert fingerprint(mine) == before


@pytest.mark.parametrize("linked", ["test", "train/sad", "extra"])
def test_a_linked_folder_stops_the_download_before_anything_is_copied(tmp_path: Path, linked: str) -> None:
    mine = fill(tmp_path / "mine", {name: data for name, data in FACES.items() if not name.startswith(linked)})
    (mine / linked).symlink_to(fill(tmp_path / "other", {"happy/1.jpg": jpeg(1)}))
    with pytest.raises(DownloadError, match=rf"leave out whole folders of 'mine': '{linked}'.*cp -rL") as error:
        take(mine, tmp_path / "data")
    assert "ARCHIVE=" in str(error.value)
    assert not (tmp_path / "data" / "raw").exists()


@pytest.mark.parametrize("folder", ["", "test/happy"])
def test_a_folder_whose_images_are_all_links_stops_the_download_too(tmp_path: Path, folder: str) -> None:
    mine = fill(tmp_path / "mine", FACES if folder else {})
    for name in FACES:
        if name.startswith(folder):
            (mine / name).unlink(missing_ok=True)
            (mine / name).parent.mkdir(parents=True, exist_ok=True)
            (mine / name).symlink_to(fill(tmp_path / "other", {name: FACES[name]}) / name)
    with pytest.raises(DownloadError, match=r"each of its 3 images is a link"):
        take(mine, tmp_path / "data")


def test_a_folder_that_dvc_tracks_with_links_is_copied_as_its_files(tmp_path: Path) -> None:
    real, mine = fill(tmp_path / "real", FACES), tmp_path / "mine"
    for name, data in FACES.items():
        digest = hashlib.md5(data).hexdigest()
        cached = fill(tmp_path / "cache/files/md5", {f"{digest[:2]}/{digest[2:]}": data}) / digest[:2] / digest[2:]
        (mine / name).parent.mkdir(parents=True, exist_ok=True)
        (mine / name).symlink_to(cached)
    receipt = take(mine, tmp_path / "data")
    assert tree(tmp_path / "data" / "raw") == FACES
    assert not any(path.is_symlink() for path in (tmp_path / "data" / "raw").rglob("*"))
    assert (receipt.left_out, receipt.sha256) == (0, fingerprint(real))


def test_raw_may_be_a_link_to_another_disk_and_stays_one(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "raw").symlink_to(tmp_path / "disk" / "raw")
    for files in ({"happy/1.jpg": jpeg(1)}, FACES):
        take(fill(tmp_path / f"mine {len(files)}", files), tmp_path / "data")
        assert tree(tmp_path / "disk" / "raw") == files
        assert (tmp_path / "data" / "raw").is_symlink()
    assert [path.name for path in (tmp_path / "disk").iterdir()] == ["raw"]


def test_the_named_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "named").symlink_to(fill(tmp_path / "mine", FACES))
    take(tmp_path / "named", tmp_path / "data")
    assert tree(tmp_path / "data" / "raw") == FACES


def test_odd_names_in_a_folder_are_stored_under_names_that_can_be_tracked(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    for name in (b"caf\xe9.jpg", b"new\nline.jpg", b"back\\slash.jpg", b".dvcignore", "😀.jpg".encode()):
        (Path(os.fsdecode(os.fsencode(mine) + b"/" + name))).write_bytes(name)
    receipt = take(mine, tmp_path / "data")
    stored = {"caf%E9.jpg", "new%0Aline.jpg", "back%5Cslash.jpg", "%2Edvcignore", "😀.jpg"}
    assert set(tree(tmp_path / "data" / "raw")) == stored
    assert receipt.sha256 == fingerprint(mine)


def test_the_projects_own_folder_cannot_be_the_source(tmp_path: Path) -> None:
    fill(tmp_path / "data" / "raw", FACES)
    for source in (tmp_path, tmp_path / "data", tmp_path / "data" / "raw"):
        with pytest.raises(DownloadError, match="contains the project's own"):
            take(source, tmp_path / "data")
    assert tree(tmp_path / "data" / "raw") == FACES


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"no file or folder '.*nowhere\.zip'"):
        take(tmp_path / "nowhere.zip", tmp_path / "data")
    os.mkfifo(tmp_path / "pipe.zip")
    with pytest.raises(DownloadError, match=r"no file or folder '.*pipe\.zip'"):
        take(tmp_path / "pipe.zip", tmp_path / "data")
    with pytest.raises(DownloadError, match="no file or folder"):
        fingerprint(tmp_path / "nowhere.zip")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named(tmp_path: Path) -> None:
    mine = fill(tmp_path / "mine", FACES)
    (mine / "train").chmod(0)
    try:
        with pytest.raises(DownloadError, match=r"train.* cannot be read"):
            take(mine, tmp_path / "data")
    finally:
        (mine / "train").chmod(0o755)


def test_a_wrong_checksum_stops_before_anything_is_replaced(tmp_path: Path) -> None:
    archive = tmp_path / "faces.zip"
    archive.write_bytes(zip_of(FACES))
    good = fingerprint(archive)
    assert take(archive, tmp_path / "data", good).sha256 == good
    archive.write_bytes(zip_of({**FACES, "train/angry/more.jpg": jpeg()}))
    with pytest.raises(
        DownloadError,
        match=rf"Wrong checksum: datasets\.own\.source\.sha256.*requires {good}\. Received: {fingerprint(archive)}",
    ):
        take(archive, tmp_path / "data", good)
    assert tree(tmp_path / "data" / "raw") == FACES


@pytest.mark.parametrize("packed", [True, False])
def test_a_full_disk_leaves_the_old_data_and_nothing_half_written(tmp_path: Path, packed: bool) -> None:
    take(fill(tmp_path / "old", FACES), tmp_path / "data")
    large = {**FACES, "train/angry/large.jpg": bytes(range(256)) * 400}
    source = fill(tmp_path / "new", large)
    if packed:
        source = tmp_path / "new.zip"
        source.write_bytes(zip_of(large))
    with file_size_limit(50_000), pytest.raises(DownloadError, match=r"disk is full: .*data"):
        take(source, tmp_path / "data")
    assert tree(tmp_path / "data" / "raw") == FACES
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["raw"]


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    raw = tmp_path / "data" / "raw"
    killed = whole_folder(raw)
    fill(killed.__enter__(), {"half.jpg": b"x"})  # and never exited
    assert len(list(raw.parent.iterdir())) == 1
    take(fill(tmp_path / "mine", FACES), raw.parent)
    assert list(raw.parent.iterdir()) == [raw]


def test_the_sample_needs_no_archive_and_takes_none(tmp_path: Path) -> None:
    sample = SampleSource(kind="sample", images=70, emotions=7, damage=True)

    def draw(seed: int, archive: Path | None = None) -> Receipt:
        return acquire(
            "sample",
            sample,
            raw=tmp_path / "data" / "raw",
            cache=tmp_path / "data" / ".download",
            limits=section("unpack"),
            seed=seed,
            environment={},
            archive=archive,
        )

    one = draw(1)
    assert (one.source, one.licence) == ("sample", None)
    assert one.files == len(tree(tmp_path / "data" / "raw")) >= 70
    assert one.sha256 == fingerprint(tmp_path / "data" / "raw")
    assert asdict(draw(1)) == asdict(one)
    assert draw(2).sha256 != one.sha256
    with pytest.raises(DownloadError, match=r"drawn by FERflow.*DATASET="):
        draw(1, tmp_path / "faces.zip")


def test_a_local_dataset_without_a_path_asks_for_one(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"DATASET=own ARCHIVE=path\. Or set datasets\.own\.source\.path"):
        acquire(
            "own",
            LocalSource(kind="local"),
            raw=tmp_path / "raw",
            cache=tmp_path / "cache",
            limits=section("unpack"),
            seed=0,
            environment={},
        )
