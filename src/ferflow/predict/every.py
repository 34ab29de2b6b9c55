"""Which frames of a video are looked at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Every:
    """Which frames of a video are looked at.

    Attributes:
        frames: Each n-th frame. Defaults to 1, all of them.
        seconds: The first frame of each such period; None: `frames` counts. Defaults to None.
    """

    frames: int = 1
    seconds: float | None = None

    @classmethod
    def parse(cls, text: str) -> "Every":
        """Return what `10` (each tenth frame) or `0.5s` (a frame each half second) means.

        Raises:
            ValueError: The text is neither.

        >>> Every.parse("0.5s")
        Every(frames=1, seconds=0.5)
        """
        if text.endswith("s"):
            seconds = float(text[:-1])
            if not 0 < seconds < float("inf"):
                raise ValueError("must be above 0 seconds")
            return cls(seconds=seconds)
        frames = int(text)
        if frames < 1:
            raise ValueError("must be at least 1")
        return cls(frames=frames)
