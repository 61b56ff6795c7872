"""The engine process: intake, journeys (engine rounds and the scheduler's ticks), relay and webhooks.

All in one process is what `cm up` starts; `cm worker intake|journeys|relay` runs one alone, and
webhooks go with the relay.

APScheduler only ticks (house rule 8): each tick runs a query over domain rows, one leader at a
time by advisory lock, so losing its memory loses nothing.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Collection

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError

from services.bootstrap import App, app
from services.engine.service import Engine
from services.engine.ticks import TICKS, run_tick
from services.intake.consumer import Intake, practice_ids
from services.kit import qa
from services.kit.live import notify
from services.proofs.service import work_once
from services.webhooks.jobs import Deliverer, FanOut
from services.webhooks.sending import Sender

log = structlog.get_logger("engine")
IDLE = 0.25
"""Seconds between looks for due work when there was none."""
PARTS = ("intake", "journeys", "relay")


async def main(parts: Collection[str] = PARTS) -> None:
    """Run until SIGTERM or SIGINT; what is under way is finished, nothing new is begun."""
    wired = app()
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    scheduler = _scheduler(wired, parts)
    deliverer = Deliverer(wired.uow, wired.bus, Sender(private=wired.settings.webhooks_reach_private))
    async with qa.following(wired.bus, wired.clock, on=wired.settings.qa):
        await asyncio.gather(*_loops(wired, stopping, parts, deliverer))
    await deliverer.close()
    scheduler.shutdown(wait=False)
    await wired.close()
    log.info("engine stopped")


def _scheduler(wired: App, parts: Collection[str]) -> AsyncIOScheduler:
    scheduler = AsyncIOScheduler(timezone="UTC")
    for tick in TICKS if "journeys" in parts else ():
        scheduler.add_job(
            run_tick, "interval", seconds=tick.every, args=[wired, tick], max_instances=1, coalesce=True,
            id=tick.name,
        )  # fmt: skip
    scheduler.start()
    return scheduler


def _loops(
    wired: App, stopping: asyncio.Event, parts: Collection[str], deliverer: Deliverer
) -> list[Awaitable[None]]:
    loops: list[Awaitable[None]] = []
    if "intake" in parts:
        intake = Intake(wired.uow, wired.bus, f"{socket.gethostname()}-{os.getpid()}")
        loops += [
            _forever("intake", stopping, lambda: intake.run_once(block_ms=500), first=intake.prepare),
            _forever("reclaim", stopping, intake.reclaim_once, idle=2.0, first=intake.prepare),
        ]
    if "journeys" in parts:
        engine = Engine(wired.uow)
        loops.append(_forever("engine", stopping, lambda: _engine(wired, engine)))
        loops.append(_forever("proofs", stopping, lambda: _proofs(wired), idle=1.0))
    if "relay" in parts:
        fan_out = FanOut(wired.uow, wired.bus, f"{socket.gethostname()}-{os.getpid()}")
        loops += [
            _forever("relay", stopping, lambda: _relay(wired), idle=0.05),
            _forever("webhooks", stopping, lambda: fan_out.run_once(block_ms=500), first=fan_out.prepare),
            _forever("webhooks reclaim", stopping, fan_out.reclaim_once, idle=15.0, first=fan_out.prepare),
            _forever("deliveries", stopping, deliverer.start_due, idle=0.5),
        ]
    return loops


async def _forever(
    name: str,
    stopping: asyncio.Event,
    once: Callable[[], Awaitable[int]],
    *,
    idle: float = IDLE,
    first: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Do `once` again and again; rest when it did nothing, back off when a server is away."""
    trouble = 0
    while not stopping.is_set():
        try:
            if first is not None:
                await first()
                first = None
            worked = await once()
            trouble = 0
        except (OperationalError, RedisError, OSError) as error:
            trouble = min(trouble + 1, 3)
            log.warning("server away, will try again", part=name, error=type(error).__name__)
            worked = 0
        if not worked:
            await _rest(stopping, idle if not trouble else 0.5 * 2**trouble)


async def _rest(stopping: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return


async def _engine(wired: App, engine: Engine) -> int:
    """One slice for every practice in turn (ENG-3)."""
    worked = 0
    for practice_id in await practice_ids(wired.uow):
        done = await engine.run_once(practice_id)
        if done:
            worked += 1
            await notify(wired.bus, practice_id, "campaigns")
    return worked


async def _proofs(wired: App) -> int:
    """Proof runs that somebody asked for; each writes only where nobody else can see (ENG-6)."""
    worked = 0
    for practice_id in await practice_ids(wired.uow):
        if await work_once(wired.uow, practice_id, told=lambda p=practice_id: notify(wired.bus, p, "proofs")):
            worked += 1
    return worked


async def _relay(wired: App) -> int:
    published = 0
    for practice_id in await practice_ids(wired.uow):
        published += await wired.relay.run_once(practice_id)
    return published


if __name__ == "__main__":
    asyncio.run(main())
