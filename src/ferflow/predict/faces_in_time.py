"""Follow faces from frame to frame, and smooth what a network says of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp

from ferflow.use.face import Box

MIN_OVERLAP = 0.3
"""Overlap (intersection over union) from which a box continues the face of an earlier frame."""

MAX_GAP = 1.0
"""Seconds after which a face that is not found again is forgotten."""


@dataclass(slots=True)
class _Track:
    number: int
    box: Box
    time: float


class FaceTracker:
    """Gives the same face of a video the same number.

    Of all pairs of a known face and a box of the new frame, the pair that overlaps most is joined first, and so on down
    to an overlap of 0.3. Other boxes are new faces. A face that has been away for more than a second is forgotten, so
    that it has a new number when it comes back: faces are told apart by their place alone, never by who they are.
    """

    def __init__(self) -> None:
        """Start without faces; the first one gets number 1."""
        self._tracks: list[_Track] = []
        self._next = 1
        self._seen = 0.0

    def numbers(self, boxes: Sequence[Box], time: float) -> list[int]:
        """Return the number of each face of a frame.

        Args:
            boxes: Faces of the frame.
            time: Time of the frame in seconds, not before that of the last call.
        """
        # Faces of the last frame stay, however long ago that is: it may be that only a frame each minute is looked at.
        self._tracks = [track for track in self._tracks if track.time >= self._seen or time - track.time <= MAX_GAP]
        self._seen = time
        pairs = sorted(
            (
                (-overlap, track.number, place, track)
                for place, box in enumerate(boxes)
                for track in self._tracks
                if (overlap := track.box.overlap(box)) >= MIN_OVERLAP
            ),
            key=lambda pair: pair[:3],
        )
        given: dict[int, _Track] = {}
        for _, number, place, track in pairs:
            if place not in given and all(number != other.number for other in given.values()):
                given[place] = track
        for place, box in enumerate(boxes):
            if place not in given:
                given[place] = _Track(self._next, box, time)
                self._tracks.append(given[place])
                self._next += 1
            given[place].box, given[place].time = box, time
        return [given[place].number for place in range(len(boxes))]


class Smoother:
    """Averages the probabilities of each face over time, so that an answer does not flicker.

    An exponential moving average: what was said t seconds ago weighs exp(-t / seconds) as much, at any frame rate.
    """

    def __init__(self, seconds: float) -> None:
        """Start without memory.

        Args:
            seconds: Time constant, above 0.
        """
        self.seconds = seconds
        self._known: dict[int, tuple[float, dict[str, float]]] = {}

    def smooth(self, face: int, time: float, probabilities: Mapping[str, float]) -> dict[str, float]:
        """Return the average of a face's probabilities up to now; they sum to 1 as the given ones do.

        Args:
            face: Number of the face.
            time: Time of the frame in seconds, not before that of the last call for this face.
            probabilities: What the network says of the face now, by class.
        """
        if face in self._known:
            before, past = self._known[face]
            kept = exp(-(time - before) / self.seconds)
            probabilities = {name: kept * past[name] + (1 - kept) * now for name, now in probabilities.items()}
        self._known[face] = (time, dict(probabilities))
        return dict(probabilities)
