"""Names of test-time views for people."""

_LABELS = {"single": "image alone", "flip": "with mirror image", "ten_crop": "ten crops"}


def view_label(views: str) -> str:
    """Return the name of a kind of test-time views for people.

    >>> view_label("ten_crop")
    'ten crops'
    """
    return _LABELS[views]
