"""What the labels of other datasets mean: names of emotions, or numbers that each dataset counts its own way."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from ferflow.base.emotions import FER2013_CODES
from ferflow.base.errors import DataError
from ferflow.raw.class_names import emotion_of

CODES: dict[str, dict[str, str]] = {
    "fer2013": {str(code): emotion for code, emotion in enumerate(FER2013_CODES)},
    # Li et al. 2017, "Reliable crowdsourcing and deep locality-preserving learning", README of the basic emotions.
    "rafdb": dict(zip("1234567", ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"), strict=True)),
    # Mollahosseini et al. 2017, table 2; 8 to 10 are none, uncertain and no face.
    "affectnet": dict(
        zip("01234567", ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt"), strict=True)
    ),
}
"""Emotion of each code, by the dataset that uses it."""

# Lyons et al. 1998: subject, emotion and number of the picture, then the number of the file, as in KA.AN1.39.tiff.
_JAFFE = re.compile(r"^([A-Z]{2})\.(AN|DI|FE|HA|NE|SA|SU)\d+\.\d+\.[a-z]+$", re.IGNORECASE)
_JAFFE_CODES = {
    "AN": "angry", "DI": "disgust", "FE": "fear", "HA": "happy", "NE": "neutral", "SA": "sad", "SU": "surprise",
}  # fmt: skip
# Lucey et al. 2010: subject, sequence and frame, as in S010_004_00000017.png.
_CKPLUS = re.compile(r"^(S\d{3})_\d{3}_\d+", re.IGNORECASE)


def jaffe_label(name: str) -> str:
    """Return the emotion that the name of a JAFFE image tells; empty for other names.

    >>> jaffe_label("KA.AN1.39.tiff"), jaffe_label("1.png")
    ('angry', '')
    """
    match = _JAFFE.match(name)
    return _JAFFE_CODES[match[2].upper()] if match else ""


def subject_of(name: str) -> str:
    """Return the person whom an image of CK+ or JAFFE shows, by the file's name; empty for other names.

    >>> subject_of("KA.AN1.39.tiff"), subject_of("S010_004_00000017.png"), subject_of("1.png")
    ('KA', 'S010', '')
    """
    match = _JAFFE.match(name) or _CKPLUS.match(name)
    return match[1].upper() if match else ""


def read_map(name: str) -> dict[str, str]:
    """Return the class that each label means: the codes of a known dataset, or those of a file.

    Args:
        name: A key of CODES, or the path of a YAML or JSON file such as `{1: surprise, 2: fear}`.

    Raises:
        DataError: There is no such file, or it is no mapping of labels to names.
    """
    if name in CODES:
        return CODES[name]
    path = Path(name)
    if not path.is_file():
        raise DataError(
            f"--map: {name} is neither a file nor one of {', '.join(CODES)}. A file maps labels to classes, one a line,"
            " such as `1: surprise`."
        )
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not valid YAML or JSON: {error}") from None
    if not isinstance(content, dict) or not content:
        raise DataError(f"{path} must map labels to classes, one a line, such as `1: surprise`. Received: {content!r}.")
    return {str(label): str(meaning) for label, meaning in content.items()}


def meaning_of(labels: Iterable[str], given: Mapping[str, str] | None) -> tuple[dict[str, str], str]:
    """Find what labels mean.

    Args:
        labels: Names of class folders or labels of a table.
        given: What `--map` says, or None.

    Returns:
        The class that each label means, and how the codes were read, as a sentence; both empty where nothing is known.
        A label that means nothing has no entry.

    Raises:
        DataError: The labels are codes that several datasets use in different ways.
    """
    found = sorted(set(labels))
    if given is not None:
        return {label: emotion_of(given[label]) or given[label] for label in found if label in given}, ""
    numbers = {label for label in found if label.isdecimal()}
    if not numbers or numbers != set(found):
        return {label: emotion_of(label) or label for label in found}, ""
    fitting = [name for name, codes in CODES.items() if numbers <= set(codes)]
    # FER-2013 and AffectNet begin with 0 and RAF-DB with 1, so a complete set of codes has one reading.
    complete = [name for name in fitting if numbers == set(CODES[name])]
    if len(complete) != 1:
        raise DataError(
            f"The labels are numbers ({', '.join(found)}), and datasets count the emotions in different ways. Say "
            f"which is meant: --map {' or --map '.join(fitting or CODES)}, or --map FILE."
        )
    codes = CODES[complete[0]]
    return (
        {label: codes[label] for label in found},
        f"The labels {found[0]} to {found[-1]} are read as the codes of {complete[0]}; --map names another meaning.",
    )
