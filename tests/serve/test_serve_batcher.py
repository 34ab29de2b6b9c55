import asyncio

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferflow.serve.batcher import Batcher


class Double:
    """A network that answers with twice the first pixel, and remembers how many faces it got."""

    def __init__(self) -> None:
        self.runs: list[int] = []

    def __call__(self, faces: np.ndarray) -> np.ndarray:
        self.runs.append(len(faces))
        return faces[:, 0, :1].astype(np.float32) * 2


def faces(*values: int) -> np.ndarray:
    return np.stack([np.full((4, 4), value, np.uint8) for value in values])


@given(st.lists(st.lists(st.integers(0, 120), min_size=1, max_size=5), min_size=1, max_size=12), st.integers(1, 8))
@settings(max_examples=30, deadline=None)
def test_each_request_gets_its_own_rows(requests: list[list[int]], most: int) -> None:
    network = Double()

    async def ask() -> list[np.ndarray]:
        batcher = Batcher(network, most, 0.0)
        queue = asyncio.create_task(batcher.run())
        rows = await asyncio.gather(*(batcher.probabilities(faces(*values)) for values in requests))
        queue.cancel()
        return rows

    for values, rows in zip(requests, asyncio.run(ask()), strict=True):
        assert rows[:, 0].tolist() == [2 * value for value in values]
    assert sum(network.runs) == sum(map(len, requests))
    assert max(network.runs) <= max(most, *map(len, requests), 0)


def test_the_network_waits_for_a_picture_on_its_way_and_for_no_other() -> None:
    network = Double()

    async def ask() -> None:
        batcher = Batcher(network, 10, 60.0)
        queue = asyncio.create_task(batcher.run())
        await asyncio.wait_for(batcher.probabilities(faces(1)), 10)  # nobody else comes
        found = asyncio.Event()

        async def late() -> np.ndarray:
            with batcher.coming():
                await found.wait()
            return await batcher.probabilities(faces(3))

        tasks = [asyncio.create_task(late()), asyncio.create_task(batcher.probabilities(faces(2)))]
        await asyncio.sleep(0.2)
        assert not tasks[1].done()
        found.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 10)
        queue.cancel()

    asyncio.run(ask())
    assert network.runs == [1, 2]


def test_the_network_waits_no_longer_than_it_may() -> None:
    async def ask() -> None:
        batcher = Batcher(Double(), 10, 0.05)
        queue = asyncio.create_task(batcher.run())
        with batcher.coming():
            assert await asyncio.wait_for(batcher.probabilities(faces(2)), 10) == 4
        queue.cancel()

    asyncio.run(ask())


def test_requests_that_are_given_up_are_left_out() -> None:
    network = Double()

    async def ask() -> None:
        batcher = Batcher(network, 10, 60.0)
        queue = asyncio.create_task(batcher.run())
        with batcher.coming():
            gone = asyncio.create_task(batcher.probabilities(faces(1, 1)))
            stays = asyncio.create_task(batcher.probabilities(faces(2)))
            await asyncio.sleep(0.05)
            gone.cancel()
        assert await asyncio.wait_for(stays, 10) == 4
        queue.cancel()

    asyncio.run(ask())
    assert network.runs == [1]


def test_an_error_reaches_those_who_wait_and_no_later_ones() -> None:
    calls = []

    def network(crops: np.ndarray) -> np.ndarray:
        calls.append(len(crops))
        if len(calls) == 1:
            raise RuntimeError("once")
        return crops[:, 0, :1].astype(np.float32)

    async def ask() -> None:
        batcher = Batcher(network, 10, 0.0)
        queue = asyncio.create_task(batcher.run())
        with pytest.raises(RuntimeError, match="once"):
            await batcher.probabilities(faces(1))
        assert await batcher.probabilities(faces(5)) == 5
        queue.cancel()

    asyncio.run(ask())
