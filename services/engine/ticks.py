"""Timed work: what the scheduler's ticks do. Each is a query over domain rows (house rule 8)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog
from croniter import croniter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.audience.service import measure
from services.audit.append import record
from services.audit.service import seal_once
from services.audit.tags import AuditTag
from services.campaigns.service import activate_due, announce
from services.engine.offers import offer_again
from services.engine.plans import plan_of
from services.followups.jobs import drain_due
from services.insights.publishing import publish_metrics
from services.intake.consumer import practice_ids
from services.invariants.service import watch
from services.kit.actor import system
from services.kit.bus import Bus
from services.kit.ids import new_id
from services.kit.live import notify
from services.kit.uow import Unit, UnitOfWork
from services.suppression.service import expire, tell_care_plans

log = structlog.get_logger("ticks")

RECURRING = """
SELECT c.campaign_id, c.active_version_id, c.activated_at, p.timezone,
  (SELECT max(x.started_at) FROM cm.execution x WHERE x.practice_id = c.practice_id AND x.campaign_id = c.campaign_id) AS last_start,
  (SELECT coalesce(max(x.number), 0) FROM cm.execution x WHERE x.practice_id = c.practice_id AND x.campaign_id = c.campaign_id) AS number
FROM cm.campaign c JOIN cm.practice p USING (practice_id)
WHERE c.practice_id = :practice AND c.state = 'active' AND c.kind = 'recurring' AND c.active_version_id IS NOT NULL
"""
START = """
INSERT INTO cm.execution (practice_id, execution_id, campaign_id, version_id, number, started_at)
VALUES (:practice, :id, :campaign, :version, :number, :now) ON CONFLICT DO NOTHING
"""


class Wired(Protocol):
    """The part of the composition root a tick needs."""

    @property
    def uow(self) -> UnitOfWork: ...
    @property
    def bus(self) -> Bus: ...


@dataclass(frozen=True, slots=True)
class Tick:
    name: str
    every: float
    do: Callable[[Unit], Awaitable[int]]


async def start_recurring(u: Unit) -> int:
    """Open an execution for each recurring campaign whose cron time has come (practice's zone)."""
    from zoneinfo import ZoneInfo

    started = 0
    for row in (await u.execute(RECURRING, practice=u.practice_id)).all():
        cron = (await plan_of(u, row.active_version_id)).entry.cron
        if not cron:
            continue
        since = (row.last_start or row.activated_at).astimezone(ZoneInfo(row.timezone))
        if croniter(cron, since).get_next(type(since)) > u.now:
            continue
        execution_id = new_id()
        await u.execute(
            START, practice=u.practice_id, id=execution_id, campaign=row.campaign_id,
            version=row.active_version_id, number=row.number + 1, now=u.now,
        )  # fmt: skip
        await record(u, AuditTag.EXECUTION_STARTED, campaign_id=row.campaign_id, number=row.number + 1)
        announce(
            u, row.campaign_id, "campaign.started", execution_id=str(execution_id), number=row.number + 1
        )
        started += 1
    return started


async def ensure_partitions(u: Unit) -> int:
    """Next months' partitions of the big tables, well before they are needed."""
    await u.execute("SELECT cm.ensure_partitions(:day, 3)", day=(u.now - timedelta(days=1)).date())
    return 0


MEASURED = """
SELECT s.segment_id FROM cm.segment s WHERE s.practice_id = :practice AND s.archived_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM cm.segment_size z WHERE z.practice_id = :practice AND z.segment_id = s.segment_id
                  AND z.counted_at > :since)
"""


async def measure_segments(u: Unit) -> int:
    """Once a day, how many people each saved segment holds (AUD-4 size history)."""
    due = (await u.execute(MEASURED, practice=u.practice_id, since=u.now - timedelta(hours=23))).scalars()
    sizes = 0
    for segment_id in due.all():
        sizes += len(await measure(u, segment_id))
    return sizes


TICKS: tuple[Tick, ...] = (
    Tick("activate", 1.0, activate_due),
    Tick("recurring", 2.0, start_recurring),
    Tick("expire", 2.0, expire),
    Tick("care_plans", 30.0, tell_care_plans),
    Tick("followups", 1.0, drain_due),
    Tick("offers", 60.0, offer_again),
    Tick("seal", 1.0, seal_once),
    Tick("metric_feed", 2.0, publish_metrics),
    Tick("partitions", 3600.0, ensure_partitions),
    Tick("segments", 600.0, measure_segments),
    Tick("invariants", 3600.0, watch),
)


async def run_tick(wired: Wired, tick: Tick) -> int:
    """Run a tick for every practice, if no other process is at it (advisory lock)."""
    done = 0
    async with AsyncSession(wired.uow.engine) as session, session.begin():
        key = {"key": f"tick/{tick.name}"}
        lock = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 0))")
        if not await session.scalar(lock, key):
            return 0
        for practice_id in await practice_ids(wired.uow):
            async with wired.uow(system(practice_id, "scheduler")) as u:
                worked = await tick.do(u)
            if worked:
                await notify(wired.bus, practice_id, tick.name)
            done += worked
    return done
