"""Names of classes: the words for each emotion, and the classes that the user names in params.yaml."""

import functools
import re
from collections.abc import Sequence

from ferflow.base.emotions import EMOTIONS

_SYNONYMS = {
    "anger": "angry",
    "contemptuous": "contempt",
    "disgusted": "disgust",
    **dict.fromkeys(("fearful", "afraid", "scared"), "fear"),
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}
_EMOTION_BY_WORD = {emotion: emotion for emotion in EMOTIONS} | _SYNONYMS
_NOT_LETTERS = re.compile(r"[\W\d_]+")

EMOTION_WORDS = tuple(_EMOTION_BY_WORD)
"""Every word that `emotion_of` knows."""


@functools.lru_cache(maxsize=4096)
def letters(name: str) -> str:
    """Return the letters of a name in lower case.

    >>> letters("0_Anger")
    'anger'
    """
    return _NOT_LETTERS.sub("", name.casefold())


def emotion_of(name: str) -> str:
    """Return the canonical emotion that a name means; empty if it means none.

    >>> emotion_of("0_Anger"), emotion_of("smirk")
    ('angry', '')
    """
    return _EMOTION_BY_WORD.get(letters(name), "")


def requested_class(name: str, classes: Sequence[str]) -> str:
    """Return the class of params.yaml that the name of a folder or a label means; empty if it means none.

    The first of these that holds decides: the same text; the same words, whatever their case and the characters
    between them; the same emotion.

    Args:
        name: Name of a folder, or a label of a table.
        classes: Values of `datasets.<name>.labels.classes`.

    >>> [requested_class(name, ("calm", "wide_awake", "anger")) for name in ("Calm", "Wide Awake", "0_angry", "sad")]
    ['calm', 'wide_awake', 'anger', '']
    """
    if name in classes:
        return name
    by_words = {_words(given): given for given in reversed(classes)}
    by_emotion = {emotion_of(given): given for given in reversed(classes)} | {"": ""}
    return by_words.get(_words(name)) or by_emotion.get(emotion_of(name), "")


def _words(name: str) -> str:
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")
