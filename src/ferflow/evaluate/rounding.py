"""The digits of metrics.json: enough for every use, and few enough that the last one is no rounding error."""

DIGITS = 6


def rounded(value: float) -> float:
    """Return a number as it is written."""
    return round(float(value), DIGITS)


def rounded_or_none(value: float | None) -> float | None:
    """Return a number as it is written, or None if it is not defined."""
    return None if value is None else rounded(value)
