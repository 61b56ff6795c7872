"""Executions: one run of a campaign over its audience, from first enrolment to outcome (D6)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from services.audience.service import snapshot
from services.audit.append import next_seq, open_batch, record
from services.audit.tags import AuditTag
from services.campaigns.service import finish_campaign
from services.contracts.segment import Audience
from services.engine.claim import BATCH
from services.engine.enrol import Entered
from services.engine.leaving import leaving
from services.kit.uow import Unit

ZERO = UUID(int=0)
RECOUNT_AFTER = timedelta(seconds=5)
"""News of one run are gathered for so long before it is counted again."""
RESCAN = timedelta(seconds=60)
"""How often a dynamic campaign looks for people who joined its audience."""

OPEN = """
SELECT x.execution_id, x.campaign_id, x.version_id, x.cursor_contact, x.enrolled, x.scanned_at IS NULL AS first,
  c.kind = 'dynamic' AS dynamic
FROM cm.execution x JOIN cm.campaign c ON c.practice_id = x.practice_id AND c.campaign_id = x.campaign_id
WHERE x.practice_id = :practice AND NOT x.enrolled_all AND x.ended_at IS NULL AND x.started_at <= :now AND c.state = 'active'
ORDER BY x.started_at
"""
TAKE = """
SELECT cursor_contact, enrolled FROM cm.execution
WHERE practice_id = :practice AND execution_id = :execution AND NOT enrolled_all AND ended_at IS NULL FOR UPDATE SKIP LOCKED
"""
PROGRESS = """
UPDATE cm.execution SET audience_size = audience_size + :candidates, enrolled = enrolled + :enrolled, refused = refused + :refused,
  cursor_contact = (SELECT max(contact_id::text)::uuid FROM pg_temp.entrant), enrolled_all = :last, scanned_at = :now
WHERE practice_id = :practice AND execution_id = :execution
"""
LAST = """
UPDATE cm.execution SET enrolled_all = true, scanned_at = :now WHERE practice_id = :practice AND execution_id = :execution
"""
# A dynamic campaign's execution never ends: it starts over from the first contact.
AGAIN = """
UPDATE cm.execution x SET enrolled_all = false, cursor_contact = NULL
FROM cm.campaign c WHERE x.practice_id = :practice AND c.practice_id = x.practice_id AND c.campaign_id = x.campaign_id
  AND c.state = 'active' AND c.kind = 'dynamic' AND x.enrolled_all AND x.ended_at IS NULL AND x.scanned_at <= :before
"""
FINISHED = """
SELECT x.execution_id, x.campaign_id, c.kind, x.enrolled FROM cm.execution x
JOIN cm.campaign c ON c.practice_id = x.practice_id AND c.campaign_id = x.campaign_id
WHERE x.practice_id = :practice AND x.enrolled_all AND x.ended_at IS NULL AND c.state = 'active' AND c.kind <> 'dynamic'
  AND NOT EXISTS (SELECT 1 FROM cm.enrolment e WHERE e.practice_id = :practice AND e.campaign_id = x.campaign_id
                  AND e.state IN ('live', 'held') AND e.execution_id = x.execution_id)
FOR UPDATE OF x SKIP LOCKED
"""
GOES_ON = """
SELECT EXISTS (SELECT 1 FROM cm.execution x
  WHERE x.practice_id = :practice AND x.campaign_id = :campaign AND x.ended_at IS NULL)
"""
# What became of a run's messages. Stopped stays stopped: only its numbers are kept right (D6).
COUNTED = """
FROM (
  SELECT count(*) AS requested, count(*) FILTER (WHERE d.status = 'delivered') AS delivered,
    count(*) FILTER (WHERE d.status IN ('failed', 'bounced')) AS failed,
    count(*) FILTER (WHERE d.status = 'cancelled') AS cancelled
  FROM cm.execution y
  JOIN cm.enrolment e ON e.practice_id = :practice AND e.campaign_id = y.campaign_id AND e.execution_id = y.execution_id
  JOIN cm.dispatch d ON d.practice_id = :practice AND d.enrolment_id = e.enrolment_id AND d.enrolled_at = e.enrolled_at
  WHERE y.practice_id = :practice AND y.execution_id = :execution) n
"""
SET_COUNTED = """requested = n.requested, delivered = n.delivered, failed = n.failed, recount_at = NULL,
  outcome = CASE WHEN x.outcome = 'stopped' THEN 'stopped' WHEN n.requested = 0 THEN 'empty' WHEN n.requested = n.failed THEN 'failed'
    WHEN n.failed + n.cancelled > 0 THEN 'partial' ELSE 'delivered' END"""
END = f"""
UPDATE cm.execution x SET ended_at = :now, {SET_COUNTED} {COUNTED}
WHERE x.practice_id = :practice AND x.execution_id = :execution RETURNING x.outcome
"""
# The Hub had news of messages of runs that ended: they are counted again, a little later and together.
NEWS = """
UPDATE cm.execution x SET recount_at = :due
WHERE x.practice_id = :practice AND x.ended_at IS NOT NULL AND x.recount_at IS NULL AND x.execution_id IN (
  SELECT DISTINCT e.execution_id FROM cm.dispatch d
  JOIN cm.enrolment e ON e.practice_id = d.practice_id AND e.enrolment_id = d.enrolment_id
  WHERE d.practice_id = :practice AND d.dispatch_id = ANY (:dispatches))
"""
TO_RECOUNT = """
SELECT execution_id, campaign_id, outcome FROM cm.execution
WHERE practice_id = :practice AND recount_at <= :now ORDER BY recount_at LIMIT 100 FOR UPDATE SKIP LOCKED
"""
RECOUNT = f"""
UPDATE cm.execution x SET {SET_COUNTED} {COUNTED}
WHERE x.practice_id = :practice AND x.execution_id = :execution RETURNING x.outcome
"""

ANY_LEFT = """
SELECT 1 FROM cm.campaign c WHERE c.practice_id = :practice AND c.state IN ('cancelled', 'completed') AND c.emptied_at IS NULL
  AND EXISTS (SELECT 1 FROM cm.enrolment e WHERE e.practice_id = :practice AND e.campaign_id = c.campaign_id
              AND e.state IN ('live', 'held')) LIMIT 1
"""
# Nobody can enter an ended campaign: once empty, it need never be looked at again.
EMPTIED = """
UPDATE cm.campaign c SET emptied_at = :now
WHERE c.practice_id = :practice AND c.state IN ('cancelled', 'completed') AND c.emptied_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM cm.enrolment e WHERE e.practice_id = :practice AND e.campaign_id = c.campaign_id
                  AND e.state IN ('live', 'held'))
"""
# Work before enrolments, as everybody who stops somebody does: two orders would be a deadlock.
LOCK_LEFT = f"""
SELECT w.enrolment_id FROM cm.work w
JOIN cm.enrolment x ON x.practice_id = w.practice_id AND x.enrolment_id = w.enrolment_id
JOIN cm.campaign c ON c.practice_id = x.practice_id AND c.campaign_id = x.campaign_id
WHERE w.practice_id = :practice AND c.state IN ('cancelled', 'completed') AND c.emptied_at IS NULL
ORDER BY w.enrolment_id LIMIT {BATCH} FOR UPDATE OF w SKIP LOCKED
"""
# People left in campaigns that ended: out of them, set-based, a batch at a time.
LEFT = leaving(
    "CAMPAIGN_ENDED",
    f"""SELECT x.enrolment_id FROM cm.enrolment x JOIN cm.campaign c ON c.practice_id = x.practice_id AND c.campaign_id = x.campaign_id
    WHERE x.practice_id = :practice AND c.state IN ('cancelled', 'completed') AND c.emptied_at IS NULL
      AND (x.state = 'held' OR x.state = 'live' AND x.enrolment_id = ANY (:locked))
    ORDER BY x.enrolment_id LIMIT {BATCH} FOR UPDATE OF x SKIP LOCKED""",
)


@dataclass(frozen=True, slots=True)
class OpenExecution:
    execution_id: UUID
    campaign_id: UUID
    version_id: UUID
    cursor: UUID
    enrolled: int
    first: bool
    """Nobody of the audience has been looked at yet."""
    dynamic: bool
    """Its audience is read again every minute: who was refused is met again each time."""


async def open_executions(u: Unit) -> list[OpenExecution]:
    """Executions of active campaigns that have people left to look at."""
    rows = await u.execute(OPEN, practice=u.practice_id, now=u.now)
    return [
        OpenExecution(
            r.execution_id,
            r.campaign_id,
            r.version_id,
            r.cursor_contact or ZERO,
            r.enrolled,
            r.first,
            r.dynamic,
        )
        for r in rows
    ]


async def take(u: Unit, execution: OpenExecution) -> OpenExecution | None:
    """Lock an execution for one batch, with its cursor as it is now; None when another worker has it."""
    row = (await u.execute(TAKE, practice=u.practice_id, execution=execution.execution_id)).one_or_none()
    if row is None:
        return None
    return replace(execution, cursor=row.cursor_contact or ZERO, enrolled=row.enrolled)


async def progressed(
    u: Unit, execution: OpenExecution, entered: Entered, audience: Audience, *, last: bool
) -> None:
    """Remember how far enrolment came; at the end seal who was in it (AUD-5)."""
    where = {"practice": u.practice_id, "execution": execution.execution_id, "now": u.now}
    new = entered.enrolled + entered.refused if execution.dynamic else entered.candidates
    if entered.candidates:
        await u.execute(
            PROGRESS,
            **where,
            candidates=new,
            enrolled=entered.enrolled,
            refused=entered.refused,
            last=last,
        )
    else:
        await u.execute(LAST, **where)
    if last and (new or execution.first):  # a dynamic audience is sealed when somebody is new in it
        await snapshot(u, execution.execution_id, audience)


async def rescan(u: Unit) -> None:
    await u.execute(AGAIN, practice=u.practice_id, before=u.now - RESCAN)


async def finish(u: Unit) -> int:
    """Close executions whose people have all left; a campaign that ran once is then complete."""
    rows = (await u.execute(FINISHED, practice=u.practice_id)).all()
    for row in rows:
        outcome = (
            await u.execute(END, practice=u.practice_id, execution=row.execution_id, now=u.now)
        ).scalar_one()
        await record(
            u, AuditTag.EXECUTION_ENDED, campaign_id=row.campaign_id,
            execution=row.execution_id, outcome=outcome, enrolled=row.enrolled,
        )  # fmt: skip
        if row.kind in ("one_off", "scheduled") and not await _goes_on(u, row.campaign_id):
            await finish_campaign(u, row.campaign_id)
    return len(rows)


async def _goes_on(u: Unit, campaign_id: UUID) -> bool:
    """A changed version opens a run of its own while people of the run before are under way (D8)."""
    found = await u.execute(GOES_ON, practice=u.practice_id, campaign=campaign_id)
    return bool(found.scalar_one())


async def empty_ended(u: Unit) -> int:
    """Take people out of campaigns that were cancelled or completed; returns how many."""
    await u.execute(EMPTIED, practice=u.practice_id, now=u.now)
    if not (await u.execute(ANY_LEFT, practice=u.practice_id)).first():
        return 0
    locked = (await u.execute(LOCK_LEFT, practice=u.practice_id)).scalars().all()
    gone = await u.execute(
        LEFT,
        practice=u.practice_id,
        now=u.now,
        locked=list(locked),
        batch=open_batch(u),
        first_seq=next_seq(u, BATCH + 1),
    )
    return int(gone.scalar_one())


async def heard_of(u: Unit, dispatches: Sequence[UUID]) -> None:
    """The Hub reported on these messages: runs that ended are to be counted again (LIF-8)."""
    if dispatches:
        await u.execute(NEWS, practice=u.practice_id, dispatches=list(dispatches), due=u.now + RECOUNT_AFTER)


async def recount(u: Unit) -> int:
    """Put numbers and outcomes of ended runs right; returns how many outcomes changed."""
    changed = 0
    for row in (await u.execute(TO_RECOUNT, practice=u.practice_id, now=u.now)).all():
        found = await u.execute(RECOUNT, practice=u.practice_id, execution=row.execution_id)
        outcome = found.scalar_one()
        if outcome != row.outcome:
            changed += 1
            await record(
                u, AuditTag.EXECUTION_ENDED, campaign_id=row.campaign_id, execution=row.execution_id,
                outcome=outcome, before=row.outcome,
            )  # fmt: skip
    return changed


WATCH = """
INSERT INTO cm.hub_asked (practice_id, until, watch_until) VALUES (:practice, :now, :last)
ON CONFLICT (practice_id) DO UPDATE SET watch_until = excluded.watch_until,
  until = CASE WHEN cm.hub_asked.until >= cm.hub_asked.watch_until THEN excluded.until ELSE cm.hub_asked.until END
"""
ASKING_ENDS = timedelta(minutes=31)


async def watch_hub(u: Unit) -> None:
    """Messages were requested: for half an hour the Hub may have to be asked about them (002)."""
    await u.execute(WATCH, practice=u.practice_id, now=u.now, last=u.now + ASKING_ENDS)


RUNS = """
SELECT execution_id, number, version_id, started_at, planned_at, missed, ended_at, outcome, audience_size, enrolled, refused,
  requested, delivered, failed
FROM cm.execution WHERE practice_id = :practice AND campaign_id = :campaign ORDER BY number DESC LIMIT :most
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One execution as people see it; counts of messages are of the last look, all times UTC."""

    execution_id: UUID
    number: int
    version_id: UUID
    started_at: datetime
    planned_at: datetime | None
    missed: int
    ended_at: datetime | None
    outcome: str | None
    audience_size: int
    enrolled: int
    refused: int
    requested: int
    delivered: int
    failed: int


async def runs(u: Unit, campaign_id: UUID, *, most: int = 100) -> list[Run]:
    """The runs of a campaign, the newest first."""
    rows = await u.execute(RUNS, practice=u.practice_id, campaign=campaign_id, most=most)
    return [Run(**row._mapping) for row in rows]
