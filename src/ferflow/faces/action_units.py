"""Facial action units, and how each emotion moves them.

Numbers and meanings follow the Facial Action Coding System (Ekman & Friesen 1978; Ekman, Friesen & Hager 2002);
the units of each emotion follow its EMFACS tables. Probabilities and strengths were chosen by eye.
"""

from dataclasses import asdict, dataclass, fields

import numpy as np


@dataclass(frozen=True)
class ActionUnits:
    """How strongly each muscle group acts, from 0 (at rest) to 1 (maximum); the default is a face at rest.

    Attributes:
        au1: Inner brow raised.
        au2: Outer brow raised.
        au4: Brows lowered and drawn together.
        au5: Upper lid raised.
        au6: Cheek raised, crow's feet.
        au7: Lids tightened.
        au9: Nose wrinkled.
        au10: Upper lip raised.
        au12: Lip corners pulled up.
        au14: Dimple, the corner pulled in.
        au15: Lip corners pulled down.
        au16: Lower lip pulled down.
        au17: Chin raised, the lower lip pushed up.
        au20: Lips stretched sideways.
        au23: Lips tightened.
        au24: Lips pressed together.
        au25: Lips parted.
        au26: Jaw dropped.
        au43: Upper lid drooping; at 1 the eyes are closed.
        skew: Asymmetry of the corners of the mouth (au10, au12, au14), from -1 (only the viewer's left side moves)
            over 0 (both sides move alike) to 1 (only the right side moves).
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
        """Check the ranges.

        Raises:
            ValueError: A unit is outside 0 to 1, or `skew` is outside -1 to 1.
        """
        for name, value in asdict(self).items():
            low = -1.0 if name == "skew" else 0.0
            if not low <= value <= 1.0:
                raise ValueError(f"{name} must be between {low:g} and 1. Received: {value}")

    def sides(self, name: str) -> tuple[float, float]:
        """Return the strength of unit `name` on the viewer's left and right, as `skew` distributes it."""
        value: float = getattr(self, name)
        return value * min(1.0, 1.0 - self.skew), value * min(1.0, 1.0 + self.skew)


UNIT_NAMES = tuple(field.name for field in fields(ActionUnits) if field.name != "skew")

# For each emotion and unit: the probability that the unit acts, and the range of its strength as shares of the
# strength of the whole expression.
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
    """Return random action units for an emotion, from hardly visible to full strength.

    Every unit is slightly active in every face, since resting faces differ and people talk while being photographed.

    Args:
        rng: Source of randomness.
        emotion: One of `ferflow.base.emotions.EMOTIONS`.

    >>> units = random_units(np.random.default_rng(0), "happy")
    >>> units.au12 > 0.3
    True
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
