"""Progress of long work: a bar with rate and remaining time on a terminal, plain lines elsewhere."""

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
    """Yield `items`, and show how many of them are done.

    Args:
        items: Items to yield, in their order.
        total: Number of items, from which the remaining time is estimated.
        label: Present participle of the work, such as "reading images".
        unit: Singular noun for one item. Defaults to "image".
        every: Seconds between two lines where `stream` is not a terminal; work that takes less prints nothing there.
            Defaults to 10 seconds.
        status: Function that returns live figures to show at the end, such as "loss 0.93". Defaults to none.
        stream: Where to show the progress. Defaults to standard error.

    >>> list(progress("abc", 3, "reading letters", unit="letter"))
    ['a', 'b', 'c']
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
            remaining = (total - done) / rate
            figures = f", {status()}" if status else ""
            print(
                f"{label}: {done}/{total}, {rate:.3g} {unit}s/s, {remaining:.0f} s left{figures}",
                file=stream,
                flush=True,
            )
