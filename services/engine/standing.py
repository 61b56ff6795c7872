"""The people who stand at one step now, and when each moves on (BLD-8)."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import orjson

from services.audience.people import people_named
from services.campaigns.service import version_numbers
from services.contracts.journey import Message, Step, WaitEvent
from services.engine.claim import LANES
from services.engine.plans import plan_of
from services.gates.reasons import sentence
from services.kit.errors import Invalid, NotFound
from services.kit.uow import Unit

What = Literal["waiting", "held"]
PAGE = 40

# The next people of every lane, and of those the first: as long as a page, however many wait.
WAITING = f"""
SELECT x.* FROM unnest(CAST(:versions AS uuid[])) v(version_id) CROSS JOIN generate_series(0, {LANES - 1}) l(n)
CROSS JOIN LATERAL (
  SELECT w.enrolment_id, w.contact_id, w.version_id, w.due_at, w.signal, '' AS reason FROM cm.work w
  WHERE w.practice_id = :practice AND w.version_id = v.version_id AND w.step_id = :step AND w.lane = l.n
    AND w.due_at >= :after_at AND (w.due_at, w.enrolment_id) > (:after_at, :after_id)
  ORDER BY w.due_at, w.enrolment_id LIMIT :limit) x
ORDER BY x.due_at, x.enrolment_id LIMIT :limit
"""
HELD = """
SELECT e.enrolment_id, e.contact_id, e.version_id, e.held_due_at AS due_at, e.held_signal AS signal, e.held_reason AS reason
FROM cm.enrolment e
WHERE e.practice_id = :practice AND e.campaign_id = :campaign AND e.state = 'held' AND e.step_id = :step
  AND (e.held_due_at, e.enrolment_id) > (:after_at, :after_id)
ORDER BY e.held_due_at, e.enrolment_id LIMIT :limit
"""
SQL: dict[What, str] = {"waiting": WAITING, "held": HELD}
FIRST = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))


@dataclass(frozen=True, slots=True)
class PersonAt:
    """One person at a step. `moves_at` is UTC; `awaits`: the event that may let them go on before it;
    `came`: it has come already; `held_why`: why they are held, and then nothing moves them by time."""

    contact_id: UUID
    name: str
    version_number: int
    moves_at: datetime
    awaits: str
    came: bool
    sends: bool
    held_why: str


@dataclass(frozen=True, slots=True)
class PeopleHere:
    """Who moves on first comes first. `after` continues behind the last; None: nobody is left."""

    people: tuple[PersonAt, ...]
    after: str | None


async def people_here(
    u: Unit,
    campaign_id: UUID,
    step_id: str,
    *,
    what: What = "waiting",
    after: str | None = None,
    limit: int = PAGE,
) -> PeopleHere:
    """One page of the people at a step, in all versions that run. Needs `read` and the right to look
    people up. Raises NotFound, Invalid for a place that no page gave."""
    u.actor.require("read")
    numbers = await version_numbers(u, campaign_id)
    if not numbers:
        raise NotFound("Nobody has come into this campaign yet.")
    at, last = _place(after)
    rows = (
        await u.execute(
            SQL[what], practice=u.practice_id, step=step_id, after_at=at, after_id=last, limit=limit + 1,
            **({"versions": list(numbers)} if what == "waiting" else {"campaign": campaign_id}),
        )
    ).all()  # fmt: skip
    shown = rows[:limit]
    names = dict(await people_named(u, [row.contact_id for row in shown]))
    people = [_person(row, names, numbers, await _step(u, row.version_id, step_id)) for row in shown]
    more = len(rows) > limit
    return PeopleHere(tuple(people), _cursor(shown[-1]) if more else None)


def _person(row: Any, names: dict[UUID, str], numbers: dict[UUID, int], step: Step | None) -> PersonAt:
    return PersonAt(
        contact_id=row.contact_id,
        name=names.get(row.contact_id, ""),
        version_number=numbers.get(row.version_id, 0),
        moves_at=row.due_at,
        awaits=step.event.type if isinstance(step, WaitEvent) else "",
        came=row.signal is not None,
        sends=isinstance(step, Message),
        held_why=sentence(row.reason) if row.reason else "",
    )


async def _step(u: Unit, version_id: UUID, step_id: str) -> Step | None:
    return (await plan_of(u, version_id)).steps.get(step_id)


def _cursor(row: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([row.due_at, row.enrolment_id])).decode()


def _place(after: str | None) -> tuple[datetime, UUID]:
    if after is None:
        return FIRST
    try:
        at, last = orjson.loads(base64.urlsafe_b64decode(after.encode()))
        return datetime.fromisoformat(at), UUID(last)
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise Invalid("This is no place in this list. Take `after` of the page before.") from error
