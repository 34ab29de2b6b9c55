"""Draw boxes and answers on pictures."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ferflow.predict.rows import Row
from ferflow.use.face import Rgb

_COLOURS = ("#e8590c", "#5f3dc4", "#0b7285", "#f59f00", "#495057", "#1864ab", "#c2255c", "#2b8a3e")
"""One a class in the order of the card. White text on each has a contrast of 3 or more; amber gets black text."""

_DARK_TEXT = {"#f59f00"}


def annotate(image: Rgb, rows: Sequence[Row], classes: Sequence[str]) -> Rgb:
    """Return a copy of a picture with a box around each face, its number, answer and probability.

    Args:
        image: The picture, uint8, (height, width, 3), RGB.
        rows: Rows of this picture; those without a face draw nothing.
        classes: Names of the classes, whose order chooses the colours.
    """
    picture = Image.fromarray(image)
    drawing = ImageDraw.Draw(picture)
    height, width = image.shape[:2]
    line = max(2, round(min(height, width) / 240))
    font = ImageFont.load_default(max(12, round(min(height, width) / 32)))
    for row in rows:
        if row.recognition is None or row.recognition.box is None or row.answer is None:
            continue
        colour = _COLOURS[list(classes).index(row.answer) % len(_COLOURS)]
        x, y, wide, high = row.recognition.box
        drawing.rectangle((x, y, x + wide, y + high), outline=colour, width=line)
        text = f"{row.face} {row.answer} {100 * row.probabilities[row.answer]:.0f} %"
        left, top, right, bottom = drawing.textbbox((0, 0), text, font=font)
        margin = line + 1
        label = (right - left + 2 * margin, bottom - top + 2 * margin)
        # Above the box, or inside of it at the picture's upper edge; never beyond an edge if there is room.
        corner_x = min(max(0.0, x), max(0.0, width - label[0]))
        corner_y = y - label[1] if y >= label[1] else min(max(0.0, y), max(0.0, height - label[1]))
        drawing.rectangle((corner_x, corner_y, corner_x + label[0], corner_y + label[1]), fill=colour)
        ink = "black" if colour in _DARK_TEXT else "white"
        drawing.text((corner_x + margin - left, corner_y + margin - top), text, fill=ink, font=font)
    return np.asarray(picture)
