"""Which class and subset each face of the sample belongs to, and which damaged files go with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

MINIMUM = 70
CLASSES = {
    7: ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"),
    8: ("angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise"),
}
# Of 100 faces, in the order of CLASSES: near FER-2013's shares (FER+'s for contempt), with disgust a little less rare.
SHARES = {7: (14, 2, 14, 26, 17, 16, 11), 8: (13, 3, 2, 14, 25, 17, 15, 11)}
# Of ten faces of a class; the first three see to it that a small sample has every class in every subset.
SUBSETS = ("Training", "PublicTest", "PrivateTest", *["Training"] * 7)

# How many of each kind of damage a sample has, besides its faces.
DAMAGE = {
    "truncated": 5,  # a JPEG that breaks off
    "empty": 3,  # no bytes at all
    "html": 3,  # a web server's error page under an image's name
    "wrong_size": 4,  # a face, not 48x48
    "rgb": 5,  # a face, in colour
    "blank": 3,  # one grey all over
    "copy": 6,  # a training file again, in the same folder
    "conflicting_copy": 4,  # a training file again, in another class's folder
    "leaked_copy": 6,  # a test file again, in the same class's training folder
    "near_copy": 5,  # a training image again, compressed anew, in the same folder
    "system_file": 4,  # .DS_Store and Thumbs.db
}
SYSTEM_FILES = ("train/.DS_Store", "train/happy/.DS_Store", "test/.DS_Store", "train/angry/Thumbs.db")


@dataclass(frozen=True)
class Face:
    """One face of the sample.

    Attributes:
        number: its position, from 0; class, subset and picture depend on it, not on how many faces there are.
        emotion: its class.
        subset: Training, PublicTest or PrivateTest.
    """

    number: int
    emotion: str
    subset: str

    @property
    def path(self) -> str:
        """Where it stands in the sample, with forward slashes."""
        split = "train" if self.subset == "Training" else "test"
        return f"{split}/{self.emotion}/{self.subset}_{self.number}.jpg"


@dataclass(frozen=True)
class Damaged:
    """One damaged file of the sample.

    Attributes:
        kind: a key of DAMAGE.
        number: after those of the faces; no two are alike.
        path: where it stands, with forward slashes.
        face: what is drawn in it, or whose copy it is; None for files without a face.
    """

    kind: str
    number: int
    path: str
    face: Face | None


def plan_faces(images: int, emotions: Literal[7, 8]) -> Iterator[Face]:
    """Yield the sample's faces in order of number.

    The first ten for each class are evenly shared, so that the rarest class can be learnt; the others follow SHARES.

    Raises:
        ValueError: fewer than MINIMUM images.
    """
    if images < MINIMUM:
        raise ValueError(
            f"A sample has at least {MINIMUM} images, so that every class is in every subset. Received: {images}"
        )
    classes, drawn = CLASSES[emotions], [0] * emotions
    slots = sorted(((k + 0.5) / share, i) for i, share in enumerate(SHARES[emotions]) for k in range(share))
    for number in range(images):
        i = number % emotions if number < 10 * emotions else slots[(number - 10 * emotions) % 100][1]
        yield Face(number, classes[i], SUBSETS[drawn[i] % 10])
        drawn[i] += 1


def plan_damage(images: int, emotions: Literal[7, 8]) -> list[Damaged]:
    """Return the damaged files of a sample, as many of each kind as DAMAGE says, numbered after the faces.

    No face is copied twice.
    """
    first = list(plan_faces(MINIMUM, emotions))
    # Taken from classes that can spare them: where labels conflict, the original is lost too.
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
