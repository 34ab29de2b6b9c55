"""Grids of faces with captions, and with maps of attention over them."""

from collections.abc import Sequence

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from ferflow.reporting.style import bare, new_figure, style

_COLUMNS = 4
_ROW = 1.95  # inches: a face and two lines


@style()
def face_grid(images: npt.NDArray[np.uint8], captions: Sequence[str], title: str = "") -> Figure:
    """Draw faces in rows of four with a caption below each.

    Args:
        images: Grey levels, uint8 (N, side, side), at least one.
        captions: Text below each face, one or two lines.
        title: Title of the figure. Defaults to none.
    """
    return _grid(images, captions, title)


@style()
def attention_grid(
    images: npt.NDArray[np.uint8], maps: npt.NDArray[np.uint8], captions: Sequence[str], title: str = ""
) -> Figure:
    """Draw faces as face_grid does, tinted by a map: not at all (0), and then from violet over red to yellow (255).

    Args:
        images: Grey levels, uint8 (N, side, side), at least one.
        maps: Strength at each place, uint8 (N, side, side).
        captions: Text below each face, one or two lines.
        title: Title of the figure. Defaults to none.
    """
    colors = matplotlib.colormaps["plasma"](maps)[..., :3]
    grey = np.repeat(images[..., None] / 255, 3, axis=-1)
    opacity = 0.65 * maps[..., None] / 255
    return _grid(opacity * colors + (1 - opacity) * grey, captions, title)


def _grid(pictures: npt.NDArray[np.generic], captions: Sequence[str], title: str) -> Figure:
    rows = -(-len(pictures) // _COLUMNS)
    figure = new_figure(title, height=_ROW * rows)
    places = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axes in places:
        bare(axes)
    for axes, picture, caption in zip(places, pictures, captions, strict=False):
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axes.set_xlabel(caption, fontsize=9.5, linespacing=1.2)
    return figure
