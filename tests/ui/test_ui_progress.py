"""Progress: a bar on a terminal, plain lines elsewhere, and never a lost item."""

import io
import os
import pty
import time
from collections.abc import Iterator
from itertools import islice

import pytest

from ferflow.ui.progress import progress


def slowly(count: int, pause: float) -> Iterator[int]:
    for number in range(count):
        time.sleep(pause)
        yield number


def test_plain_lines_off_a_terminal() -> None:
    stream = io.StringIO()
    seen = 0

    def status() -> str:
        return f"seen {seen}"

    for number in progress(slowly(6, 0.03), 6, "reading", every=0.05, status=status, stream=stream):
        seen = number + 1
    lines = stream.getvalue().splitlines()
    assert 1 <= len(lines) <= 5
    for line in lines:
        head, rate, remaining, figures = line.split(", ")
        done = int(head.removeprefix("reading: ").removesuffix("/6"))
        assert figures == f"seen {done}", "the status is the one after the item"
        assert rate.endswith(" images/s")
        assert remaining.endswith(" s left")
    assert "\r" not in stream.getvalue()


def test_short_work_prints_nothing_off_a_terminal() -> None:
    stream = io.StringIO()
    assert list(progress("abc", 3, "reading", stream=stream)) == ["a", "b", "c"]
    assert stream.getvalue() == ""


def test_a_line_tells_the_unit_and_no_status_without_one() -> None:
    stream = io.StringIO()
    list(progress(slowly(1, 0.01), 1, "working", unit="step", every=0.0, stream=stream))
    assert stream.getvalue().startswith("working: 1/1, ")
    assert stream.getvalue().endswith(" steps/s, 0 s left\n")


@pytest.mark.parametrize("every", [0.0, 60.0])
def test_what_is_left_over_is_not_taken(every: float) -> None:
    source = iter(range(10))
    assert list(islice(progress(source, 10, "reading", every=every, stream=io.StringIO()), 4)) == [0, 1, 2, 3]
    assert next(source) == 4


def test_nothing_to_do() -> None:
    assert list(progress([], 0, "reading", every=0.0, stream=io.StringIO())) == []


def test_a_bar_on_a_terminal() -> None:
    parent, child = pty.openpty()
    with os.fdopen(child, "w") as terminal:
        assert terminal.isatty()
        numbers = list(
            progress(slowly(8, 0.2), 8, "reading faces", unit="face", status=lambda: "loss 0.93", stream=terminal)
        )
        terminal.flush()
        shown = os.read(parent, 100_000).decode()
    os.close(parent)
    assert numbers == list(range(8))
    assert "reading faces: " in shown
    assert "/8 [" in shown
    assert "loss 0.93" in shown
    assert "face/s" in shown or "s/ face" in shown
    assert "\r" in shown
    assert "\n" not in shown.replace("\r\n", ""), "one line, drawn over and over"
