"""What folder and file names say: emotion, split, subset, rubbish."""

import functools
import re

EMOTIONS = ("angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise")
FER2013_CODES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")  # the CSV's emotion 0 to 6
_EMOTION_WORDS = {
    "angry": "angry anger",
    "contempt": "contempt contemptuous",
    "disgust": "disgust disgusted",
    "fear": "fear fearful afraid scared",
    "happy": "happy happiness",
    "neutral": "neutral",
    "sad": "sad sadness",
    "surprise": "surprise surprised",
}
_EMOTION = {word: emotion for emotion, words in _EMOTION_WORDS.items() for word in words.split()}
_SPLIT_WORDS = {
    "train": "train training trn",
    "validation": "validation valid val dev",
    "test": "test testing tst publictest privatetest",
}
_SPLIT = {word: split for split, words in _SPLIT_WORDS.items() for word in words.split()}
_SUBSET = {"training": "Training", "publictest": "PublicTest", "privatetest": "PrivateTest"}
_SUBSET_SPLIT = {"Training": "train", "PublicTest": "test", "PrivateTest": "test"}
_SYSTEM_NAMES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "$recycle.bin", "@eadir", "icon\r"}
_BESIDES = re.compile(r"[\W\d_]+")
_DATASET = re.compile(r"^(ferplus|fer)(?=[a-z])|(set|data|images|folder|dir)$")


def emotion(name: str) -> str:
    """Return the canonical emotion that a name means, such as angry for `0_Anger`; else empty."""
    return _EMOTION.get(_word(name), "")


def split(name: str) -> str:
    """Return train, validation or test where a name means it, such as `Training` or `FER2013Valid`; else empty."""
    word = _word(name)
    return _SPLIT.get(word) or _SPLIT.get(_DATASET.sub("", _DATASET.sub("", word)), "")


def subset(name: str) -> str:
    """Return Training, PublicTest or PrivateTest where a folder's, file's or Usage's name begins with it."""
    words = re.split(r"[.\d]", name, maxsplit=1)[0]
    return _SUBSET.get(_word(words)) or _SUBSET.get(_word(words.partition("_")[0]), "")


def subset_split(name: str) -> str:
    """Return the split that a subset belongs to; empty for the empty name."""
    return _SUBSET_SPLIT.get(name, "")


def is_system(name: str) -> bool:
    """Return whether a file or folder is hidden, or left behind by a system."""
    return name.startswith(".") or name.casefold() in _SYSTEM_NAMES


@functools.lru_cache(maxsize=4096)
def _word(name: str) -> str:
    return _BESIDES.sub("", name.casefold())
