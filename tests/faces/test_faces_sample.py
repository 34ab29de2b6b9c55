"""The files of the sample: layout, counts, bytes, damage."""

import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ferflow.faces import CLASSES, DAMAGE, Damaged, plan_damage, plan_faces, write_sample
from ferflow.faces.sample import encode_face

IMAGES = 150
NOT_IMAGES = {"truncated", "empty", "html", "system_file"}


def files(folder: Path) -> dict[str, str]:
    """Path to SHA-256 of every file in a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def grey(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("L")).astype(int)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, IMAGES)
    return folder


@pytest.fixture(scope="module")
def damaged() -> Callable[[str], list[Damaged]]:
    planned = plan_damage(IMAGES, 7)
    return lambda kind: [item for item in planned if item.kind == kind]


def test_the_same_arguments_give_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path, IMAGES)
    assert files(tmp_path) == files(sample)


def test_another_seed_gives_other_faces(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path, 70, damage=False, seed=1)
    assert not set(files(tmp_path).values()) & set(files(sample).values())


def test_a_face_does_not_depend_on_how_many_there_are(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path, 80, damage=False)
    larger = files(sample)
    assert all(larger[path] == digest for path, digest in files(tmp_path).items())


def test_layout_and_names_are_those_of_the_kaggle_mirror(sample: Path) -> None:
    faces = {face.path for face in plan_faces(IMAGES, 7)}
    assert len(faces) == IMAGES
    assert files(sample).keys() == faces | {item.path for item in plan_damage(IMAGES, 7)}
    for path in faces:
        split, emotion, name = path.split("/")
        subset, number = name.removesuffix(".jpg").split("_")
        assert emotion in CLASSES[7]
        assert subset in {"train": ("Training",), "test": ("PublicTest", "PrivateTest")}[split]
        assert number == str(int(number))


def test_every_face_is_a_grey_jpeg_of_48_pixels(sample: Path) -> None:
    for face in plan_faces(IMAGES, 7):
        with Image.open(sample / face.path) as image:
            assert (image.format, image.mode, image.size) == ("JPEG", "L", (48, 48))
            assert np.asarray(image).std() > 5


def test_faces_all_differ(sample: Path) -> None:
    digests = files(sample)
    assert len({digests[face.path] for face in plan_faces(IMAGES, 7)}) == IMAGES


@pytest.mark.parametrize("emotions", [7, 8])
@pytest.mark.parametrize("images", [70, 200, 1100, 10_000])
def test_every_class_is_in_every_subset(images: int, emotions: int) -> None:
    counts = Counter((face.emotion, face.subset) for face in plan_faces(images, emotions))
    assert sum(counts.values()) == images
    for emotion in CLASSES[emotions]:
        assert counts[emotion, "Training"] >= 6
        assert min(counts[emotion, "PublicTest"], counts[emotion, "PrivateTest"]) >= 1


@pytest.mark.parametrize("emotions", [7, 8])
def test_the_sample_of_params_yaml_has_the_shares_of_fer_2013(emotions: int) -> None:
    faces = list(plan_faces(1100, emotions))
    subsets = Counter(face.subset for face in faces)
    assert 0.78 < subsets["Training"] / 1100 < 0.82
    assert abs(subsets["PublicTest"] - subsets["PrivateTest"]) <= 15
    classes = Counter(face.emotion for face in faces)
    assert classes.most_common(1)[0][0] == "happy"
    assert classes.most_common()[-1][0] == "disgust"
    disgust = Counter(face.subset for face in faces if face.emotion == "disgust")
    assert disgust["Training"] >= 20
    assert min(disgust["PublicTest"], disgust["PrivateTest"]) >= 3


def test_contempt_is_the_eighth_class(tmp_path: Path) -> None:
    write_sample(tmp_path, 80, emotions=8)
    assert {path.name for path in (tmp_path / "train").iterdir() if path.is_dir()} == set(CLASSES[8])
    assert {path.name for path in (tmp_path / "test").iterdir() if path.is_dir()} == set(CLASSES[8])
    assert set(CLASSES[8]) - set(CLASSES[7]) == {"contempt"}


@pytest.mark.parametrize("images", [0, 69])
def test_too_few_images_are_refused(images: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"needs at least 70 images.*Received: {images}"):
        write_sample(tmp_path / "sample", images)
    assert not (tmp_path / "sample").exists()


@pytest.mark.parametrize("emotions", [7, 8])
@pytest.mark.parametrize("images", [70, 1100])
def test_damage_is_planned_as_counted(images: int, emotions: int) -> None:
    planned = plan_damage(images, emotions)
    assert Counter(item.kind for item in planned) == DAMAGE
    faces = {face.path: face for face in plan_faces(images, emotions)}
    paths = {item.path for item in planned}
    assert len(paths) == len(planned)
    assert not paths & faces.keys()
    sources = [item.face.path for item in planned if item.face and "copy" in item.kind]
    assert len(set(sources)) == len(sources)
    assert all(faces[source].path == source for source in sources)


def test_without_damage_there_are_only_faces(tmp_path: Path) -> None:
    write_sample(tmp_path, 70, damage=False)
    assert files(tmp_path).keys() == {face.path for face in plan_faces(70, 7)}


def test_what_is_not_an_image_cannot_be_read(sample: Path) -> None:
    for item in plan_damage(IMAGES, 7):
        if item.kind in NOT_IMAGES:
            with pytest.raises(OSError):  # noqa: PT011 - Pillow's errors for these have no common words
                Image.open(sample / item.path).load()
        else:
            Image.open(sample / item.path).load()


def test_truncated_files_begin_as_jpeg(sample: Path, damaged: Callable[[str], list[Damaged]]) -> None:
    for item in damaged("truncated"):
        data = (sample / item.path).read_bytes()
        assert item.face is not None
        assert encode_face(item.face.emotion, 0, item.face.number).startswith(data)


def test_empty_and_html_files(sample: Path, damaged: Callable[[str], list[Damaged]]) -> None:
    assert all((sample / item.path).stat().st_size == 0 for item in damaged("empty"))
    for item in damaged("html"):
        assert item.path.endswith(".jpg")
        assert b"<html>" in (sample / item.path).read_bytes()


def test_odd_images(sample: Path, damaged: Callable[[str], list[Damaged]]) -> None:
    sizes = {Image.open(sample / item.path).size for item in damaged("wrong_size")}
    assert len(sizes) == DAMAGE["wrong_size"]
    assert (48, 48) not in sizes
    for item in damaged("rgb"):
        image = Image.open(sample / item.path)
        assert (image.mode, image.size) == ("RGB", (48, 48))
        assert grey(sample / item.path).std() > 5
    blanks = [grey(sample / item.path) for item in damaged("blank")]
    assert all(blank.std() == 0 for blank in blanks)
    assert len({int(blank[0, 0]) for blank in blanks}) == DAMAGE["blank"]


def test_copies(sample: Path, damaged: Callable[[str], list[Damaged]]) -> None:
    digests = files(sample)
    for kind in ("copy", "conflicting_copy", "leaked_copy"):
        for item in damaged(kind):
            assert item.face is not None
            assert digests[item.path] == digests[item.face.path]
            assert item.path.startswith("train/")
            assert item.face.path.startswith("test/" if kind == "leaked_copy" else "train/")
            assert (item.path.split("/")[1] == item.face.emotion) == (kind != "conflicting_copy")


def test_near_copies_differ_a_little(sample: Path, damaged: Callable[[str], list[Damaged]]) -> None:
    for item in damaged("near_copy"):
        assert item.face is not None
        change = np.abs(grey(sample / item.path) - grey(sample / item.face.path))
        assert 0 < change.mean() < 6
        assert item.path.split("/")[:2] == item.face.path.split("/")[:2]
