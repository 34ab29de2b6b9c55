"""`datasets:` in params.yaml: where the raw images come from."""

from typing import Annotated, Literal

from pydantic import Field

from ferflow.base.section import Name, PositiveInt, Section

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Dataset(Section):
    """What every source has.

    Attributes:
        description: a sentence for people.
        licence: what the data may be used for, as its publisher says.
        labels: whose labels to use. `folder`: the class folder or the CSV's emotion column. The others need
            FER+ votes (fer2013new.csv beside fer2013.csv): `ferplus_majority` is Microsoft's rule (Barsoum et
            al. 2016, section 4: more than half of the votes, else left out), `ferplus_plurality` the label with most
            votes (the first on ties), `ferplus_votes` the same label plus the votes as soft labels.
        classes: class names to use; empty: every class found.
    """

    description: str = ""
    licence: str = "unknown"
    labels: Literal["folder", "ferplus_majority", "ferplus_plurality", "ferplus_votes"] = "folder"
    classes: tuple[Name, ...] = ()


class SampleDataset(Dataset):
    """Faces drawn by ferflow.faces.

    Attributes:
        images: how many faces to draw, before the damaged files are added.
        emotions: 7 (FER-2013) or 8 (with contempt, as FER+).
        damage: whether to add damaged files, duplicates and leaks for `clean` to find.
    """

    source: Literal["sample"]
    images: Annotated[int, Field(ge=70)] = 1100
    emotions: Literal[7, 8] = 7
    damage: bool = True


class KaggleDataset(Dataset):
    """A public dataset on Kaggle, or the archive of it that the user has.

    Attributes:
        dataset: owner/name on Kaggle, or owner/name/version; without a version, the newest.
        sha256: of the archive; null accepts any. Checked for downloads and for `ARCHIVE=` alike.
    """

    source: Literal["kaggle"]
    dataset: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][\w-]*/[A-Za-z0-9_][\w-]*(/[1-9][0-9]*)?$")]
    sha256: Sha256 | None = None


class LocalDataset(Dataset):
    """An archive or a folder on this machine.

    Attributes:
        path: relative to the project's folder, or absolute; null when it always comes by `ARCHIVE=`.
        sha256: of the archive; null accepts any.
    """

    source: Literal["local"]
    path: str | None = None
    sha256: Sha256 | None = None


AnyDataset = Annotated[SampleDataset | KaggleDataset | LocalDataset, Field(discriminator="source")]


class Unpack(Section):
    """`unpack:`: limits against archive bombs.

    Attributes:
        max_files: most members an archive may have.
        max_bytes: most bytes it may unpack to.
        max_ratio: most bytes unpacked for each byte packed, over the whole archive.
    """

    max_files: PositiveInt = 1_000_000
    max_bytes: PositiveInt = 20_000_000_000
    max_ratio: PositiveInt = 200
