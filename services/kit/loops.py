"""Loops of a worker: one round after another, until the process is told to stop.

A loop rests when a round found nothing to do, and wakes when it is called or the rest is over. A
round that meets trouble is tried again after a wait that grows; the waits of two processes differ a
little, so that they do not all come back to a server at the same moment. Any other error ends the
worker, and its supervisor starts it again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from redis.exceptions import RedisError
from sqlalchemy.exc import InterfaceError, OperationalError

from services.kit.chance import Chance, seeded
from services.kit.metrics import LOOP_TROUBLES
from services.kit.telemetry import logger

log = logger("loops")
AWAY: tuple[type[Exception], ...] = (OperationalError, InterfaceError, RedisError, OSError)
"""A server cannot be reached, or two transactions met: nothing is wrong with the work itself. A
`TimeoutError` is an `OSError`."""
WAITS = (1.0, 2.0, 4.0)
"""Seconds to wait after the first failure in a row, the second, and every further one."""
SPREAD = 0.1
"""How far a rest may be from what was asked, as a share of it."""


@dataclass(frozen=True, eq=False)
class Loop:
    """One kind of work of a worker.

    `once` does a round and says how much it moved. After a round that moved nothing the loop rests
    `idle` seconds, or until `wake` is set. `first` must succeed before the first round.
    """

    name: str
    once: Callable[[], Awaitable[int]]
    idle: float = 0.0
    wake: asyncio.Event | None = None
    first: Callable[[], Awaitable[object]] | None = None


@dataclass
class LoopRunner:
    """Runs loops until `stopping` is set. `process` names whose they are, in the log.

    `trouble` is what a round may raise and be tried again, `waits` the seconds between tries.
    """

    process: str
    stopping: asyncio.Event
    trouble: tuple[type[Exception], ...] = AWAY
    waits: tuple[float, ...] = WAITS
    _chance: Chance = field(init=False)

    def __post_init__(self) -> None:
        self._chance = seeded("rest", self.process)

    async def run(self, *loops: Loop) -> None:
        """Every loop at once; each ends after the round it is in. Raises an ExceptionGroup with what
        is no trouble but a fault; the other loops are ended then."""
        async with asyncio.TaskGroup() as group:
            for loop in loops:
                group.create_task(self._repeat(loop))

    async def rest(self, seconds: float, wake: asyncio.Event | None = None) -> None:
        """Until called, until the time is up, or until the end."""
        waits = [asyncio.create_task(e.wait()) for e in (self.stopping, wake) if e is not None]
        lasts = seconds * self._chance.uniform(1 - SPREAD, 1 + SPREAD)
        try:
            await asyncio.wait(waits, timeout=lasts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()

    async def _repeat(self, loop: Loop) -> None:
        first, failures = loop.first, 0
        while not self.stopping.is_set():
            if loop.wake is not None:
                loop.wake.clear()  # before looking: what is announced meanwhile is looked at again
            try:
                if first is not None:
                    await first()
                    first = None
                    continue  # the end may have come meanwhile
                moved = await loop.once()
            except self.trouble as error:
                await self._wait_out(loop, error, failures)
                failures += 1
                continue
            failures = 0
            if not moved:
                await self.rest(loop.idle, loop.wake)

    async def _wait_out(self, loop: Loop, error: Exception, failures: int) -> None:
        wait = self.waits[min(failures, len(self.waits) - 1)]
        LOOP_TROUBLES.labels(loop.name).inc()
        told = {"process": self.process, "loop": loop.name, "wait_s": wait, "error": type(error).__name__}
        if isinstance(error, AWAY):
            log.warning("server away, will try again", **told)
        else:
            log.error("round failed, will try again", **told, exc_info=error)
        await self.rest(wait)
