"""The section on brightness and contrast, with the outliers in pictures."""

import pandas as pd

from ferflow.eda import charts
from ferflow.eda.choose import Row, fences, rows_of
from ferflow.eda.page import Files, Gallery, Picture, Section, inline
from ferflow.eda.pictures import Levels
from ferflow.eda.survey import Survey
from ferflow.eda.text import count, share, shown

KINDS = {
    "brightness": ("mean", "Brightness", "mean grey level (0 black, 255 white)", "darkest", "brightest"),
    "contrast": ("std", "Contrast", "standard deviation in grey levels", "flattest", "harshest"),
}


def light(
    kept: pd.DataFrame,
    classes: list[str],
    outliers: dict[str, tuple[list[str], list[str]]],
    seen: Survey,
    files: Files,
) -> Section:
    """Return the section.

    Args:
        kept: rows of the manifest.
        classes: to draw, in order.
        outliers: for each of KINDS the paths of the outliers to show, below and above.
        seen: holds the pictures of the outliers.
        files: takes `brightness.png`, `contrast.png` and `outliers.csv`.
    """
    section = Section("light", "Brightness and contrast")
    rows = rows_of(kept, {path for sides in outliers.values() for paths in sides for path in paths})
    tables = []
    for key, (column, title, unit, low_name, high_name) in KINDS.items():
        part = Section(key, title, [_finding(kept, column, classes)])
        alt = f"Histogram of the {unit} over all kept images, and a box for each class."
        figure = charts.distribution(kept[column], kept["label"], classes, fences(kept[column]), unit)
        part.blocks.append(files.chart(key, figure, alt))
        for name, paths in zip((low_name, high_name), outliers[key], strict=True):
            pictures = tuple(_picture(rows[path], column, seen.thumbs[path]) for path in paths)
            if pictures:
                part.blocks.append(Gallery(f"The {name} outliers", tuple(((p,), "") for p in pictures)))
            tables += [(key, name, path, rows[path]["label"], rows[path][column]) for path in paths]
        section.sections.append(part)
    table = pd.DataFrame(tables, columns=["kind", "side", "path", "label", "value"])
    files.tables["outliers"] = table.assign(value=table["value"].astype(float).round(3))
    return section


def _picture(row: Row, column: str, image: Levels) -> Picture:
    label, value, name = shown(row["label"]), f"{row[column]:.1f}", shown(row["path"].rpartition("/")[2], 48)
    return inline(image, f"{label}, {value}: {shown(row['path'])}", (label, value, name))


def _finding(kept: pd.DataFrame, column: str, classes: list[str]) -> str:
    values = kept[column]
    low, high = fences(values)
    below, above = int((values < low).sum()), int((values > high).sum())
    text = (
        f"Half of the images lie between {values.quantile(0.25):.0f} and {values.quantile(0.75):.0f} "
        f"(median {values.median():.0f}); {count(below + above, 'outlier')} ({share(below + above, len(kept), 2)}), "
        f"{below:,} below {max(low, 0.0):.0f} and {above:,} above {min(high, 255.0):.0f}, 1.5 interquartile ranges "
        "from the quartiles."
    )
    medians = kept.groupby("label")[column].median().reindex(classes)
    if len(medians) > 1:
        text += (
            f" By class the median runs from {medians.min():.0f} ({shown(str(medians.idxmin()))}) to "
            f"{medians.max():.0f} ({shown(str(medians.idxmax()))})."
        )
    return text
