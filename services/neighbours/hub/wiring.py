"""Puts a Hub together for one process, and its loops."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.kit.bus import Bus
from services.kit.clock import Clock
from services.kit.crypto import Keyring
from services.kit.loops import Loop, LoopRunner
from services.kit.outbox import Relay
from services.kit.settings import Settings
from services.kit.uow import UnitOfWork
from services.neighbours.hub import queries
from services.neighbours.hub.adapters import adapters_for
from services.neighbours.hub.contracts import Adapters
from services.neighbours.hub.engagement import simulate_once
from services.neighbours.hub.handlers import Intake
from services.neighbours.hub.sending import Sender
from services.neighbours.hub.service import Hub

IDLE, SLOW = 0.5, 10.0
WAITS = (1.0, 2.0, 5.0, 10.0, 30.0)
KEEP = timedelta(days=30)


def build(
    *,
    settings: Settings,
    clock: Clock,
    keyring: Keyring,
    bus: Bus,
    uow: UnitOfWork,
    relay: Relay,
    adapters: Adapters | None = None,
) -> Hub:
    """A Hub of role `cm_hub`; `adapters` only to replace the configured ones."""
    return Hub(settings, clock, keyring, bus, uow, relay, adapters or adapters_for(settings, uow))


@dataclass
class Loops:
    """The Hub's loops. Each wakes the next, so that a request is out within milliseconds; each
    survives its errors: logged, waited out, tried again."""

    hub: Hub
    name: str

    def __post_init__(self) -> None:
        self.stop = asyncio.Event()
        self.to_send, self.to_relay = asyncio.Event(), asyncio.Event()
        self.intake, self.sender = Intake(self.hub, self.name), Sender(self.hub)

    async def run(self) -> None:
        """Until `stop` is set; then every loop ends after the batch it is in."""
        await LoopRunner(self.name, self.stop, trouble=(Exception,), waits=WAITS).run(*self._loops())

    def _loops(self) -> Iterator[Loop]:
        yield Loop("intake", self._consume, first=self.intake.prepare)
        yield Loop("reclaim", self._reclaim, 2.0, first=self.intake.prepare)
        yield Loop("send", self._send, IDLE, self.to_send)
        yield Loop("relay", self._relay, IDLE, self.to_relay)
        yield Loop("recover", self._recover, SLOW)
        if self.hub.settings.simulates_engagement:
            yield Loop("simulate", self._simulate, 1.0)
        yield Loop("forget", self._forget, 3600.0)

    async def _each(self, once: Callable[[UUID], Awaitable[int]]) -> int:
        return sum([await once(practice_id) for practice_id in await self.hub.practices()])

    async def _consume(self) -> int:
        settled = await self.intake.run_once(block_ms=1_000)
        if settled:
            self.to_send.set()
            self.to_relay.set()
        return 1  # reading waits by itself

    async def _reclaim(self) -> int:
        return await self.intake.reclaim_once()

    async def _send(self) -> int:
        moved = await self._each(self.sender.run_once)
        if moved:
            self.to_relay.set()
        return moved

    async def _relay(self) -> int:
        return await self._each(self.hub.relay.run_once)

    async def _recover(self) -> int:
        return await self._each(self.sender.recover_once)

    async def _simulate(self) -> int:
        happened = await self._each(lambda practice_id: simulate_once(self.hub, practice_id))
        if happened:
            self.to_relay.set()
        return 0

    async def _forget(self) -> int:
        """What no repetition can need any more goes after a month (D26)."""
        for practice_id in await self.hub.practices():
            async with self.hub.unit(practice_id) as u:
                for sql in queries.FORGET:
                    await u.execute(sql, practice=practice_id, before=u.now - KEEP)
        return 0
