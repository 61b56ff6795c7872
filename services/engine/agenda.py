"""The campaign calendar (LIF-11): what goes to whom on which day, who is in two campaigns, days off.

Days are the practice's. What has been is what was requested; what is to come is where people stand now
and when they are due, so it is what is certain today, not a forecast of those who will still come in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from services.audience.service import zone as practice_zone
from services.builder.schedule import next_run
from services.contracts.journey import Message, Step
from services.engine.plan import Plan
from services.engine.plans import plan_of
from services.kit.errors import Invalid
from services.kit.uow import Unit

MOST_DAYS = 62
MOST_RUNS = 200
What = Literal["starts", "runs", "sends", "sent"]

STARTS = """
SELECT c.campaign_id, c.name, c.state, coalesce(c.scheduled_at, a.activate_at) AS at, a.audience_count AS people
FROM cm.campaign c
JOIN cm.approval a ON a.practice_id = c.practice_id AND a.campaign_id = c.campaign_id AND a.state IN ('requested', 'approved')
WHERE c.practice_id = :practice AND c.state IN ('draft', 'scheduled') AND a.activate_at IS NOT NULL
  AND coalesce(c.scheduled_at, a.activate_at) >= :first AND coalesce(c.scheduled_at, a.activate_at) < :last
"""
REPEATING = """
SELECT c.campaign_id, c.name, c.active_version_id,
  (SELECT x.audience_size FROM cm.execution x WHERE x.practice_id = c.practice_id AND x.campaign_id = c.campaign_id
   ORDER BY x.number DESC LIMIT 1) AS people
FROM cm.campaign c
WHERE c.practice_id = :practice AND c.state = 'active' AND c.kind = 'recurring' AND c.active_version_id IS NOT NULL
"""
# Everybody under way, by where they stand and the day they move on.
DUE = """
SELECT w.version_id, w.step_id, (greatest(w.due_at, :now) AT TIME ZONE :zone)::date AS day, count(*) AS people
FROM cm.work w
JOIN cm.campaign_version v ON v.practice_id = w.practice_id AND v.version_id = w.version_id
JOIN cm.campaign c ON c.practice_id = v.practice_id AND c.campaign_id = v.campaign_id AND c.state = 'active'
WHERE w.practice_id = :practice AND w.due_at < :last GROUP BY 1, 2, 3
"""
VERSIONS = """
SELECT v.version_id, v.campaign_id, c.name FROM cm.campaign_version v
JOIN cm.campaign c ON c.practice_id = v.practice_id AND c.campaign_id = v.campaign_id
WHERE v.practice_id = :practice AND v.version_id = ANY (:versions)
"""
SENT = """
SELECT m.campaign_id, c.name, m.day, sum(m.value)::bigint AS people FROM cm.metric m
JOIN cm.campaign c ON c.practice_id = m.practice_id AND c.campaign_id = m.campaign_id
WHERE m.practice_id = :practice AND m.name = 'requested' AND m.day >= :first AND m.day < :last
GROUP BY 1, 2, 3
"""
# People who are due in two campaigns within one week.
BOTH = """
WITH d AS MATERIALIZED (
  SELECT DISTINCT w.contact_id, v.campaign_id, date_trunc('week', greatest(w.due_at, :now) AT TIME ZONE :zone)::date AS week
  FROM cm.work w
  JOIN cm.campaign_version v ON v.practice_id = w.practice_id AND v.version_id = w.version_id
  JOIN cm.campaign c ON c.practice_id = v.practice_id AND c.campaign_id = v.campaign_id AND c.state = 'active'
  WHERE w.practice_id = :practice AND w.due_at < :last
), twice AS MATERIALIZED (SELECT contact_id, week FROM d GROUP BY 1, 2 HAVING count(*) > 1)
SELECT a.week, x.name AS one, y.name AS other, count(*) AS people
FROM twice t JOIN d a USING (contact_id, week) JOIN d b USING (contact_id, week)
JOIN cm.campaign x ON x.practice_id = :practice AND x.campaign_id = a.campaign_id
JOIN cm.campaign y ON y.practice_id = :practice AND y.campaign_id = b.campaign_id
WHERE a.campaign_id < b.campaign_id AND a.week >= :monday
GROUP BY 1, 2, 3 ORDER BY 1, 4 DESC, 2, 3 LIMIT 50
"""
HOLIDAYS = "SELECT day, label FROM cm.holiday WHERE practice_id = :practice AND day >= :first AND day < :last AND NOT working"


@dataclass(frozen=True, slots=True)
class Entry:
    """`starts`: a planned start, which may be moved; `runs`: a firing of a repeating campaign; `sends`:
    people whose next message is due that day; `sent`: messages requested (of a UTC day). `at` only where
    one moment is meant; `people` None where nobody has counted."""

    campaign_id: UUID
    campaign: str
    day: date
    what: What
    people: int | None
    at: datetime | None = None
    approved: bool = False


@dataclass(frozen=True, slots=True)
class Overlap:
    """People in both campaigns who are due in the week that begins on `week`, a Monday."""

    week: date
    one: str
    other: str
    people: int


@dataclass(frozen=True, slots=True)
class Agenda:
    first: date
    days: int
    today: date
    zone: str
    entries: tuple[Entry, ...]
    overlaps: tuple[Overlap, ...]
    holidays: dict[date, str]


async def agenda(u: Unit, first: date, days: int) -> Agenda:
    """The calendar from `first` on. Needs `read`; raises Invalid for more than two months."""
    u.actor.require("read")
    if not 1 <= days <= MOST_DAYS:
        raise Invalid(f"A calendar shows 1 to {MOST_DAYS} days.")
    zone = await practice_zone(u)
    last = first + timedelta(days=days)
    span = {"first": _midnight(first, zone), "last": _midnight(last, zone)}
    today = u.now.astimezone(ZoneInfo(zone)).date()
    entries = [
        *await _starts(u, span, zone),
        *await _runs(u, span, zone),
        *(await _due(u, span["last"], zone) if last > today else ()),
        *await _sent(u, first, min(last, today + timedelta(days=1))),
    ]
    shown = [entry for entry in entries if first <= entry.day < last]
    shown.sort(key=lambda e: (e.day, e.at or datetime.max.replace(tzinfo=UTC), e.campaign.lower(), e.what))
    holidays = await u.execute(HOLIDAYS, practice=u.practice_id, first=first, last=last)
    return Agenda(
        first, days, today, zone, tuple(shown), tuple(await _both(u, first, span["last"], zone)),
        {row.day: row.label or "Closed" for row in holidays},
    )  # fmt: skip


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))


async def _starts(u: Unit, span: dict[str, datetime], zone: str) -> list[Entry]:
    rows = await u.execute(STARTS, practice=u.practice_id, **span)
    return [
        Entry(
            r.campaign_id, r.name, _day(r.at, zone), "starts", r.people, r.at, approved=r.state == "scheduled"
        )
        for r in rows
    ]


async def _runs(u: Unit, span: dict[str, datetime], zone: str) -> list[Entry]:
    found: list[Entry] = []
    for row in (await u.execute(REPEATING, practice=u.practice_id)).all():
        cron = (await plan_of(u, row.active_version_id)).entry.cron
        at = max(u.now, span["first"] - timedelta(microseconds=1))
        for _ in range(MOST_RUNS if cron else 0):
            at = next_run(cron or "", after=at, zone=zone)
            if at >= span["last"]:
                break
            found.append(Entry(row.campaign_id, row.name, _day(at, zone), "runs", row.people, at))
    return found


async def _due(u: Unit, last: datetime, zone: str) -> list[Entry]:
    """Who is due at a message, or at a wait that a message follows, on which day."""
    rows = (await u.execute(DUE, practice=u.practice_id, now=u.now, last=last, zone=zone)).all()
    known = await u.execute(VERSIONS, practice=u.practice_id, versions=list({row.version_id for row in rows}))
    campaigns = {row.version_id: (row.campaign_id, row.name) for row in known}
    people: dict[tuple[UUID, date], int] = {}
    for row in rows:
        plan = await plan_of(u, row.version_id)
        if _writes(plan, plan.steps.get(row.step_id)):
            key = (row.version_id, row.day)
            people[key] = people.get(key, 0) + row.people
    together: dict[tuple[UUID, str, date], int] = {}
    for (version, day), number in people.items():
        campaign_id, name = campaigns[version]
        together[campaign_id, name, day] = together.get((campaign_id, name, day), 0) + number
    return [Entry(campaign_id, name, day, "sends", n) for (campaign_id, name, day), n in together.items()]


def _writes(plan: Plan, step: Step | None) -> bool:
    """Does somebody due here get to a message at once?"""
    if step is None or isinstance(step, Message):
        return step is not None
    following: Iterable[Step | None] = (
        plan.target(step, port) for port in (("on_timeout",) if step.kind == "wait_event" else ("next",))
    )
    return any(isinstance(one, Message) for one in following)


async def _sent(u: Unit, first: date, last: date) -> list[Entry]:
    rows = await u.execute(SENT, practice=u.practice_id, first=first, last=last)
    return [Entry(r.campaign_id, r.name, r.day, "sent", r.people) for r in rows]


async def _both(u: Unit, first: date, last: datetime, zone: str) -> list[Overlap]:
    monday = first - timedelta(days=first.weekday())
    rows = await u.execute(BOTH, practice=u.practice_id, now=u.now, last=last, zone=zone, monday=monday)
    return [Overlap(r.week, r.one, r.other, r.people) for r in rows]


def _day(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()
