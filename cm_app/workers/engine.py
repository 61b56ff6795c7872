"""The engine process: notices, intake, journeys (engine turns and the scheduler's ticks), relay and webhooks.

`cm up` starts each part by itself, as `cm worker notices|intake|journeys|relay` does; `cm worker
engine` is all of them. Webhooks go with the relay.
Each loop wakes the next, and a ping of any other process wakes them all, so that an event is a
request at the Hub within milliseconds; looking without being called is only a safety net.
APScheduler only ticks (house rule 8): each tick runs a query over domain rows, one leader at a
time by advisory lock, so losing its memory loses nothing.
"""

import asyncio
import os
import socket
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import partial

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from cm_app.workers.running import seen, until_told
from services.bootstrap import App, app
from services.engine.service import Engine
from services.engine.ticks import TICKS, run_tick
from services.intake.asking import Asking, hub_of
from services.intake.consumer import Intake
from services.intake.notices import Notices
from services.kit.live import follow, notify
from services.kit.loops import AWAY, Loop, LoopRunner
from services.kit.practices import practices_with
from services.kit.priority import step_back
from services.proofs.service import work_once
from services.webhooks.jobs import Deliverer, FanOut
from services.webhooks.sending import Sender

log = structlog.get_logger("engine")
IDLE = 0.25
"""Seconds between looks for work that nobody announced: what becomes due by time alone."""
BOARDS = 2
"""Readers of notices in one process: while one waits for the database, the other reads."""
PROOF = 0.1
"""Seconds after which a notice is acknowledged, at the latest, when all is well."""
LEFT_BEHIND = 2.0
"""Seconds between looks for what a crashed reader left unacknowledged."""
PARTS = ("notices", "intake", "journeys", "relay")


@dataclass
class Loops:
    """The engine's loops of one process. Set `stopping`, and each ends after the batch it is in."""

    wired: App
    name: str
    parts: Collection[str] = PARTS
    idle: float = IDLE
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    to_move: asyncio.Event = field(default_factory=asyncio.Event)
    to_relay: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.intake = Intake(self.wired.uow, self.wired.bus, self.name)
        self.notices = [Notices(self.wired.uow, self.wired.bus, f"{self.name}-{n}") for n in range(BOARDS)]
        hub = hub_of(self.wired.settings, self.wired.keyring)
        self.asking = Asking(self.wired.uow, hub) if hub else None
        self.engine = Engine(self.wired.uow, stopping=self.stopping.is_set)
        self.fan_out = FanOut(self.wired.uow, self.wired.bus, self.name)
        sender = Sender(private=self.wired.settings.webhooks_reach_private)
        self.deliverer = Deliverer(self.wired.uow, self.wired.bus, sender)

    async def run(self) -> None:
        """Until `stopping`; what is under way is finished, nothing new is begun."""
        listening = asyncio.create_task(self._listen())
        try:
            await LoopRunner(self.name, self.stopping).run(*self._loops())
            await self.intake.settle()
            for board in self.notices:
                await board.close()
        finally:
            if self.asking is not None:
                await self.asking.hub.client.aclose()
            await self.deliverer.close()
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    def _loops(self) -> Iterator[Loop]:
        if "notices" in self.parts:
            for board in self.notices:
                yield Loop("notices", partial(_put_up, board), first=board.prepare)
                yield Loop("notices proof", board.prove, PROOF)
            left = self.notices[0]
            yield Loop("notices reclaim", left.reclaim_once, LEFT_BEHIND, first=left.prepare)
        if "intake" in self.parts:
            yield Loop("intake", self._take_in, first=self.intake.prepare)
            yield Loop("reclaim", self.intake.reclaim_once, LEFT_BEHIND, first=self.intake.prepare)
        if "journeys" in self.parts:
            yield Loop("engine", self._move, self.idle, self.to_move)
            yield Loop("ask", self._ask, 5.0)
            yield Loop("proofs", self._proofs, 1.0)
        if "relay" in self.parts:
            yield Loop("relay", self._publish, self.idle, self.to_relay)
            yield Loop("webhooks", self._fan_out, first=self.fan_out.prepare)
            yield Loop("webhooks reclaim", self.fan_out.reclaim_once, 15.0, first=self.fan_out.prepare)
            yield Loop("deliveries", self.deliverer.start_due, 0.5)

    def wake(self) -> None:
        """Something changed somewhere: look for due work, and for what is to be published."""
        self.to_move.set()
        self.to_relay.set()

    async def _listen(self) -> None:
        while True:
            try:
                await follow(self.wired.bus, self.wake)
            except AWAY as error:
                log.warning("server away, will try again", part="wake", error=type(error).__name__)
                await asyncio.sleep(1.0)

    async def _take_in(self) -> int:
        taken = await self.intake.step(block_ms=500)
        if taken:
            self.wake()
        return 1  # reading waits by itself

    async def _fan_out(self) -> int:
        await self.fan_out.run_once(block_ms=500)
        return 1  # reading waits by itself

    async def _ask(self) -> int:
        if self.asking is not None:
            await self.asking.run_once()
        return 0  # what comes of age next can wait

    async def _proofs(self) -> int:
        """Proof runs that somebody asked for; each writes only where nobody else can see (ENG-6)."""
        uow, bus, worked = self.wired.uow, self.wired.bus, 0
        for one in await practices_with(uow.engine, "proofs", uow.clock.now()):
            told = partial(notify, bus, one.practice_id, "proofs")
            worked += await work_once(uow, one.practice_id, told=told)
        return worked

    async def _move(self) -> int:
        served = await self.engine.serve()
        if served:
            self.to_relay.set()
        for practice_id in served:
            await notify(self.wired.bus, practice_id, "campaigns")
        return len(served)

    async def _publish(self) -> int:
        uow = self.wired.uow
        waiting = await practices_with(uow.engine, "relay", uow.clock.now())
        return sum([await self.wired.relay.run_once(one.practice_id) for one in waiting])


async def _put_up(board: Notices) -> int:
    await board.step(block_ms=500)
    return 1  # reading waits by itself


async def main(parts: Collection[str] = PARTS) -> None:
    """Run until SIGTERM or SIGINT."""
    wired = app()
    if "notices" not in parts:
        step_back(wired.uow.engine)  # before the first connection
    loops = Loops(wired, f"{socket.gethostname()}-{os.getpid()}", parts=parts)
    until_told(loops.stopping)
    scheduler = AsyncIOScheduler(timezone="UTC")
    for tick in TICKS if "journeys" in parts else ():
        scheduler.add_job(
            run_tick, "interval", seconds=tick.every, args=[wired, tick], max_instances=1, coalesce=True,
            id=tick.name,
        )  # fmt: skip
    scheduler.start()
    name = "engine" if set(parts) == set(PARTS) else "-".join(sorted(parts))
    async with seen(wired, name):
        await loops.run()
    scheduler.shutdown(wait=False)
    await wired.close()
    log.info("engine stopped")


if __name__ == "__main__":
    asyncio.run(main())
