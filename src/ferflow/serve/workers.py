"""Threads for work that takes the processor, so that the service goes on listening meanwhile."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


class Workers:
    """A number of threads.

    Work waits in the event loop, not in the threads' own queue, so that a request that has run out of time takes its
    picture with it. Work that has begun cannot be stopped: its thread counts as busy until it ends.
    """

    def __init__(self, threads: int, name: str) -> None:
        """Prepare the threads; they start with the first work.

        Args:
            threads: Number of threads.
            name: Name that they have in a debugger.
        """
        self._pool = ThreadPoolExecutor(threads, name)
        self._free = asyncio.Semaphore(threads)

    async def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Return what a function returns, once a thread is free to run it."""
        await self._free.acquire()
        loop = asyncio.get_running_loop()

        def ended(_: "Future[Result]") -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._free.release)

        future = self._pool.submit(function, *arguments)
        future.add_done_callback(ended)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Take no more work; what runs may end."""
        self._pool.shutdown(wait=False, cancel_futures=True)
