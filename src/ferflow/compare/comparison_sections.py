"""The sections of the page that look at classes, trainings, pairs of networks and averages of networks."""

from typing import Any

import numpy as np
import pandas as pd

from ferflow.compare.agreement import shared_answers
from ferflow.compare.comparison import Comparison, per_class_table, records
from ferflow.compare.leaderboard import METRIC_LABELS, p_text
from ferflow.reporting.comparison_curves import ensemble_curve, validation_curves
from ferflow.reporting.comparison_maps import class_map, pair_map
from ferflow.reporting.page import PageSection, PageTable, ReportFiles
from ferflow.reporting.set_names import set_label, whole_sets
from ferflow.reporting.text import DASH, count, listed, percent, percent_of, points

FOLDED = 10  # rows above which a table of pairs is collapsed at first


def classes_section(comparison: Comparison, files: ReportFiles) -> PageSection:
    """Return the section on F1 by class, and add `per_class.png`."""
    last = whole_sets(comparison.champion.sets)[-1]
    table = per_class_table(comparison.ranked)
    part = table[table["set"] == last]
    classes = list(dict.fromkeys(part["class"]))
    names = [result.name for result in comparison.ranked]
    scores = part.pivot(index="model", columns="class", values="f1").loc[names, classes]
    support = part.drop_duplicates("class").set_index("class")["support"]
    present = [name for name in classes if support[name]]
    means = scores[present].mean()
    best, worst = str(means.idxmax()), str(means.idxmin())
    findings = [
        f"F1 of each class on {set_label(last)}: on average, {best} is recognised best ({percent(means[best])}) and "
        f"{worst} worst ({percent(means[worst])})."
    ]
    spread = scores[present].max() - scores[present].min()
    if len(names) > 1:
        widest = str(spread.idxmax())
        findings.append(
            f"The networks differ most on {widest}: from {percent(scores[widest].min())} ({scores[widest].idxmin()}) "
            f"to {percent(scores[widest].max())} ({scores[widest].idxmax()})."
        )
    if absent := [name for name in classes if not support[name]]:
        findings.append(f"{set_label(last)} has no images of {listed(absent)}, whose F1 is 0.")
    chart = files.add_chart("per_class", class_map(scores, support), "Map: F1 of each class for each model.")
    rows = [
        (str(name), *(f"{100 * value:.1f}" for value in row))
        for name, row in zip(names, scores.to_numpy(), strict=True)
    ]
    folded = PageTable(
        f"F1 of each class on {set_label(last)}, %",
        ("model", *classes),
        rows,
        frozenset(range(1, len(classes) + 1)),
        True,
    )
    return PageSection("classes", "Classes", findings, [chart, folded], wide=True)


def curves_section(comparison: Comparison, files: ReportFiles) -> PageSection:
    """Return the section on the learning curves, and add `validation_curves.png`."""
    histories = {result.name: result.history for result in comparison.ranked}
    best = {result.name: result.summary.best_epoch for result in comparison.ranked}
    reasons = {"patience": "patience ran out", "epochs": "all epochs were trained", "max_minutes": "the time was up"}
    stopped: dict[str, list[str]] = {}
    for result in comparison.ranked:
        stopped.setdefault(reasons[result.summary.stopped], []).append(result.name)
    ends = "; ".join(f"{reason} for {listed(names, limit=6)}" for reason, names in stopped.items())
    epochs = {result.summary.epochs_run for result in comparison.ranked}
    taken = count(max(epochs), "epoch") if len(epochs) == 1 else f"{min(epochs):,} to {max(epochs):,} epochs"
    taken = f"The trainings took {taken}" if len(comparison.ranked) > 1 else f"The training took {taken}"
    findings = [
        "Validation accuracy over the epochs of each training; the point marks the epoch whose weights are kept.",
        f"{taken}: {ends}.",
    ]
    chart = files.add_chart(
        "validation_curves", validation_curves(histories, best), "Curves: validation accuracy over the epochs."
    )
    return PageSection("curves", "Learning curves", findings, [chart])


def pairs_section(comparison: Comparison, files: ReportFiles) -> PageSection:
    """Return the section on the paired tests, and add `pairs.png`."""
    table, names = comparison.significance, [result.name for result in comparison.ranked]
    ahead = pd.DataFrame(np.nan, index=names, columns=names)
    bold = np.zeros(ahead.shape, bool)
    for row in records(table):
        here = names.index(row["better"]), names.index(row["worse"])
        ahead.iloc[here], ahead.iloc[here[::-1]] = 100 * row["difference"], -100 * row["difference"]
        bold[here] = bold[here[::-1]] = row["p_holm"] < comparison.level
    metric = METRIC_LABELS[comparison.champion.metric]
    significant = int((table["p_holm"] < comparison.level).sum())
    test = "the exact McNemar test" if table["test"].iloc[0] == "mcnemar" else "a paired bootstrap"
    findings = [
        f"{significant} of {count(len(table), 'difference')} in validation {metric} are statistically significant "
        f"(p < {comparison.level:g} by {test}, corrected after Holm). All networks answered the same images, so the "
        "tests are paired.",
    ]
    chart = files.add_chart(
        "pairs",
        pair_map(ahead, bold, unit=f"row minus column, points of {metric}\nbold: significant", diverging=True),
        f"Map: difference in validation {metric} of each pair of models.",
    )
    rows = [
        (
            f"{row['better']} and {row['worse']}",
            f"{points(row['difference'])} ({points(row['difference_low'])} to {points(row['difference_high'])})",
            f"{row['only_better_right']:,}",
            f"{row['only_worse_right']:,}",
            p_text(row["p_value"]).removeprefix("p ").removeprefix("= "),
            p_text(row["p_holm"]).removeprefix("p ").removeprefix("= "),
        )
        for row in records(table)
    ]
    pairs = PageTable(
        "Each pair, the better one first: the difference in points with its interval, how many images only the one and "
        "only the other gets right, and p before and after the correction",
        ("pair", "difference", "only first right", "only second right", "p", "p (Holm)"),
        rows,
        frozenset(range(1, 6)),
        folded=len(rows) > FOLDED,
    )
    return PageSection("pairs", "Paired tests", findings, [chart, pairs], wide=True)


def agreement_section(comparison: Comparison, files: ReportFiles) -> PageSection:
    """Return the section on agreement between the networks on the test images, and add `agreement.png`."""
    names = [result.name for result in comparison.ranked]
    table = comparison.agreement[comparison.agreement["set"] == "test"]
    same = pd.DataFrame(np.nan, index=names, columns=names)
    for row in records(table):
        same.loc[row["first"], row["second"]] = row["same_answer"]
        same.loc[row["second"], row["first"]] = row["error_overlap"]
    right, wrong, images = shared_answers(comparison.ranked, "test")
    closest = max(records(table), key=lambda row: float(row["same_answer"]))
    kappa = "" if pd.isna(closest["kappa"]) else f" (kappa {closest['kappa']:.2f})"
    findings = [
        f"All {len(names)} networks are right on {percent_of(right, images)} of {images:,} test images and all are "
        f"wrong on {percent_of(wrong, images)}; on the rest, at least one of them is right and one is wrong.",
        f"{closest['first']} and {closest['second']} agree most: the same answer on "
        f"{percent(closest['same_answer'])} of the images{kappa}. Networks that make different mistakes gain more by "
        "being averaged.",
    ]
    chart = files.add_chart(
        "agreement",
        pair_map(
            same,
            np.zeros(same.shape, bool),
            unit="above the diagonal: same answer, %\nbelow: shared mistakes, % of all mistakes",
        ),
        "Map: share of equal answers, and of shared mistakes, of each pair of models.",
    )
    rows = [
        (
            f"{row['first']} and {row['second']}",
            f"{100 * row['same_answer']:.1f}",
            DASH if pd.isna(row["kappa"]) else f"{row['kappa']:.3f}",
            *(f"{row[key]:,}" for key in ("both_right", "only_first_right", "only_second_right", "both_wrong")),
            DASH if pd.isna(row["error_overlap"]) else f"{100 * row['error_overlap']:.1f}",
        )
        for row in records(table)
    ]
    header = (
        "pair",
        "same answer, %",
        "kappa",
        "both right",
        "only first",
        "only second",
        "both wrong",
        "shared mistakes, %",
    )
    pairs = PageTable(
        f"Agreement of each pair on {images:,} test images; agreement.csv has the validation images as well",
        header,
        rows,
        frozenset(range(1, len(header))),
        folded=len(rows) > FOLDED,
    )
    return PageSection("agreement", "Agreement", findings, [chart, pairs], wide=True)


def ensemble_section(comparison: Comparison, files: ReportFiles) -> PageSection:
    """Return the section on averages of the best networks, and add `ensembles.png`."""
    table, champion = comparison.ensembles, comparison.champion
    sets = whole_sets(champion.sets)
    last = comparison.ensemble[sets[-1]]
    size = int(last["size"])
    gain = 100 * float(last["difference"])
    direction = "above" if gain > 0 else "below"
    distance = f"{abs(gain):.1f} points {direction}" if f"{abs(gain):.1f}" != "0.0" else "level with"
    findings = [
        f"Averaging the probabilities of the best {size} networks is best on validation. On {set_label(sets[-1])} it "
        f"reaches {percent(float(last['accuracy']))}, {distance} {champion.model} alone "
        f"({points(float(last['difference_low']))} to {points(float(last['difference_high']))} points; "
        f"{p_text(float(last['p_mcnemar']))}).",
        f"It costs {size} answers for each image. The number of networks is chosen on validation alone, and the "
        "average is not registered.",
    ]
    alone = {name: champion.sets[name].accuracy for name in sets}
    chart = files.add_chart(
        "ensembles",
        ensemble_curve(table[table["set"].isin(sets)], alone, size),
        "Curves: accuracy of the average of the best models over their number.",
    )
    rows, marked = [], set[int]()
    for number, members in enumerate(sorted({int(row["size"]) for row in records(table)})):
        blocks = {row["set"]: row for row in records(table) if row["size"] == members}
        if blocks[sets[-1]]["chosen"]:
            marked.add(number)
        rows.append(
            (
                f"{members}",
                *(_accuracy(blocks[name]) for name in sets),
                f"{100 * blocks[sets[-1]]['macro_f1']:.1f}",
                f"{blocks[sets[-1]]['log_loss']:.3f}",
                f"{points(blocks[sets[-1]]['difference'])}",
                p_text(float(blocks[sets[-1]]["p_mcnemar"])).removeprefix("p ").removeprefix("= "),
            )
        )
    header = ("models", *(f"{set_label(name)}, %" for name in sets), "macro F1, %", "log loss", "points", "p")
    sizes = PageTable(
        "Average of the best models; the shaded row is best on validation. Macro F1, log loss, and points and p of "
        f"the accuracy against {champion.model} alone (McNemar) are those on {set_label(sets[-1])}",
        header,
        rows,
        frozenset(range(len(header))),
        marked=frozenset(marked),
    )
    return PageSection("ensemble", "Ensembles", findings, [chart, sizes], wide=True)


def _accuracy(row: dict[str, Any]) -> str:
    return f"{100 * row['accuracy']:.1f} ({100 * row['accuracy_low']:.1f} to {100 * row['accuracy_high']:.1f})"
