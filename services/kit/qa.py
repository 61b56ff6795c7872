"""QA mode: one clock offset that every process of the product shares.

It lives in the bus's server under `cm:qa:offset` (whole seconds). Each process runs inside
`following`, which does nothing unless QA mode is on.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from redis.exceptions import RedisError

from services.kit.bus import Bus
from services.kit.clock import Clock, SystemClock
from services.kit.crypto import Keyring

OFFSET = "cm:qa:offset"


async def offset(bus: Bus) -> timedelta:
    """How far the shared clock is ahead of the machine's."""
    return timedelta(seconds=int(await bus.redis.get(OFFSET) or 0))


async def move_forward(bus: Bus, seconds: int) -> timedelta:
    """Add to the offset and return it. Raises ValueError for a step back: time runs forward only."""
    if seconds < 0:
        raise ValueError("Time moves forward only.")
    return timedelta(seconds=int(await bus.redis.incrby(OFFSET, seconds)))


async def apply_offset(bus: Bus, clock: Clock) -> None:
    """Bring this process's clock to the shared offset. A virtual clock has its own time."""
    if isinstance(clock, SystemClock):
        clock.set_offset(await offset(bus))


def key(keyring: Keyring) -> str:
    """What a tester's tool sends as `Authorization: Bearer …` to the QA routes."""
    return "cmqa_" + keyring.sign("qa", b"key")[:40]


@asynccontextmanager
async def following(bus: Bus, clock: Clock, *, on: bool, every: float = 0.25) -> AsyncIterator[None]:
    """Keep `clock` at the shared offset while inside, looking every `every` seconds.

    Does nothing unless `on` (`settings.qa`): wrap a process's main loop in it.
    """
    if not on:
        yield
        return
    await apply_offset(bus, clock)
    task = asyncio.create_task(_follow(bus, clock, every))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _follow(bus: Bus, clock: Clock, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        with suppress(RedisError):  # away for a moment: the clock stays as it is, and we look again
            await apply_offset(bus, clock)
