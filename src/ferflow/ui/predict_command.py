"""The command `ferflow predict`: emotions of the faces in photographs, videos and from a camera."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ferflow.ui.arguments import add_network, positive, share, side, whole

if TYPE_CHECKING:
    from ferflow.predict.every import Every
    from ferflow.predict.predict_run import Summary

FAILED = 3
"""Exit status if a file could not be read; the others are in the table."""

_MORE = """\
PATH is a picture, a video, a folder (with its subfolders), a pattern such as 'faces/*.jpg', a table (.csv, .tsv or
.parquet) with a column of paths, an address (http, https), or the number of a camera (stop it with Ctrl-C).

The table has one row a face: path, frame, time (seconds), face (in a video, the same number for the same face), box,
score of the detector, answer, the calibrated probability of each class, status (ok, no_face, failed) and reason.
If --out exists, finished pictures and videos in it are skipped, so that an interrupted run can be started again.

exit status: 0 all read, 1 the command cannot run, 2 invalid arguments, 3 some files could not be read

Nothing leaves this machine. An answer is a guess from one look at a face, not what a person feels. The EU's AI Act
(Regulation 2024/1689, Article 5(1)(f)) forbids inferring people's emotions at work and in education, except for medical
or safety reasons; elsewhere, people have to be told that it is done (Article 50(3))."""


def add_predict(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `ferflow predict`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _MORE
    parser.add_argument("paths", nargs="+", metavar="PATH", help="what to look at, see below")
    parser.add_argument("--out", type=Path, metavar="FILE", help="table to write: .csv, .jsonl or .parquet")
    parser.add_argument("--overwrite", action="store_true", help="start --out anew instead of continuing it")
    add_network(parser)
    parser.add_argument(
        "--faces",
        choices=("all", "largest", "whole"),
        default="all",
        help="all faces, the largest one, or the whole picture, which is a face cut out already (default: all)",
    )
    parser.add_argument("--column", default="path", help="column of paths in a table (default: path)")
    parser.add_argument(
        "--every", type=_every, metavar="N|SECONDS", help="each N-th frame of a video, or one each 0.5s (default: 1)"
    )
    parser.add_argument("--smooth", type=positive, metavar="SECONDS", help="average over time in videos")
    parser.add_argument("--draw", type=Path, metavar="DIR|FILE", help="write annotated pictures and videos")
    parser.add_argument(
        "--search-side",
        type=side,
        default=640,
        metavar="PIXELS",
        help="longer side of the picture that faces are searched in; more finds smaller faces (default: 640)",
    )
    parser.add_argument(
        "--min-score", type=share, default=0.7, help="score of the detector from which a face counts (default: 0.7)"
    )
    parser.add_argument("--threads", type=whole, help="threads for one picture (default: all cores)")
    parser.set_defaults(command=_predict)


def _predict(arguments: argparse.Namespace) -> None:
    from ferflow.predict.every import Every
    from ferflow.predict.items import find_items
    from ferflow.predict.predict_run import Options, predict
    from ferflow.predict.table_files import TerminalTable, open_table
    from ferflow.use.recognizer import Recognizer
    from ferflow.use.yunet import YuNet

    items = find_items(arguments.paths, arguments.column)
    detector = YuNet(side=arguments.search_side, min_score=arguments.min_score, threads=arguments.threads)
    recognizer = Recognizer(arguments.model, file=arguments.file, detector=detector, threads=arguments.threads)
    try:
        table = open_table(arguments.out, recognizer.card.classes, arguments.overwrite)
        options = Options(
            faces=arguments.faces,
            every=arguments.every or Every(),
            smooth=arguments.smooth,
            draw=arguments.draw,
            progress=not isinstance(table, TerminalTable),
        )
        try:
            summary = predict(items, recognizer, table, options)
        finally:
            table.close()
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    print(_told(summary, arguments.out), file=sys.stderr)
    if summary.failed:
        sys.exit(FAILED)


def _told(summary: "Summary", out: Path | None) -> str:
    """Return what a run did, in a line."""
    parts = [_count(summary.faces, "face"), f"{summary.without} without a face"]
    if summary.failed:
        parts.append(f"{summary.failed} failed, see the column reason")
    if summary.skipped:
        parts.append(f"{summary.skipped} skipped, because {out} has them")
    return f"{_count(summary.items, 'file')}: {', '.join(parts)}." + (f" Written to {out}." if out else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _every(text: str) -> "Every":
    from ferflow.predict.every import Every

    try:
        return Every.parse(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a number of frames such as 10, or seconds such as 0.5s. Received: {text!r}."
        ) from None
