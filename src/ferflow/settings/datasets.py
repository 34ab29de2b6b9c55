"""`datasets:` and `unpack:` in params.yaml: where the raw images come from."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ferflow.base.section import PositiveInt, Section

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ClassName = Annotated[str, Field(pattern=r"^[^\s/\\]([^\r\n\t/\\]*[^\s/\\])?$", max_length=60)]
LabelKind = Literal["folder", "ferplus_majority", "ferplus_plurality", "ferplus_votes"]


class SampleSource(Section):
    """Faces drawn by ferflow.faces.

    Attributes:
        images: Number of faces to draw, before the damaged files are added.
        emotions: 7 (as in FER-2013) or 8 (with contempt, as in FER+).
        damage: Whether to add damaged files, duplicates and leaks for `clean` to find.
    """

    kind: Literal["sample"]
    images: Annotated[int, Field(ge=70)]
    emotions: Literal[7, 8]
    damage: bool


class KaggleSource(Section):
    """A public dataset on Kaggle, or the user's archive of it.

    Attributes:
        dataset: owner/name on Kaggle, or owner/name/version; without a version, the newest.
        sha256: Required SHA-256 of the archive, checked for downloads and for `ARCHIVE=` alike; absent: any.
    """

    kind: Literal["kaggle"]
    dataset: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][\w-]*/[A-Za-z0-9_][\w-]*(/[1-9][0-9]*)?$")]
    sha256: Sha256 | None = None


class LocalSource(Section):
    """An archive or a folder on this machine.

    Attributes:
        path: Path relative to the project root, or absolute; absent: always given by `ARCHIVE=`.
        sha256: Required SHA-256 of the archive; absent: any.
    """

    kind: Literal["local"]
    path: str | None = None
    sha256: Sha256 | None = None


AnySource = Annotated[SampleSource | KaggleSource | LocalSource, Field(discriminator="kind")]


class Labels(Section):
    """Which labels and classes to use.

    Attributes:
        kind: `folder`: the class folder or the CSV's emotion column. The others need FER+ votes (fer2013new.csv next
            to fer2013.csv): `ferplus_majority` is Microsoft's rule (Barsoum et al. 2016, section 4: more than half of
            the votes, else left out), `ferplus_plurality` the label with most votes (the first on ties),
            `ferplus_votes` the same label plus the votes as soft labels.
        classes: Names of the classes to use, such as `[anger, calm, wide awake]`. Each takes the folder or label of
            that name, or of the same emotion, and the model's class has the name that stands here. Absent or empty:
            every class found.
    """

    kind: LabelKind
    classes: tuple[ClassName, ...] = ()

    @model_validator(mode="after")
    def _classes_are_different(self) -> "Labels":
        if len({name.casefold() for name in self.classes}) < len(self.classes):
            raise ValueError(f"datasets.<name>.labels.classes: one name occurs twice. Received: {list(self.classes)}.")
        return self


class Dataset(Section):
    """An entry of `datasets:`.

    Attributes:
        description: A sentence for people.
        licence: What the data may be used for, as its publisher states it.
        source: Where the raw images come from.
        labels: Which labels and classes to use.
    """

    description: str
    licence: str
    source: AnySource
    labels: Labels


class Unpack(Section):
    """`unpack:`: limits against archive bombs.

    Attributes:
        max_files: Maximum number of members of an archive.
        max_bytes: Maximum number of bytes that an archive may unpack to.
        max_ratio: Maximum bytes unpacked per byte packed, over the whole archive.
    """

    max_files: PositiveInt
    max_bytes: PositiveInt
    max_ratio: PositiveInt
