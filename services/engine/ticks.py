"""Timed work: what the scheduler's ticks do. Each is a query over domain rows (house rule 8)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.access.service import keep_holidays
from services.audience.service import measure
from services.audit.service import seal_once
from services.campaigns.service import activate_due, mind_approvals
from services.engine.executions import recount
from services.engine.offers import offer_again
from services.engine.recurring import start_recurring
from services.followups.jobs import drain_due
from services.insights.publishing import publish_metrics
from services.intake.consumer import practice_ids
from services.intake.status import roll_up
from services.invariants.service import watch
from services.kit.actor import system
from services.kit.answers import forget_old as forget_old_answers
from services.kit.bus import Bus
from services.kit.live import notify
from services.kit.practices import Work, practices_with
from services.kit.settings import Settings
from services.kit.uow import Unit, UnitOfWork
from services.privacy import retention, unconfirmed
from services.suppression.service import expire, tell_care_plans
from services.webhooks.jobs import forget_old

log = structlog.get_logger("ticks")


class Wired(Protocol):
    """The part of the composition root a tick needs."""

    @property
    def settings(self) -> Settings: ...
    @property
    def uow(self) -> UnitOfWork: ...
    @property
    def bus(self) -> Bus: ...


@dataclass(frozen=True, slots=True)
class Tick:
    name: str
    every: float
    do: Callable[[Unit], Awaitable[int]]
    work: Work | None = None
    """Only practices where this waits; None: every practice."""


@dataclass(frozen=True, slots=True)
class Whole:
    """Timed work of the whole installation at once: what practices share."""

    name: str
    every: float
    do: Callable[["Wired"], Awaitable[int]]


async def ensure_partitions(u: Unit) -> int:
    """Next months' partitions of the big tables, well before they are needed."""
    await u.execute("SELECT cm.ensure_partitions(:day, 3)", day=(u.now - timedelta(days=1)).date())
    return 0


MEASURED = """
SELECT s.segment_id FROM cm.segment s WHERE s.practice_id = :practice AND s.archived_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM cm.segment_size z WHERE z.practice_id = :practice AND z.segment_id = s.segment_id
                  AND z.counted_at > :since)
"""
MEASURED_FOR = timedelta(hours=23)
"""Less than a day, so that the time of day does not wander."""


async def measure_segments(u: Unit) -> int:
    """Once a day, how many people each saved segment holds (AUD-4 size history)."""
    due = (await u.execute(MEASURED, practice=u.practice_id, since=u.now - MEASURED_FOR)).scalars()
    sizes = 0
    for segment_id in due.all():
        sizes += len(await measure(u, segment_id))
    return sizes


TICKS: tuple[Tick | Whole, ...] = (
    Tick("activate", 1.0, activate_due, "activate"),
    Tick("approvals", 30.0, mind_approvals, "approvals"),
    Tick("recurring", 1.0, start_recurring, "recurring"),
    Tick("expire", 2.0, expire, "expire"),
    Tick("care_plans", 30.0, tell_care_plans, "care_plans"),
    Tick("recount", 2.0, recount, "recount"),
    Tick("followups", 1.0, drain_due, "followups"),
    Tick("offers", 60.0, offer_again, "offers"),
    Tick("seal", 1.0, seal_once, "seal"),
    Tick("metric_feed", 2.0, publish_metrics, "metric_feed"),
    Tick("partitions", 3600.0, ensure_partitions),
    Tick("holidays", 21_600.0, keep_holidays),
    Tick("segments", 600.0, measure_segments, "segments"),
    Tick("invariants", 3600.0, watch, "invariants"),
    Tick("webhooks", 3600.0, forget_old),
    Tick("event_rates", 10.0, roll_up),
    Whole("retention", 6 * 3600.0, retention.apply),
    Whole("unconfirmed", 3600.0, unconfirmed.apply),
    Tick("answers", 3600.0, forget_old_answers),
)


async def run_tick(wired: Wired, tick: Tick | Whole) -> int:
    """Run a tick for the practices it concerns, or the whole, if no other process is at it (advisory lock)."""
    done = 0
    async with AsyncSession(wired.uow.engine) as session, session.begin():
        key = {"key": f"tick/{tick.name}"}
        lock = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 0))")
        if not await session.scalar(lock, key):
            return 0
        if isinstance(tick, Whole):
            return await tick.do(wired)
        for practice_id in await _practices(wired, tick):
            async with wired.uow(system(practice_id, "scheduler")) as u:
                worked = await tick.do(u)
            if worked:
                await notify(wired.bus, practice_id, tick.name)
            done += worked
    return done


async def _practices(wired: Wired, tick: Tick) -> list[UUID]:
    if tick.work is None:
        return await practice_ids(wired.uow)
    waiting = await practices_with(wired.uow.engine, tick.work, wired.uow.clock.now())
    return [one.practice_id for one in waiting]
