"""The engine process: intake, engine rounds, relay, webhooks, and the ticks of the scheduler.

APScheduler only ticks (house rule 8): each tick runs a query over domain rows, one leader at a
time by advisory lock, so losing its memory loses nothing.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable

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
from services.webhooks.jobs import Deliverer, FanOut
from services.webhooks.sending import Sender

log = structlog.get_logger("engine")
IDLE = 0.25
"""Seconds between looks for due work when there was none."""


async def main() -> None:
    """Run until SIGTERM or SIGINT; what is under way is finished, nothing new is begun."""
    wired = app()
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    scheduler = AsyncIOScheduler(timezone="UTC")
    for tick in TICKS:
        scheduler.add_job(
            run_tick, "interval", seconds=tick.every, args=[wired, tick], max_instances=1, coalesce=True,
            id=tick.name,
        )  # fmt: skip
    scheduler.start()
    name = f"{socket.gethostname()}-{os.getpid()}"
    intake = Intake(wired.uow, wired.bus, name)
    engine = Engine(wired.uow)
    fan_out = FanOut(wired.uow, wired.bus, name)
    deliverer = Deliverer(wired.uow, wired.bus, Sender(private=wired.settings.webhooks_reach_private))
    async with qa.following(wired.bus, wired.clock, on=wired.settings.qa):
        await asyncio.gather(
            _forever("intake", stopping, lambda: intake.run_once(block_ms=500), first=intake.prepare),
            _forever("reclaim", stopping, intake.reclaim_once, idle=15.0),
            _forever("engine", stopping, lambda: _engine(wired, engine)),
            _forever("relay", stopping, lambda: _relay(wired), idle=0.05),
            _forever("webhooks", stopping, lambda: fan_out.run_once(block_ms=500), first=fan_out.prepare),
            _forever("webhooks reclaim", stopping, fan_out.reclaim_once, idle=15.0),
            _forever("deliveries", stopping, deliverer.start_due, idle=0.5),
        )
    await deliverer.close()
    scheduler.shutdown(wait=False)
    await wired.close()
    log.info("engine stopped")


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
            trouble = min(trouble + 1, 6)
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


async def _relay(wired: App) -> int:
    published = 0
    for practice_id in await practice_ids(wired.uow):
        published += await wired.relay.run_once(practice_id)
    return published


if __name__ == "__main__":
    asyncio.run(main())
