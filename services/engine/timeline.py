"""One person's story: what entered, moved, was sent, refused, held or released, and why (SUP-8)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args
from uuid import UUID

import orjson

from services.access.service import names
from services.audience.service import zone as practice_zone
from services.contracts.journey import WaitEvent
from services.contracts.step_names import step_name
from services.engine import timeline_queries as queries
from services.engine import timeline_words as words
from services.engine.plans import plan_of
from services.followups.queries import NO_CAMPAIGN
from services.gates.reasons import sentence
from services.kit.errors import Invalid
from services.kit.uow import Unit

Kind = Literal[
    "entered", "refused", "requested", "message", "moved", "held", "released", "ended",
    "suppressed", "lifted", "event", "planned", "unplanned",
]  # fmt: skip
Group = Literal["messages", "refusals", "journeys", "stops", "events"]
GROUPS: tuple[Group, ...] = get_args(Group)
PAGE = 50
MONTHS = 2
"""How many months are read next where the newest one does not fill a page."""
INSTANT = timedelta(microseconds=1)
AHEAD = timedelta(days=1)
"""The clock of whoever wrote something may be a little ahead of ours."""


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """`sentence` is what people read; `facts` (name, value) is what it rests on, in plain English;
    `details` the same for a compliance officer: codes, ids and the stored inputs."""

    item_id: str
    at: datetime
    kind: Kind
    sentence: str
    reason: str
    campaign_id: UUID | None
    campaign: str
    step: str
    facts: tuple[tuple[str, str], ...]
    details: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Newest first. `older` continues after the last item; None: there is nothing older."""

    items: tuple[TimelineItem, ...]
    older: str | None


@dataclass(frozen=True, slots=True)
class EnrolmentItem:
    enrolment_id: UUID
    campaign_id: UUID
    campaign: str
    campaign_type: str
    state: str
    step: str
    enrolled_at: datetime
    next_at: datetime | None
    why: str
    ended_at: datetime | None


async def timeline(
    u: Unit,
    contact_id: UUID,
    *,
    groups: Sequence[Group] = (),
    campaign_id: UUID | None = None,
    after: str | None = None,
    limit: int = PAGE,
) -> TimelinePage:
    """One page of a person's story; `after` is the page before's `older`. Raises Invalid for a
    place in the story that no page gave."""
    ceiling, skip = _place(after)
    who = {"practice": u.practice_id, "contact": contact_id}
    rows: list[Any] = []
    upper, left = ceiling, skip
    for since, last in _windows(ceiling - INSTANT if ceiling else u.now, await _first_seen(u, who)):
        found = await u.execute(
            queries.TIMELINE, **who, campaign=campaign_id, kinds=[kind for group in groups for kind in queries.KINDS[group]],
            since=since, until=upper or u.now + AHEAD, floor=None if last else since, ceiling=upper, skip=left,
            limit=limit + 1 - len(rows), none=NO_CAMPAIGN,
        )  # fmt: skip
        rows += found.all()
        if len(rows) > limit:
            break
        upper, left = since, 0
    shown = rows[:limit]
    consents = (await u.execute(queries.CONSENTS, **who)).all() if shown else []
    zone, staff = await practice_zone(u), await names(u)
    items = [await _item(u, row, zone, staff, consents, who) for row in shown]
    return TimelinePage(tuple(items), _older(shown, ceiling, skip) if len(rows) > limit else None)


async def campaigns_of(u: Unit, contact_id: UUID) -> list[tuple[UUID, str]]:
    """(id, name) of the campaigns that a timeline can be narrowed to."""
    who = {"practice": u.practice_id, "contact": contact_id}
    rows = await u.execute(queries.CAMPAIGNS, **who, since=await _first_seen(u, who) or u.now)
    return [(row.campaign_id, row.name) for row in rows]


async def enrolments_of(u: Unit, contact_id: UUID) -> list[EnrolmentItem]:
    """Every enrolment of a person, newest first, with where they are and what comes next."""
    rows = (await u.execute(queries.ENROLMENTS, practice=u.practice_id, contact=contact_id)).all()
    return [
        EnrolmentItem(
            r.enrolment_id, r.campaign_id, r.name, r.campaign_type, r.state,
            await _step(u, r.version_id, r.step_id), r.enrolled_at, r.due_at,
            sentence(r.held_reason or r.exit_reason) if r.held_reason or r.exit_reason else "",
            r.ended_at,
        )
        for r in rows
    ]  # fmt: skip


async def _first_seen(u: Unit, who: dict[str, UUID]) -> datetime | None:
    """When a person was first anybody to us; None: never."""
    found: datetime | None = (await u.execute(queries.FIRST_SEEN, **who)).scalar_one()
    return found


def _windows(newest: datetime, first: datetime | None) -> Iterator[tuple[datetime, bool]]:
    """Where to begin reading: with the month of the newest item, then further back, each time by twice as many
    months; True with the last, which leaves nothing unread. Months hold whole seconds, so what is to be skipped
    of a page's second lies within the first reach."""
    begin, months = datetime(newest.year, newest.month, 1, tzinfo=UTC), MONTHS
    while first is not None and begin > first:
        yield begin, False
        begin, months = _earlier(begin, months), months * 2
    yield begin, True


def _earlier(month: datetime, by: int) -> datetime:
    years, nth = divmod(month.year * 12 + month.month - 1 - by, 12)
    return month.replace(year=years, month=nth + 1)


async def _item(
    u: Unit, row: Any, zone: str, staff: dict[str, str], consents: Sequence[Any], who: dict[str, UUID]
) -> TimelineItem:
    event = (row.cause, row.cause_at, row.cause_source, row.cause_id)
    if row.kind == "moved" and row.what == "on_event":
        event = await _awaited(u, row, who) or event
    facts = words.facts(row, zone=zone, staff=staff, consents=consents)
    if row.kind == "moved" and row.what == "version":
        facts += await _changed(u, row)
    return TimelineItem(
        f"{row.kind}:{row.ref}", row.at, row.kind, words.headline(row.kind, row.what, row.reason, row.detail),
        row.reason, row.campaign_id, row.campaign or "",
        await _step(u, row.version_id_known, row.step_known),
        (*facts, *words.cause(event[0], event[1], zone)), tuple(_details(row, event)),
    )  # fmt: skip


async def _changed(u: Unit, row: Any) -> list[words.Fact]:
    """From which step of the version before to which of the new one (D8)."""
    change = orjson.loads(row.inputs.get("change") or "{}")
    before = await _step(u, UUID(change["from_version"]), change["from_step"])
    return [("Was at", before), ("Now at", await _step(u, row.version_id, change["step"]))]


async def _awaited(u: Unit, row: Any, who: dict[str, UUID]) -> tuple[Any, Any, Any, Any] | None:
    """The event that ended a wait for one."""
    step = (await plan_of(u, row.version_id)).steps.get(row.step_id)
    if not isinstance(step, WaitEvent):
        return None
    found = (await u.execute(queries.AWAITED, **who, type=step.event.type, at=row.at)).one_or_none()
    return (found.type, found.occurred_at, found.source, found.event_id) if found else None


def _details(row: Any, event: tuple[Any, Any, Any, Any]) -> list[tuple[str, str]]:
    """Codes and ids: what an auditor looks things up by."""
    inputs = {name: value for name, value in (row.inputs or {}).items() if value not in (None, "")}
    given = {
        "Moment": row.at.isoformat(timespec="milliseconds"),
        "Reason": row.reason,
        "Campaign": row.campaign_id,
        "Version": row.version_id_known,
        "Step": row.step_known,
        "Enrolment": row.enrolment_id,
        "Record": row.ref,
        "By": row.by,
        "Event": f"{event[0]} {event[3]} from {event[2]}" if event[0] else "",
        "Inputs": orjson.dumps(inputs, option=orjson.OPT_SORT_KEYS).decode() if inputs else "",
    }
    return [(name, str(value)) for name, value in given.items() if value]


async def _step(u: Unit, version_id: UUID | None, step_id: str) -> str:
    if version_id is None or not step_id:
        return ""
    step = (await plan_of(u, version_id)).steps.get(step_id)
    return step_name(step) if step else step_id


def _older(shown: Sequence[Any], ceiling: datetime | None, skip: int) -> str:
    """Items are ordered within their second: continue in the last one's, after those given of it."""
    second = shown[-1].at.astimezone(UTC).replace(microsecond=0)
    given = sum(row.at.astimezone(UTC).replace(microsecond=0) == second for row in shown)
    if ceiling is not None and second + timedelta(seconds=1) == ceiling:
        given += skip
    return f"{int(second.timestamp())}.{given}"


def _place(after: str | None) -> tuple[datetime | None, int]:
    if after is None:
        return None, 0
    second, _, given = after.partition(".")
    if not (second.isdecimal() and given.isdecimal() and len(second) < 12 and len(given) < 10):
        raise Invalid("This is no place in a timeline. Take `older` of the page before.")
    return datetime.fromtimestamp(int(second) + 1, UTC), int(given)
