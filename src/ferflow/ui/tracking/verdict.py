"""Whether a version becomes the champion of its dataset: its own gates, its speed, and the present champion.

What a version is measured by is the registered model itself, loaded from the store as its users load it.
"""

import hashlib
import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ferflow.base.arrays import Split
from ferflow.base.metrics import mcnemar
from ferflow.ui.tracking.logged_models import example_faces

_ROLLED_BACK = "was rolled back"
_WARM_UPS, _CALLS = 3, 21
_MAX_TAG = 100_000  # characters of a version's tag that MLflow's databases accept

Answer = Callable[[npt.NDArray[np.uint8]], Any]
"""Takes faces, uint8 (N, side, side), and returns a table of probabilities with a column for each class."""


@dataclass(frozen=True, eq=False)
class Measured:
    """What a registered model did on this machine.

    Attributes:
        latency_ms: Median time in milliseconds to answer for one face.
        validation: Digest of the validation images and their labels, 64 hex digits, or an empty string if they were not
            at hand.
        correct: Whether the model is right on each validation image, bool (N,); empty without validation images.
    """

    latency_ms: float
    validation: str = ""
    correct: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))

    @property
    def accuracy(self) -> float | None:
        """Share of the validation images that it gets right, or None without any."""
        return float(self.correct.mean()) if self.correct.size else None

    def tags(self) -> dict[str, str]:
        """Return the tags of a version that from_tags reads."""
        bits = np.packbits(self.correct).tobytes().hex()
        tags = {"ferflow.latency_ms": f"{self.latency_ms:.3f}", "ferflow.validation": self.validation}
        if len(bits) <= _MAX_TAG:
            tags["ferflow.correct"] = f"{self.correct.size}:{bits}"
        return tags

    @classmethod
    def from_tags(cls, tags: Mapping[str, str]) -> "Measured | None":
        """Return what the tags of a version record, or None if they do not record it."""
        try:
            size, bits = tags["ferflow.correct"].split(":")
            packed = np.frombuffer(bytes.fromhex(bits), np.uint8)
            correct = np.unpackbits(packed, count=int(size)).astype(bool)
            return cls(float(tags["ferflow.latency_ms"]), tags["ferflow.validation"], correct)
        except (KeyError, ValueError):
            return None


@dataclass(frozen=True)
class Rival:
    """The present champion.

    Attributes:
        version: Number of its version.
        model: Name of the result that it was.
        figures: Figures recorded when it was registered; see Registration.figures.
        measured: What it did on the validation images at hand; None if it could not be measured.
        problem: Why it could not be measured, or an empty string.
        same_images: Whether it was registered with the same validation images.
        same_weights: Whether it has the weights of the version that is decided on, which happens if the files of the
            champion's own version are lost.
    """

    version: str
    model: str
    figures: Mapping[str, float]
    measured: Measured | None
    problem: str = ""
    same_images: bool = True
    same_weights: bool = False


@dataclass(frozen=True)
class Decision:
    """Whether a version becomes the champion, and why.

    Attributes:
        promoted: Whether every gate passes.
        because: A sentence for each gate.
        name: Name of the registered model.
        version: Number of the version.
        model: Name of the result.
        figures: The version's figures, with `latency_ms`.
        champion: Version and figures of the champion at the time of the decision, or None if there was none.
    """

    promoted: bool
    because: tuple[str, ...]
    name: str
    version: str
    model: str
    figures: Mapping[str, float]
    champion: Mapping[str, Any] | None

    def to_json(self) -> dict[str, Any]:
        """Return the content of logs/register/decision.json and of the tag `ferflow.decision`."""
        return asdict(self)

    @classmethod
    def from_text(cls, text: str) -> "Decision":
        """Return the decision of a tag `ferflow.decision`."""
        values = json.loads(text)
        return cls(**{**values, "because": tuple(values["because"])})

    @property
    def failed(self) -> list[str]:
        """Sentences of the gates that failed, except that somebody rolled the version back."""
        return [line for line in self.because if line.startswith("gate failed") and _ROLLED_BACK not in line]

    def __str__(self) -> str:
        """Return lines for people: the verdict with a sentence for each gate, and the figures of both models."""
        verdict = "is promoted" if self.promoted else "is not promoted"
        lines = [f"{self.model}, version {self.version} of {self.name}, {verdict}:"]
        lines += [f"  {sentence}" for sentence in self.because]
        lines.append(f"  version {self.version}: {_figures_text(self.figures)}")
        if self.champion:
            lines.append(f"  champion {self.champion['version']}: {_figures_text(self.champion['figures'])}")
        return "\n".join(lines)


def measure(answer: Answer, split: Split | None, side: int) -> Measured:
    """Measure a registered model: its latency, and on which validation images it is right.

    Args:
        answer: The model's predict method.
        split: Validation split, or None if it is not at hand.
        side: Side of the model's images in pixels.

    Raises:
        ValueError: The model refuses the images, or has other classes than the split.
    """
    face = example_faces(side)[:1] if split is None else np.asarray(split.images[:1])
    times = []
    for call in range(_WARM_UPS + _CALLS):
        began = time.perf_counter()
        answer(face)
        if call >= _WARM_UPS:
            times.append(1000 * (time.perf_counter() - began))
    latency = round(statistics.median(times), 3)
    if split is None or not len(split):
        return Measured(latency)
    table = answer(np.asarray(split.images))
    if set(table.columns) != set(split.classes):
        raise ValueError(f"it knows the classes {', '.join(table.columns)}, the data has {', '.join(split.classes)}")
    predicted = table[list(split.classes)].to_numpy().argmax(axis=1)
    return Measured(latency, validation_digest(split), np.asarray(predicted == split.labels, bool))


def validation_digest(split: Split) -> str:
    """Return a SHA-256 over the images, labels and classes of a split, as 64 hex digits."""
    digest = hashlib.sha256(json.dumps([split.classes, split.images.shape]).encode())
    digest.update(np.ascontiguousarray(split.images).tobytes())
    digest.update(np.asarray(split.labels, np.int64).tobytes())
    return digest.hexdigest()


def decide(
    registration: Mapping[str, Any], version: str, measured: Measured, rival: Rival | None, *, rolled_back: bool = False
) -> Decision:
    """Decide whether a version becomes the champion.

    Args:
        registration: Content of registration.json.
        version: Number of the version.
        measured: What the version did.
        rival: The present champion, or None if there is none.
        rolled_back: Whether the version was the champion and somebody moved the alias back. Defaults to False.
    """
    gates = registration["gates"]
    fast = measured.latency_ms <= gates["max_latency_ms"]
    comparison = "is within" if fast else "exceeds"
    results = [
        (
            fast,
            f"{measured.latency_ms:.1f} ms a face {comparison} max_latency_ms {gates['max_latency_ms']:g} ms",
        ),
        _not_worse(measured, rival, gates["significance"]),
    ]
    if rolled_back:
        results.append(
            (False, f"version {version} {_ROLLED_BACK}. To promote it all the same: ferflow promote {version}")
        )
    sentences = [f"gate {'passed' if good else 'failed'}: {text}" for good, text in results]
    figures = {**registration["figures"], "latency_ms": measured.latency_ms}
    champion: dict[str, Any] | None = None
    if rival:
        champion = {"version": rival.version, "model": rival.model, "figures": dict(rival.figures)}
        if rival.measured and rival.measured.accuracy is not None:
            champion["accuracy_on_these_images"] = round(rival.measured.accuracy, 6)
    return Decision(
        promoted=bool(registration["passed"]) and all(good for good, _ in results),
        because=(*registration["because"], *sentences),
        name=registration["name"],
        version=version,
        model=registration["model"],
        figures=figures,
        champion=champion,
    )


def _not_worse(measured: Measured, rival: Rival | None, significance: float) -> tuple[bool, str]:
    """Return whether a version is not significantly worse than the champion (McNemar 1947, exact), and a sentence."""
    if rival is None:
        return True, "there is no champion yet to be compared with"
    label = f"champion {rival.version} ({rival.model})"
    if rival.same_weights:
        return True, f"it has the weights of {label}, whose files are lost"
    if rival.measured is None or not measured.correct.size or measured.validation != rival.measured.validation:
        reason = rival.problem or "the validation images are not at hand"
        return False, f"it cannot be compared with {label}: {reason}"
    ours, theirs = measured.correct, rival.measured.correct
    only_ours, only_theirs, p_value = mcnemar(ours, theirs)
    worse = only_ours < only_theirs and p_value < significance
    text = (
        f"{100 * ours.mean():.1f} % of {ours.size:,} validation images right, {label} {100 * theirs.mean():.1f} %, "
        f"p = {p_value:.3f}: {'significantly worse' if worse else 'not significantly worse'}"
    )
    if not rival.same_images:
        text += (
            ". The validation images have changed since that champion was registered, so it was measured on the new "
            "ones; it may have been trained on some of them, which can only be in its favor"
        )
    return not worse, text


def _figures_text(figures: Mapping[str, float]) -> str:
    parts = []
    for key, label in (("accuracy", "accuracy"), ("macro_f1", "macro F1"), ("worst_recall", "worst recall")):
        if key in figures:
            parts.append(f"{label} {100 * figures[key]:.1f} %")
    others = {"ece": "calibration error {:.3f}", "latency_ms": "{:.1f} ms a face", "size_mb": "{:.1f} MB"}
    parts += [text.format(figures[key]) for key, text in others.items() if key in figures]
    return ", ".join(parts)
