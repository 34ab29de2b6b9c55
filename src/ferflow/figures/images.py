"""Grids of pictures."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ferflow.figures.style import GREY, WIDTH, bare, new_figure, style

Picture = npt.NDArray[np.generic]


@style()
def image_grid(
    images: Sequence[Picture] | Picture,
    captions: Sequence[str] | None = None,
    columns: int = 8,
    title: str = "",
    row_labels: Sequence[str] | None = None,
) -> Figure:
    """Draw pictures row by row.

    Args:
        images: grey (height, width) or (height, width, 1), or colour (height, width, 3), levels 0 to 255;
            the sizes may differ, each is scaled into its cell. None of them: one line says so.
        captions: a line or more under each picture.
        columns: pictures in a row.
        title: the finding.
        row_labels: a word left of each row.
    """
    rows = max(1, -(-len(images) // columns))
    lines = max((caption.count("\n") + 1 for caption in captions), default=0) if captions else 0
    size = 9.5 if columns <= 8 else 8.0
    cell = WIDTH / (columns + (1.6 if row_labels else 0.0))
    text = lines * size * 1.3 / 72 / cell + (0.06 if lines else 0.0)  # in cells
    pitch = 1.04 + text
    figure = new_figure(title, height=rows * pitch * cell)
    axes = figure.add_subplot()
    bare(axes)
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        _place(axes, image, column * 1.04, row * pitch)
        if captions:
            axes.text(
                column * 1.04 + 0.5,
                row * pitch + 1.03,
                captions[number],
                ha="center",
                va="top",
                fontsize=size,
            )
    for row, label in enumerate(row_labels or ()):
        axes.text(-0.12, row * pitch + 0.5, label, ha="right", va="center", fontsize=11)
    if not len(images):
        axes.text(columns / 2, 0.5, "no pictures", ha="center", va="center", color=GREY)
    axes.set_xlim(-1.6 if row_labels else 0, columns * 1.04 - 0.04)
    axes.set_ylim(rows * pitch, 0)
    axes.set_aspect("equal")
    return figure


@style()
def augmentation_grid(
    originals: Picture, augmented: Picture, captions: Sequence[str] | None = None, title: str = ""
) -> Figure:
    """Draw each original at the left of its row, and its random changes beside it.

    Args:
        originals: (N, height, width) or (N, height, width, 1), levels 0 to 255.
        augmented: (N, K, height, width) or (N, K, height, width, 1): K changes of each.
        captions: N words, such as the class of each.
        title: what the changes are.
    """
    count, changes = augmented.shape[:2]
    cell = WIDTH / (changes + 1.3)
    figure = new_figure(title, height=(count * 1.04 + 0.4) * cell)
    axes = figure.add_subplot()
    bare(axes)
    for row in range(count):
        _place(axes, originals[row], 0.0, row * 1.04)
        if captions:
            axes.text(-0.1, row * 1.04 + 0.5, captions[row], rotation=90, ha="right", va="center", fontsize=10)
        for column in range(changes):
            _place(axes, augmented[row, column], 1.24 + column * 1.04, row * 1.04)
    axes.text(0.5, -0.08, "original", ha="center", va="bottom", fontsize=10)
    axes.text(1.24 + changes * 0.52, -0.08, "as the network sees it", ha="center", va="bottom", fontsize=10)
    axes.set_xlim(-0.3 if captions else 0, 1.2 + changes * 1.04)
    axes.set_ylim(count * 1.04, -0.36)
    axes.set_aspect("equal")
    return figure


def _place(axes: Axes, image: Picture, left: float, top: float) -> None:
    """Draw one picture into the unit cell at (left, top), its proportions kept."""
    pixels = image[:, :, 0] if image.ndim == 3 and image.shape[2] == 1 else image
    levels = np.clip(np.rint(np.asarray(pixels, dtype=np.float64)), 0, 255).astype(np.uint8)
    height, width = levels.shape[:2]
    longest = max(height, width)
    x, y = (1 - width / longest) / 2, (1 - height / longest) / 2
    extent = (left + x, left + 1 - x, top + 1 - y, top + y)
    axes.imshow(levels, extent=extent, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
