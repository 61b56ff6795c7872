"""The platform's loops: relay, the Hub's reports, ambient activity. Each works in small rounds."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from sqlalchemy import text

from services.kit.bus import STALE_MS, Bus
from services.kit.chance import seeded
from services.kit.clock import Clock
from services.kit.loops import Loop, LoopRunner
from services.kit.outbox import Relay
from services.kit.uow import UnitOfWork
from services.neighbours.platform.ambient import ambient_once
from services.neighbours.platform.consumer import HubReports

IDLE = 0.5  # seconds between looks at the outbox when nobody rang
LEFT_BEHIND = 2.0  # seconds between looks for what a dead reader left
WAITS = (0.5, 1.0, 2.0, 4.0)


@dataclass
class Loops:
    """Runs until `stop` is set. `name` tells this process's consumer apart from another's."""

    uow: UnitOfWork
    bus: Bus
    relay: Relay
    clock: Clock
    name: str
    ambient_per_minute: float = 0
    seed: int = 0
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Something was written to the outbox: do not wait for the next look."""
        self.woken.set()

    def end(self) -> None:
        """What is under way is finished, nothing new is begun."""
        self.stop.set()

    async def run(self) -> None:
        runner = LoopRunner(self.name, self.stop, waits=WAITS)
        await runner.run(*self._loops(runner))

    def _loops(self, runner: LoopRunner) -> Iterator[Loop]:
        reports = HubReports(self.uow, self.bus, self.clock, name=self.name)
        yield Loop("relay", self.relay_all, IDLE, self.woken)
        yield Loop("reports", partial(_read, reports), first=reports.prepare)
        left = partial(reports.run_once, stale_ms=STALE_MS)
        yield Loop("reports reclaim", left, LEFT_BEHIND, first=reports.prepare)
        if self.ambient_per_minute > 0:
            every = 60 / self.ambient_per_minute
            yield Loop("ambient", self._ambient_round, every, first=partial(runner.rest, every))

    async def practices(self) -> list[UUID]:
        async with self.uow.engine.connect() as connection:
            return list((await connection.execute(text("SELECT platform.practice_ids()"))).scalars())

    async def relay_all(self) -> int:
        """Publish everything that waits; returns how many events."""
        sent = 0
        for practice_id in await self.practices():
            while published := await self.relay.run_once(practice_id):
                sent += published
        return sent

    async def _ambient_round(self) -> int:
        chance = seeded("ambient", self.seed, self.clock.now().timestamp())
        for practice_id in await self.practices():
            await ambient_once(self.uow, practice_id, chance)
        self.wake()
        return 0  # the next can wait


async def _read(reports: HubReports) -> int:
    await reports.run_once(block_ms=500)
    return 1  # reading waits by itself
