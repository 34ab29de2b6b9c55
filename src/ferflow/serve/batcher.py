"""Run the network once for the faces of several requests."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from ferflow.serve.workers import Workers
from ferflow.use.crop import Grey

Probabilities = npt.NDArray[np.float32]
_Waiting = tuple[Grey, "asyncio.Future[Probabilities]"]


class Batcher:
    """A queue of faces in front of a network.

    The network runs as soon as enough faces wait, or no other picture is on its way to the queue, or the first face has
    waited long enough. While it runs, faces gather for the next time.
    """

    def __init__(
        self,
        predict: Callable[[Grey], Probabilities],
        most: int,
        wait: float,
        ran: Callable[[int], None] = lambda faces: None,
    ) -> None:
        """Make an empty queue.

        Args:
            predict: The network: faces, uint8, (N, crops, side, side), to probabilities, float32, (N, classes). It
                runs in a thread, one call at a time.
            most: Faces from which the network does not wait for more. More than these run at once only if one
                picture has them.
            wait: Seconds that a face waits at most for others.
            ran: What is told the number of faces of each run. Defaults to nothing.
        """
        self._predict, self._most, self._wait, self._ran = predict, most, wait, ran
        self._waiting: deque[_Waiting] = deque()
        self._coming = 0
        self._changed = asyncio.Event()
        self._thread = Workers(1, "network")

    @contextlib.contextmanager
    def coming(self) -> Iterator[None]:
        """Let the network wait for a picture whose faces are being searched inside of this context."""
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1
            self._changed.set()

    async def probabilities(self, faces: Grey) -> Probabilities:
        """Return the probabilities of some faces, (N, classes), once the network has run.

        Args:
            faces: Their crops, uint8, (N, crops, side, side), N at least 1.
        """
        future: asyncio.Future[Probabilities] = asyncio.get_running_loop().create_future()
        self._waiting.append((faces, future))
        self._changed.set()
        return await future

    async def run(self) -> None:
        """Serve the queue until cancelled."""
        while True:
            batch = await self._gather()
            if not batch:
                continue
            faces = np.concatenate([crops for crops, _ in batch])
            try:
                rows = await self._thread.run(self._predict, faces)
            except Exception as error:  # noqa: BLE001 - each request that waits for these faces raises it
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            self._ran(len(faces))
            start = 0
            for crops, future in batch:
                if not future.done():  # a request may have run out of time
                    future.set_result(rows[start : start + len(crops)])
                start += len(crops)

    def close(self) -> None:
        """Stop the network's thread."""
        self._thread.close()

    async def _gather(self) -> list[_Waiting]:
        """Return what the network runs next; empty if all who waited have gone."""
        while not self._waiting:
            await self._next_change()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._wait):
                while self._coming and sum(len(faces) for faces, _ in self._waiting) < self._most:
                    await self._next_change()
        batch: list[_Waiting] = []
        number = 0
        while self._waiting and (not batch or number + len(self._waiting[0][0]) <= self._most):
            faces, future = self._waiting.popleft()
            if not future.done():
                batch.append((faces, future))
                number += len(faces)
        return batch

    async def _next_change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
