"""The sections on the classes: how many images each has, and what its faces look like."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import colormaps

from ferflow.eda import charts
from ferflow.eda.choose import HELD_OUT
from ferflow.eda.page import ClassCard, Files, Picture, Section, Table, inline
from ferflow.eda.pictures import Levels, sheet
from ferflow.eda.survey import Face, Survey
from ferflow.eda.text import count, listed, share, shown, slugs


def balance(kept: pd.DataFrame, parts: list[str], classes: list[str], files: Files, most: int) -> Section:
    """Return the section on class balance.

    Args:
        kept: rows of the manifest, with `part`.
        parts: names of the parts, in order.
        classes: names of the classes, in order.
        files: takes `class_balance.png` and `classes.csv`.
        most: classes drawn; the largest are.
    """
    counts = pd.crosstab(kept["label"], kept["part"]).reindex(index=classes, columns=parts, fill_value=0)
    files.tables["classes"] = counts.assign(all=counts.sum(axis=1)).rename_axis("class").reset_index()
    section = Section("balance", "Class balance", _balance_findings(counts, kept))
    alt = "Bars: kept images of each class, a panel for each of " + listed([shown(p) for p in parts]) + "."
    section.blocks.append(files.chart("class_balance", charts.class_balance(counts.loc[_largest(counts, most)]), alt))
    rows = [
        (shown(str(name)), *(f"{value:,}" for value in row), f"{sum(row):,}", share(sum(row), len(kept)))
        for name, row in zip(counts.index, counts.to_numpy().tolist(), strict=True)
    ]
    header = ("class", *(shown(part) for part in parts), "all", "share")
    section.blocks.append(
        Table(
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
    most, least = str(totals.idxmax()), str(totals.idxmin())
    if len(counts) == 1:
        return [
            f"There is one class, {shown(most)}, with {count(int(totals.iloc[0]), 'image')}: nothing to tell apart."
        ]
    ratio = totals.max() / totals.min()
    findings = [
        f"The largest of {len(counts)} classes is {shown(most)} with {totals.max():,} of {len(kept):,} kept images "
        f"({share(totals.max(), len(kept))}), the smallest {shown(least)} with {totals.min():,} "
        f"({share(totals.min(), len(kept))}): {ratio:.1f} to one."
    ]
    held_out = kept.loc[kept["split"].isin(HELD_OUT), "part"].unique()
    right = [
        f"{share(counts[part].max(), counts[part].sum())} of {shown(part)} ({shown(str(counts[part].idxmax()))})"
        for part in counts.columns
        if part in held_out
    ]
    if right:
        findings.append(f"Always answering the most frequent class would be right in {listed(right)}.")
    shares = counts / counts.sum()
    if len(counts.columns) > 1:
        spread = shares.max(axis=1) - shares.min(axis=1)
        findings.append(
            f"From part to part a class's share differs by at most {100 * spread.max():.1f} points "
            f"({shown(str(spread.idxmax()))})."
        )
    return findings


def _largest(counts: pd.DataFrame, most: int) -> list[str]:
    chosen = set(counts.sum(axis=1).sort_values(ascending=False, kind="stable").index[:most])
    return [name for name in counts.index if name in chosen]


def faces(seen: Survey, samples: Mapping[str, list[str]], kept: int, files: Files) -> Section:
    """Return the section with samples, mean and variance face of each class.

    Args:
        seen: from the pass over the images.
        samples: paths of the images to show of each class, in order.
        kept: how many images are kept in all.
        files: takes `samples_<class>.png`, `mean_faces.png`, `variance_faces.png`, `difference_faces.png`.
    """
    section = Section("faces", "The faces of each class")
    means = {name: seen.classes[name].mean for name in samples}
    deviations = {name: np.sqrt(seen.classes[name].variance) for name in samples}
    # Each freed of its own brightness, which would hide what the faces do.
    everyone = seen.everything.mean - seen.everything.mean.mean()
    differences = {name: mean - mean.mean() - everyone for name, mean in means.items()}
    darkest, brightest = _range(means)
    lowest, highest = _range(deviations)
    furthest = max(float(np.abs(d).max()) for d in differences.values())
    images: dict[str, list[Levels]] = {"mean": [], "variance": [], "difference": []}
    for (name, paths), slug in zip(samples.items(), slugs(list(samples)), strict=True):
        images["mean"].append(_coloured((means[name] - darkest) / max(brightest - darkest, 1e-9), "gray"))
        images["variance"].append(_coloured((deviations[name] - lowest) / max(highest - lowest, 1e-9), "cividis"))
        images["difference"].append(_coloured(0.5 + differences[name] / max(2 * furthest, 1e-9), "RdBu_r"))
        section.blocks.append(
            ClassCard(
                shown(name),
                _class_finding(seen, name, deviations[name], differences[name], kept),
                _typical(shown(name), {kind: rows[-1] for kind, rows in images.items()}),
                files.picture(
                    f"samples_{slug}",
                    sheet([seen.greys[path] for path in paths], columns=5),
                    f"{count(len(paths), 'face')} labelled {shown(name)}",
                ),
            )
        )
    for kind, pictures in images.items():
        title = f"{kind.capitalize()} face of each class"
        files.figure(f"{kind}_faces", charts.picture_grid(pictures, list(samples), title))
    section.findings = _face_findings(means)
    if len(samples) < len(seen.classes):
        section.findings.append(f"Shown are the {len(samples)} largest of {len(seen.classes)} classes.")
    section.findings.append(
        f"How to read the small pictures: mean is the average face, its contrast raised. Variance goes from dark blue, "
        f"where the faces vary by {lowest:.0f} grey levels (standard deviation), to yellow, {highest:.0f}. Difference "
        f"shows where the mean face is brighter (red) or darker (blue) than that of all classes once both have the "
        f"same brightness, by up to {furthest:.0f} grey levels."
    )
    return section


def _range(images: Mapping[str, Face]) -> tuple[float, float]:
    return min(float(i.min()) for i in images.values()), max(float(i.max()) for i in images.values())


def _coloured(levels: Face, colours: str) -> Levels:
    """Return values from 0 to 1 as colours, uint8 (side, side, 3)."""
    coloured: Levels = colormaps[colours](levels, bytes=True)[:, :, :3]
    return coloured


def _typical(name: str, images: Mapping[str, Levels]) -> tuple[Picture, ...]:
    described = {
        "mean": ("mean", f"Mean of all faces labelled {name}"),
        "variance": ("variance", f"Where faces labelled {name} vary, pixel by pixel"),
        "difference": ("difference", f"Where the mean face of {name} differs from the mean of all faces"),
    }
    return tuple(inline(images[k], alt, (line,)) for k, (line, alt) in described.items())


def _class_finding(seen: Survey, name: str, deviation: Face, difference: Face, kept: int) -> str:
    moments = seen.classes[name]
    brightness = float(moments.mean.mean() - seen.everything.mean.mean())
    text = (
        f"{count(moments.images, 'image')}, {share(moments.images, kept)} of the kept. A pixel varies by "
        f"{deviation.mean():.0f} grey levels from face to face."
    )
    if len(seen.classes) > 1:
        furthest = f"{difference.flat[int(np.abs(difference).argmax())]:+.0f}".replace("-", "\u2212")
        side = "brighter" if brightness > 0 else "darker"
        text += (
            f" The mean face is {abs(brightness):.1f} grey levels {side} than that of all classes; beyond that it "
            f"differs most at the {_place(np.abs(difference))} ({furthest})."
        )
    return text


def _place(values: Face) -> str:
    """Return in words where the largest value stands."""
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    down = ("top", "middle", "bottom")[int(3 * row / values.shape[0])]
    across = ("left", "centre", "right")[int(3 * column / values.shape[1])]
    return "centre" if (down, across) == ("middle", "centre") else f"{down} {across}"


def _face_findings(means: Mapping[str, Face]) -> list[str]:
    names = list(means)
    pairs = [(_rms(means[a] - means[b]), a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    if not pairs:
        return []
    (near, *alike), (far, *apart) = min(pairs), max(pairs)
    if len(pairs) == 1:
        return [f"The mean faces of {shown(apart[0])} and {shown(apart[1])} are {far:.1f} grey levels apart."]
    return [
        f"The mean faces of {shown(alike[0])} and {shown(alike[1])} are most alike ({near:.1f} grey levels apart, root "
        f"mean square), those of {shown(apart[0])} and {shown(apart[1])} least ({far:.1f})."
    ]


def _rms(values: Face) -> float:
    return float(np.sqrt(np.mean(values**2)))
