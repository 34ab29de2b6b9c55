"""The average of several networks, which is better than each and slower than all of them together."""

import pandas as pd

from ferflow.compare.ensembles import Member, Statistics, ensembles_table
from ferflow.reporting.set_names import set_label
from ferflow.reporting.text import count, listed, markdown_table, short_number
from ferflow.scoring.temperature import fit_temperature
from ferflow.ui.results.predictions import kept_splits
from ferflow.ui.results.records import ResultRecord, Run

_RESAMPLES, _SEED = 1000, 0


def ensemble_section(run: Run, images: pd.DataFrame) -> str:
    """Return the row of the best average beside that of its best member; empty if there are fewer than two networks.

    The networks are added in the order of their validation accuracy. How many is chosen by the validation accuracy of
    the average; the test sets decide nothing.

    Args:
        run: The run.
        images: Content of images.parquet.
    """
    records = {record.result: record for record in run.results if record.predictions is not None}
    if len(records) < 2:
        return ""
    members = [_member(run, record, images) for record in records.values()]
    table = ensembles_table(members, "accuracy", Statistics(_RESAMPLES, run.about.confidence, _SEED))
    chosen = table[table["chosen"]].to_dict("records")
    names = str(chosen[0]["members"]).split()
    best = records[names[0]]
    sets = [str(row["set"]) for row in chosen]
    alone = [f"{100 * float(best.board[f'{name}_accuracy']):.1f}" for name in sets]
    together = [
        f"{100 * row['accuracy']:.1f} ({100 * row['accuracy_low']:.1f} to {100 * row['accuracy_high']:.1f})"
        for row in chosen
    ]
    macs = sum(float(records[name].board["macs"]) for name in names)
    rows = [
        [f"{best.result} alone", *alone, short_number(float(best.board["macs"]))],
        [f"average of {count(len(names), 'network')}", *together, short_number(macs)],
    ]
    shown = markdown_table(["", *(f"{set_label(name)}, %" for name in sets), "MACs"], rows)
    return (
        f"### The average of our own networks\n\n{shown}\n\nMean of the calibrated probabilities of "
        f"{listed([f'`{name}`' for name in names])}: as many of the best on validation as give the best validation "
        "accuracy together."
    )


def _member(run: Run, record: ResultRecord, images: pd.DataFrame) -> Member:
    splits = kept_splits(run, record, images)
    validation = splits["validation"]
    return Member(record.result, splits, fit_temperature(validation.labels, validation.probabilities))
