"""Decide the class and subset of each face of the sample, and which damaged files are added."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ferflow.base.emotions import EMOTIONS

MINIMUM = 70
CLASSES = {
    7: tuple(emotion for emotion in EMOTIONS if emotion != "contempt"),
    8: EMOTIONS,
}
# Of 100 faces, in the order of CLASSES: close to the shares in FER-2013 (FER+ for contempt), with disgust less rare.
SHARES = {7: (14, 2, 14, 26, 17, 16, 11), 8: (13, 3, 2, 14, 25, 17, 15, 11)}
# Of ten faces of a class; the first three ensure that even a small sample has every class in every subset.
SUBSETS = ("Training", "PublicTest", "PrivateTest", *["Training"] * 7)

# Number of damaged files of each kind, in addition to the faces.
DAMAGE = {
    "truncated": 5,  # a JPEG whose end is missing
    "empty": 3,  # no bytes at all
    "html": 3,  # a web server's error page under an image's name
    "wrong_size": 4,  # a face, not 48x48
    "rgb": 5,  # a face, in colour
    "blank": 3,  # a single grey level
    "copy": 6,  # a training file again, in the same folder
    "conflicting_copy": 4,  # a training file again, in another class's folder
    "leaked_copy": 6,  # a test file again, in the same class's training folder
    "near_copy": 5,  # a training image again, compressed again, in the same folder
    "system_file": 4,  # .DS_Store and Thumbs.db
}
SYSTEM_FILES = ("train/.DS_Store", "train/happy/.DS_Store", "test/.DS_Store", "train/angry/Thumbs.db")


@dataclass(frozen=True)
class Face:
    """One face of the sample.

    Attributes:
        number: Position in the sample, from 0. Class, subset and pixels depend on it and not on the size of the sample.
        emotion: Class of the face.
        subset: Usage in FER-2013: Training, PublicTest or PrivateTest.
    """

    number: int
    emotion: str
    subset: str

    @property
    def path(self) -> str:
        """Path relative to the sample's folder, with forward slashes."""
        split = "train" if self.subset == "Training" else "test"
        return f"{split}/{self.emotion}/{self.subset}_{self.number}.jpg"


@dataclass(frozen=True)
class Damaged:
    """One damaged file of the sample.

    Attributes:
        kind: A key of DAMAGE.
        number: Unique number, following those of the faces.
        path: Path relative to the sample's folder, with forward slashes.
        face: The face that is drawn in the file or copied to it, or None for files without a face.
    """

    kind: str
    number: int
    path: str
    face: Face | None


def plan_faces(images: int, emotions: Literal[7, 8]) -> Iterator[Face]:
    """Yield the sample's faces in order of their numbers.

    Every class gets ten of the first faces, so that there are enough of the rarest; the others follow SHARES.

    Args:
        images: Number of faces, at least 70.
        emotions: 7, or 8 with contempt.

    Raises:
        ValueError: `images` is less than 70.

    >>> next(plan_faces(70, 7)).path
    'train/angry/Training_0.jpg'
    """
    if images < MINIMUM:
        raise ValueError(
            f"A sample needs at least {MINIMUM} images, so that every subset contains every class. Received: {images}"
        )
    classes, drawn = CLASSES[emotions], [0] * emotions
    slots = sorted(((k + 0.5) / share, i) for i, share in enumerate(SHARES[emotions]) for k in range(share))
    for number in range(images):
        i = number % emotions if number < 10 * emotions else slots[(number - 10 * emotions) % 100][1]
        yield Face(number, classes[i], SUBSETS[drawn[i] % 10])
        drawn[i] += 1


def plan_damage(images: int, emotions: Literal[7, 8]) -> list[Damaged]:
    """Return the damaged files of a sample, with the counts of DAMAGE.

    No face is copied twice.

    Args:
        images: Number of faces in the sample, at which the numbers of the damaged files start.
        emotions: 7, or 8 with contempt.
    """
    first = list(plan_faces(MINIMUM, emotions))
    # Not from the rarest classes: if labels conflict, `clean` drops the original as well.
    training = [face for face in first if face.subset == "Training" and face.emotion not in ("disgust", "contempt")]
    test = [face for face in first if face.subset != "Training"]
    damaged: list[Damaged] = []
    for kind, count in DAMAGE.items():
        for i in range(count):
            number = images + len(damaged)
            emotion = CLASSES[emotions][(3 * i + 2 * len(kind)) % emotions]
            subset = "PublicTest" if i % 4 == 3 else "Training"
            face: Face | None = Face(number, emotion, subset)
            assert face is not None
            path = face.path
            if kind == "system_file":
                path, face = SYSTEM_FILES[i], None
            elif kind in ("empty", "html", "blank"):
                face = None
            elif kind in ("copy", "near_copy"):
                face = training.pop(0)
                path = Face(number, face.emotion, "Training").path
            elif kind == "conflicting_copy":
                face = training.pop(0)
                others = [name for name in CLASSES[emotions] if name != face.emotion]
                path = Face(number, others[i], "Training").path
            elif kind == "leaked_copy":
                face = test.pop(0)
                path = Face(number, face.emotion, "Training").path
            damaged.append(Damaged(kind, number, path, face))
    return damaged
