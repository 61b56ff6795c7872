"""The platform's loops: relay, the Hub's reports, ambient activity. Each works in small rounds."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from services.kit.bus import STALE_MS, Bus
from services.kit.chance import seeded
from services.kit.clock import Clock
from services.kit.outbox import Relay
from services.kit.telemetry import logger
from services.kit.uow import UnitOfWork
from services.neighbours.platform.ambient import ambient_once
from services.neighbours.platform.consumer import HubReports

log = logger("platform")
IDLE = 0.5  # seconds between looks at the outbox when nobody rang
LEFT_BEHIND = 2.0  # seconds between looks for what a dead reader left
AWAY = (OperationalError, RedisConnectionError, RedisTimeoutError)
LONGEST_WAIT = 4.0


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
        self.stop.set()
        self.woken.set()

    async def run(self) -> None:
        reports = HubReports(self.uow, self.bus, self.clock, name=self.name)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._steadily("relay", self._relay_round))
            group.create_task(self._steadily("reports", _reading(reports)))
            if self.ambient_per_minute > 0:
                group.create_task(self._steadily("ambient", self._ambient_round))

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

    async def _relay_round(self) -> None:
        self.woken.clear()
        await self.relay_all()
        await _first_of(self.woken, IDLE)

    async def _ambient_round(self) -> None:
        if await _first_of(self.stop, 60 / self.ambient_per_minute):
            return
        chance = seeded("ambient", self.seed, self.clock.now().timestamp())
        for practice_id in await self.practices():
            await ambient_once(self.uow, practice_id, chance)
        self.wake()

    async def _steadily(self, part: str, work: Callable[[], Awaitable[None]]) -> None:
        """Repeat `work`. A server that is away is waited for, longer each time; anything else that
        goes wrong ends the process, which its supervisor starts again."""
        wait = IDLE
        while not self.stop.is_set():
            try:
                await work()
                wait = IDLE
            except AWAY as error:
                log.warning("a server is away, will try again", part=part, error=type(error).__name__)
                await _first_of(self.stop, wait)
                wait = min(2 * wait, LONGEST_WAIT)


def _reading(reports: HubReports) -> Callable[[], Awaitable[None]]:
    loop = asyncio.get_running_loop()
    due: list[float] = []

    async def round_() -> None:
        if not due:
            await reports.prepare()
            due.append(loop.time())
        if loop.time() >= due[0]:
            await reports.run_once(stale_ms=STALE_MS)
            due[0] = loop.time() + LEFT_BEHIND
        await reports.run_once(block_ms=500)

    return round_


async def _first_of(event: asyncio.Event, seconds: float) -> bool:
    """Wait for the event at most that long; says whether it came."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
