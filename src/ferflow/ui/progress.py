"""Progress of long work: a bar with rate and time left on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO, TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(
    items: Iterable[T],
    total: int,
    label: str,
    unit: str = "image",
    every: float = 10.0,
    status: Callable[[], str] | None = None,
    stream: TextIO | None = None,
) -> Iterator[T]:
    """Yield `items` and show how far it is.

    Args:
        items: what to go through.
        total: how many there are, so that the time left can be told.
        label: what is being done, such as "reading images".
        unit: what one item is, in the singular.
        every: seconds between two plain lines where the stream is not a terminal. Work that is over
            sooner prints nothing there.
        status: gives live figures to show behind the rest, such as "loss 0.93".
        stream: standard error unless given.
    """
    stream = stream or sys.stderr
    if stream.isatty():
        with tqdm(items, total=total, desc=label, unit=f" {unit}", file=stream, delay=1.0, leave=False) as bar:
            for item in bar:
                yield item
                if status:
                    bar.set_postfix_str(status(), refresh=False)
        return
    start = last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= every:
            last = now
            rate = done / (now - start)
            left = (total - done) / rate
            now_at = f", {status()}" if status else ""
            print(
                f"{label}: {done}/{total}, {rate:.3g} {unit}s/s, {left:.0f} s left{now_at}",
                file=stream,
                flush=True,
            )
