"""The sections on the kept images: class balance, the faces of each class, and brightness and contrast."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps

from ferflow.eda import charts
from ferflow.eda.image_survey import HELD_OUT, FaceMap, ManifestRow, Survey, outlier_limits, rows_by_path
from ferflow.raw.images import Grey
from ferflow.reporting.page import (
    ClassCard,
    Gallery,
    PagePicture,
    PageSection,
    PageTable,
    ReportFiles,
    contact_sheet,
    page_picture,
)
from ferflow.reporting.text import count, listed, percent_of, printable

# Measure: column of the manifest, title, unit, names of its low and of its high outliers.
MEASURES = {
    "brightness": ("mean", "Brightness", "mean grey level (0 black, 255 white)", "darkest", "brightest"),
    "contrast": ("std", "Contrast", "standard deviation in grey levels", "lowest-contrast", "highest-contrast"),
}


def balance_section(
    kept: pd.DataFrame, parts: list[str], classes: list[str], files: ReportFiles, limit: int
) -> PageSection:
    """Return the section on class balance.

    Args:
        kept: Rows of the kept images in the manifest, with `part`.
        parts: Names of the parts, in order.
        classes: Names of the classes, in order.
        files: Receives `class_balance.png` and `classes.csv`.
        limit: Maximum number of classes to draw; the largest are drawn.
    """
    counts = pd.crosstab(kept["label"], kept["part"]).reindex(index=classes, columns=parts, fill_value=0)
    files.tables["classes"] = counts.assign(all=counts.sum(axis=1)).rename_axis("class").reset_index()
    section = PageSection("balance", "Class balance", _balance_findings(counts, kept))
    alt = (
        "Bars: number of kept images of each class, one panel for each of "
        + listed([printable(p) for p in parts], limit=8)
        + "."
    )
    section.blocks.append(
        files.add_chart("class_balance", charts.class_balance(counts.loc[_largest(counts, limit)]), alt)
    )
    rows = [
        (printable(str(name)), *(f"{value:,}" for value in row), f"{sum(row):,}", percent_of(sum(row), len(kept)))
        for name, row in zip(counts.index, counts.to_numpy().tolist(), strict=True)
    ]
    header = ("class", *(printable(part) for part in parts), "all", "share")
    section.blocks.append(
        PageTable(
            "Kept images by class",
            header,
            tuple(rows),
            frozenset(range(1, len(header))),
            folded=len(rows) > 12,
        )
    )
    return section


def _balance_findings(counts: pd.DataFrame, kept: pd.DataFrame) -> list[str]:
    totals = counts.sum(axis=1)
    largest, smallest = str(totals.idxmax()), str(totals.idxmin())
    if len(counts) == 1:
        return [
            f"There is one class, {printable(largest)}, with {count(int(totals.iloc[0]), 'image')}, so there is "
            "nothing to distinguish."
        ]
    ratio = totals.max() / totals.min()
    findings = [
        f"The largest of {len(counts)} classes is {printable(largest)} with {totals.max():,} of {len(kept):,} kept "
        f"images ({percent_of(totals.max(), len(kept))}), the smallest {printable(smallest)} with {totals.min():,} "
        f"({percent_of(totals.min(), len(kept))}): {ratio:.1f} to 1."
    ]
    held_out = kept.loc[kept["split"].isin(HELD_OUT), "part"].unique()
    baselines = [
        f"{percent_of(counts[part].max(), counts[part].sum())} on {printable(part)} "
        f"({printable(str(counts[part].idxmax()))})"
        for part in counts.columns
        if part in held_out
    ]
    if baselines:
        findings.append(f"Always predicting the most frequent class has an accuracy of {listed(baselines, limit=8)}.")
    shares = counts / counts.sum()
    if len(counts.columns) > 1:
        spread = shares.max(axis=1) - shares.min(axis=1)
        findings.append(
            f"The share of a class differs by at most {100 * spread.max():.1f} points between the parts "
            f"({printable(str(spread.idxmax()))})."
        )
    return findings


def _largest(counts: pd.DataFrame, limit: int) -> list[str]:
    chosen = set(counts.sum(axis=1).sort_values(ascending=False, kind="stable").index[:limit])
    return [name for name in counts.index if name in chosen]


def faces_section(survey: Survey, samples: Mapping[str, list[str]], kept: int, files: ReportFiles) -> PageSection:
    """Return the section with samples, mean and variance face of each class.

    Args:
        survey: Result of the pass over the images.
        samples: Paths of the images to show of each class, in order.
        kept: Total number of kept images.
        files: Receives `samples_<class>.png`, `mean_faces.png`, `variance_faces.png`, `difference_faces.png`.
    """
    section = PageSection("faces", "The faces of each class")
    means = {name: survey.classes[name].mean for name in samples}
    deviations = {name: np.sqrt(survey.classes[name].variance) for name in samples}
    # Without the mean brightness of each, which would hide differences in expression.
    everyone = survey.overall.mean - survey.overall.mean.mean()
    differences = {name: mean - mean.mean() - everyone for name, mean in means.items()}
    darkest, brightest = _range(means)
    lowest, highest = _range(deviations)
    furthest = max(float(np.abs(d).max()) for d in differences.values())
    images: dict[str, list[Grey]] = {"mean": [], "variance": [], "difference": []}
    for (name, paths), slug in zip(samples.items(), file_slugs(list(samples)), strict=True):
        images["mean"].append(_coloured((means[name] - darkest) / max(brightest - darkest, 1e-9), "gray"))
        images["variance"].append(_coloured((deviations[name] - lowest) / max(highest - lowest, 1e-9), "cividis"))
        images["difference"].append(_coloured(0.5 + differences[name] / max(2 * furthest, 1e-9), "RdBu_r"))
        section.blocks.append(
            ClassCard(
                printable(name),
                _class_finding(survey, name, deviations[name], differences[name], kept),
                _typical(printable(name), {kind: rows[-1] for kind, rows in images.items()}),
                files.add_picture(
                    f"samples_{slug}",
                    contact_sheet([survey.squares[path] for path in paths], columns=5),
                    f"{count(len(paths), 'face')} labelled {printable(name)}",
                ),
            )
        )
    for kind, pictures in images.items():
        title = f"{kind.capitalize()} face of each class"
        files.add_figure(f"{kind}_faces", charts.image_grid(pictures, list(samples), title))
    section.findings = _face_findings(means)
    if len(samples) < len(survey.classes):
        section.findings.append(f"The {len(samples)} largest of {len(survey.classes)} classes are shown.")
    section.findings.append(
        f"How to read the small pictures: mean is the average face with increased contrast. Variance ranges from dark "
        f"blue (standard deviation of {lowest:.0f} grey levels between faces) to yellow ({highest:.0f}). Difference "
        f"shows where the mean face is brighter (red) or darker (blue) than the mean face of all classes at equal "
        f"overall brightness, by up to {furthest:.0f} grey levels."
    )
    return section


def _range(images: Mapping[str, FaceMap]) -> tuple[float, float]:
    return min(float(i.min()) for i in images.values()), max(float(i.max()) for i in images.values())


def _coloured(values: FaceMap, colour_map: str) -> Grey:
    """Return values from 0 to 1 in a colour map, uint8 (side, side, 3)."""
    coloured: Grey = colormaps[colour_map](values, bytes=True)[:, :, :3]
    return coloured


def _typical(name: str, images: Mapping[str, Grey]) -> tuple[PagePicture, ...]:
    described = {
        "mean": ("mean", f"Mean of all faces labelled {name}"),
        "variance": ("variance", f"Standard deviation of each pixel over the faces labelled {name}"),
        "difference": ("difference", f"Difference between the mean face of {name} and the mean of all faces"),
    }
    return tuple(page_picture(images[k], alt, (line,)) for k, (line, alt) in described.items())


def _class_finding(survey: Survey, name: str, deviation: FaceMap, difference: FaceMap, kept: int) -> str:
    moments = survey.classes[name]
    brightness = float(moments.mean.mean() - survey.overall.mean.mean())
    text = (
        f"{count(moments.images, 'image')}, {percent_of(moments.images, kept)} of the kept images. The standard "
        f"deviation of a pixel between faces is {deviation.mean():.0f} grey levels on average."
    )
    if len(survey.classes) > 1:
        furthest = f"{difference.flat[int(np.abs(difference).argmax())]:+.0f}".replace("-", "\u2212")
        side = "brighter" if brightness > 0 else "darker"
        text += (
            f" The mean face is {abs(brightness):.1f} grey levels {side} than that of all classes; apart from that it "
            f"differs most at the {_position(np.abs(difference))} ({furthest})."
        )
    return text


def _position(values: FaceMap) -> str:
    """Return in words where the largest value is."""
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    down = ("top", "middle", "bottom")[int(3 * row / values.shape[0])]
    across = ("left", "centre", "right")[int(3 * column / values.shape[1])]
    return "centre" if (down, across) == ("middle", "centre") else f"{down} {across}"


def _face_findings(means: Mapping[str, FaceMap]) -> list[str]:
    names = list(means)
    pairs = [(_rms(means[a] - means[b]), a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    if not pairs:
        return []
    (near, *alike), (far, *apart) = min(pairs), max(pairs)
    if len(pairs) == 1:
        return [f"The mean faces of {printable(apart[0])} and {printable(apart[1])} are {far:.1f} grey levels apart."]
    return [
        f"The mean faces of {printable(alike[0])} and {printable(alike[1])} are the most similar ({near:.1f} grey "
        f"levels apart, root mean square), those of {printable(apart[0])} and {printable(apart[1])} the "
        f"least ({far:.1f})."
    ]


def file_slugs(names: Sequence[str]) -> list[str]:
    """Return a distinct part of a file name for each name: lower-case ASCII letters and digits, otherwise `_`.

    >>> file_slugs(["Happy", "happy", "a/b"])
    ['happy', 'happy_2', 'a_b']
    """
    taken: set[str] = set()
    slugs = []
    for name in names:
        base = "".join(c if c.isascii() and c.isalnum() else "_" for c in name.lower())[:40] or "_"
        slug, number = base, 1
        while slug in taken:
            number += 1
            slug = f"{base}_{number}"
        taken.add(slug)
        slugs.append(slug)
    return slugs


def _rms(values: FaceMap) -> float:
    return float(np.sqrt(np.mean(values**2)))


def brightness_section(
    kept: pd.DataFrame,
    classes: list[str],
    outliers: dict[str, tuple[list[str], list[str]]],
    survey: Survey,
    files: ReportFiles,
) -> PageSection:
    """Return the section on brightness and contrast, with the outliers in pictures.

    Args:
        kept: Rows of the kept images in the manifest.
        classes: Classes to draw, in order.
        outliers: For each of MEASURES the paths of the low and of the high outliers to show.
        survey: Provides the pictures of the outliers.
        files: Receives `brightness.png`, `contrast.png` and `outliers.csv`.
    """
    section = PageSection("light", "Brightness and contrast")
    rows = rows_by_path(kept, {path for sides in outliers.values() for paths in sides for path in paths})
    tables = []
    for key, (column, title, unit, low_name, high_name) in MEASURES.items():
        part = PageSection(key, title, [_spread_finding(kept, column, classes)])
        alt = f"Histogram of the {unit} over all kept images, and a box plot for each class."
        figure = charts.distribution(kept[column], kept["label"], classes, outlier_limits(kept[column]), unit)
        part.blocks.append(files.add_chart(key, figure, alt))
        for name, paths in zip((low_name, high_name), outliers[key], strict=True):
            pictures = tuple(_outlier_picture(rows[path], column, survey.squares[path]) for path in paths)
            if pictures:
                part.blocks.append(Gallery(f"The {name} outliers", tuple(((p,), "") for p in pictures)))
            tables += [(key, name, path, rows[path]["label"], rows[path][column]) for path in paths]
        section.sections.append(part)
    table = pd.DataFrame(tables, columns=["kind", "side", "path", "label", "value"])
    files.tables["outliers"] = table.assign(value=table["value"].astype(float).round(3))
    return section


def _outlier_picture(row: ManifestRow, column: str, image: Grey) -> PagePicture:
    label, value, name = printable(row["label"]), f"{row[column]:.1f}", printable(row["path"].rpartition("/")[2], 48)
    return page_picture(image, f"{label}, {value}: {printable(row['path'])}", (label, value, name))


def _spread_finding(kept: pd.DataFrame, column: str, classes: list[str]) -> str:
    values = kept[column]
    low, high = outlier_limits(values)
    below, above = int((values < low).sum()), int((values > high).sum())
    text = (
        f"Half of the images are between {values.quantile(0.25):.0f} and {values.quantile(0.75):.0f} "
        f"(median {values.median():.0f}); {count(below + above, 'outlier')} "
        f"({percent_of(below + above, len(kept), 2)}), {below:,} below {max(low, 0.0):.0f} and {above:,} above "
        f"{min(high, 255.0):.0f}: more than 1.5 interquartile ranges from the quartiles."
    )
    medians = kept.groupby("label")[column].median().reindex(classes)
    if len(medians) > 1:
        text += (
            f" By class the median ranges from {medians.min():.0f} ({printable(str(medians.idxmin()))}) to "
            f"{medians.max():.0f} ({printable(str(medians.idxmax()))})."
        )
    return text
