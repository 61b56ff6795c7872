"""Loops rest, wake, wait trouble out, and end when they are told to."""

import asyncio

import pytest

from services.kit.loops import Loop, LoopRunner
from services.kit.metrics import REGISTRY

pytestmark = pytest.mark.covers("OPS-2")
LONG = 3600.0


def runner(**more) -> LoopRunner:
    return LoopRunner("test", asyncio.Event(), waits=(0.0,), **more)


def troubles(loop: str) -> float:
    return REGISTRY.get_sample_value("cm_loop_troubles_total", {"loop": loop}) or 0.0


async def test_a_server_that_is_away_is_waited_for_and_counted():
    runs, seen, before = runner(), [], troubles("a server away")

    async def first() -> None:
        seen.append("first")
        if len(seen) == 1:
            raise ConnectionRefusedError

    async def once() -> int:
        seen.append("round")
        if seen.count("round") == 1:
            raise TimeoutError
        runs.stopping.set()
        return 1

    async with asyncio.timeout(10):
        await runs.run(Loop("a server away", once, LONG, first=first))
    assert seen == ["first", "first", "round", "round"]
    assert troubles("a server away") == before + 2


async def test_a_fault_ends_every_loop_unless_it_counts_as_trouble():
    async def wrong() -> int:
        raise KeyError("a bug")

    async def nothing() -> int:
        return 0

    with pytest.raises(ExceptionGroup) as ended:
        async with asyncio.timeout(10):
            await runner().run(Loop("wrong", wrong), Loop("idle", nothing, LONG))
    assert ended.group_contains(KeyError)

    patient, calls = runner(trouble=(Exception,)), []

    async def wrong_once() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise KeyError("a bug of one round")
        patient.stopping.set()
        return 1

    async with asyncio.timeout(10):
        await patient.run(Loop("wrong once", wrong_once))
    assert len(calls) == 2


async def test_a_call_or_the_end_cuts_a_rest_short():
    runs, called, rounds = runner(), asyncio.Event(), []

    async def once() -> int:
        rounds.append(len(rounds))
        if len(rounds) == 1:
            called.set()  # while the round is under way: looked at again at once
        else:
            runs.stopping.set()
        return 0

    async with asyncio.timeout(10):
        await runs.run(Loop("called", once, LONG, called), Loop("resting", _nothing, LONG))
    assert rounds == [0, 1]


async def test_nothing_is_begun_after_the_end():
    runs, rounds = runner(), []

    async def first() -> None:
        runs.stopping.set()

    async def once() -> int:
        rounds.append(1)
        return 0

    async with asyncio.timeout(10):
        await runs.run(Loop("ended before it began", once, LONG, first=first))
    assert rounds == []


async def _nothing() -> int:
    return 0
