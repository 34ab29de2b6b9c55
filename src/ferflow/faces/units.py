"""Facial action units, and how each emotion moves them.

Numbers and meanings follow the Facial Action Coding System (Ekman & Friesen 1978; Ekman, Friesen & Hager 2002);
which units go with which emotion follows its EMFACS tables, with the chances and strengths chosen here by eye.
"""

from dataclasses import asdict, dataclass, fields

import numpy as np

EMOTIONS = ("angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise")


@dataclass(frozen=True)
class ActionUnits:
    """How strongly each muscle group acts: 0 at rest, 1 as far as it goes.

    Attributes:
        au1: inner brow raised.
        au2: outer brow raised.
        au4: brows lowered and drawn together.
        au5: upper lid raised.
        au6: cheek raised, crow's feet.
        au7: lids tightened.
        au9: nose wrinkled.
        au10: upper lip raised.
        au12: lip corners pulled up.
        au14: dimple, the corner pulled in.
        au15: lip corners pulled down.
        au16: lower lip pulled down.
        au17: chin raised, the lower lip pushed up.
        au20: lips stretched sideways.
        au23: lips tightened.
        au24: lips pressed together.
        au25: lips parted.
        au26: jaw dropped.
        au43: upper lid drooping; at 1 the eyes are closed.
        skew: -1 to 1: at -1 the corners of the mouth (au12, au14, au10) move on the viewer's left side alone, at 1
            on the right side alone, at 0 on both alike.
    """

    au1: float = 0.0
    au2: float = 0.0
    au4: float = 0.0
    au5: float = 0.0
    au6: float = 0.0
    au7: float = 0.0
    au9: float = 0.0
    au10: float = 0.0
    au12: float = 0.0
    au14: float = 0.0
    au15: float = 0.0
    au16: float = 0.0
    au17: float = 0.0
    au20: float = 0.0
    au23: float = 0.0
    au24: float = 0.0
    au25: float = 0.0
    au26: float = 0.0
    au43: float = 0.0
    skew: float = 0.0

    def __post_init__(self) -> None:
        """Refuse strengths that no face has.

        Raises:
            ValueError: a unit is outside 0 to 1, or skew outside -1 to 1.
        """
        for name, value in asdict(self).items():
            low = -1.0 if name == "skew" else 0.0
            if not low <= value <= 1.0:
                raise ValueError(f"{name} must lie between {low:g} and 1. Received: {value}")

    def sides(self, name: str) -> tuple[float, float]:
        """Return the strength of unit `name` on the viewer's left and right, as `skew` shares it out."""
        value: float = getattr(self, name)
        return value * min(1.0, 1.0 - self.skew), value * min(1.0, 1.0 + self.skew)


UNIT_NAMES = tuple(field.name for field in fields(ActionUnits) if field.name != "skew")

# For each emotion and unit: the chance that it takes part, and the shares of the face's strength it then lies between.
PROTOTYPES: dict[str, dict[str, tuple[float, float, float]]] = {
    "angry": {
        "au4": (1.0, 0.7, 1.0),
        "au5": (0.45, 0.2, 0.6),
        "au7": (0.8, 0.4, 1.0),
        "au9": (0.15, 0.1, 0.4),
        "au10": (0.25, 0.2, 0.6),
        "au17": (0.35, 0.2, 0.6),
        "au23": (0.7, 0.4, 1.0),
        "au24": (0.55, 0.4, 1.0),
        "au25": (0.3, 0.3, 0.9),
        "au16": (0.25, 0.2, 0.7),
    },
    "contempt": {
        "au12": (0.75, 0.3, 0.7),
        "au14": (1.0, 0.6, 1.0),
        "au24": (0.3, 0.1, 0.4),
        "au43": (0.35, 0.1, 0.35),
    },
    "disgust": {
        "au4": (0.5, 0.2, 0.6),
        "au6": (0.3, 0.2, 0.5),
        "au7": (0.5, 0.3, 0.8),
        "au9": (0.9, 0.6, 1.0),
        "au10": (0.85, 0.5, 1.0),
        "au15": (0.5, 0.2, 0.6),
        "au16": (0.35, 0.2, 0.6),
        "au17": (0.5, 0.2, 0.7),
        "au25": (0.4, 0.2, 0.6),
    },
    "fear": {
        "au1": (0.95, 0.5, 1.0),
        "au2": (0.7, 0.3, 0.9),
        "au4": (0.8, 0.4, 0.9),
        "au5": (0.95, 0.6, 1.0),
        "au7": (0.3, 0.2, 0.6),
        "au20": (0.85, 0.5, 1.0),
        "au25": (0.85, 0.4, 1.0),
        "au26": (0.55, 0.15, 0.6),
    },
    "happy": {
        "au6": (0.85, 0.4, 1.0),
        "au7": (0.2, 0.2, 0.5),
        "au12": (1.0, 0.65, 1.0),
        "au25": (0.65, 0.4, 1.0),
        "au26": (0.25, 0.1, 0.5),
    },
    "neutral": {},
    "sad": {
        "au1": (0.9, 0.5, 1.0),
        "au4": (0.7, 0.2, 0.6),
        "au15": (0.95, 0.6, 1.0),
        "au17": (0.6, 0.3, 0.9),
        "au25": (0.15, 0.1, 0.4),
        "au43": (0.55, 0.15, 0.55),
    },
    "surprise": {
        "au1": (1.0, 0.6, 1.0),
        "au2": (1.0, 0.6, 1.0),
        "au5": (0.85, 0.4, 1.0),
        "au25": (1.0, 0.5, 1.0),
        "au26": (0.9, 0.4, 1.0),
    },
}


def random_units(rng: np.random.Generator, emotion: str) -> ActionUnits:
    """Return a face of `emotion` (one of EMOTIONS) at random strength, from hardly visible to full.

    Every face also has a little of everything: resting faces differ, and people talk while they are photographed.
    """
    strength = 0.55 + 0.45 * float(rng.beta(2.0, 1.0))
    if rng.random() < 0.1:
        strength *= float(rng.uniform(0.2, 0.7))
    values = dict.fromkeys(UNIT_NAMES, 0.0)
    for name, (chance, low, high) in PROTOTYPES[emotion].items():
        if rng.random() < chance:
            values[name] = strength * float(rng.uniform(low, high))
    resting = rng.normal(0, 0.1, len(UNIT_NAMES)).tolist()
    for name, extra in zip(UNIT_NAMES, resting, strict=True):
        values[name] += max(0.0, extra)
    if rng.random() < 0.15:
        values["au25"] += float(rng.uniform(0.1, 0.4))
    skew = 0.12 * float(rng.normal())
    if emotion == "contempt":
        skew = float(rng.choice((-1.0, 1.0)) * rng.uniform(0.6, 1.0))
    limited = {name: min(1.0, value) for name, value in values.items()}
    return ActionUnits(**limited, skew=max(-1.0, min(1.0, skew)))
