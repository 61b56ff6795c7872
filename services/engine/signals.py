"""Events as journeys see them: goals and exits reached, waits that end, people who enter."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.contracts.journey import EventCondition, EventMatch, WaitEvent
from services.engine.binding import Binding
from services.engine.enrol import Entered, choose, enter, reentry_sql
from services.engine.entries import belongs
from services.engine.plans import plan_of, policy_for
from services.gates.reasons import Reason
from services.kit.together import in_turn, set_based
from services.kit.uow import Unit
from services.suppression.service import exit_enrolments, lock_contact

LIVE = """
SELECT e.contact_id, e.enrolment_id, e.version_id, e.step_id, e.state FROM cm.whereabouts e
WHERE e.practice_id = :practice AND e.contact_id = ANY (:contacts) AND e.state IN ('live', 'held')
"""
WAKE = """
UPDATE cm.work SET signal = :type, due_at = least(due_at, :now)
WHERE practice_id = :practice AND enrolment_id = ANY (:ids) AND signal IS NULL
"""
# A held journey has no work: what it waited for is kept, and it goes on by it once released.
REMEMBER = """
UPDATE cm.enrolment SET held_signal = :type
WHERE practice_id = :practice AND enrolment_id = ANY (:ids) AND state = 'held' AND held_signal IS NULL
"""
LISTENING = """
SELECT campaign_id, active_version_id FROM cm.campaign
WHERE practice_id = :practice AND state = 'active' AND kind = 'event' AND active_version_id IS NOT NULL
ORDER BY activated_at, campaign_id
"""
# Whoever ends the campaign waits for us, or we see that it ended: nobody enters an ended one.
STILL_ACTIVE = """
SELECT 1 FROM cm.campaign WHERE practice_id = :practice AND campaign_id = :campaign AND state = 'active' FOR SHARE
"""


A_NUMBER = r"[+-]?(\d{1,255}\.?\d{0,255}|\.\d{1,255})([eE][+-]?\d{1,3})?"
"""What is a number in an event, here and in `happened`: nothing that PostgreSQL could not hold."""


def matches(match: EventMatch, type: str, data: dict[str, Any]) -> bool:
    """Does an event meet a match? Several conditions are joined by AND (001 BR-CAM-007.3), or by
    OR where the match says so (EVT-3)."""
    if match.type != type:
        return False
    held = (_holds(c, data) for c in match.where)
    return any(held) if match.join == "any" and match.where else all(held)


def _holds(condition: EventCondition, data: dict[str, Any]) -> bool:
    value: Any = data
    for part in condition.property.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    wanted = condition.value
    match condition.op:
        case "is":
            return _same(value, wanted)
        case "is_not":
            return not _same(value, wanted)
        case "contains":
            return _contains(value, wanted)
        case "not_contains":
            return not _contains(value, wanted)
        case "in":
            return isinstance(wanted, list) and any(_same(value, one) for one in wanted)
        case "not_in":
            return not (isinstance(wanted, list) and any(_same(value, one) for one in wanted))
        case "gt" | "gte" | "lt" | "lte":
            return _ordered(condition.op, value, wanted)


def _contains(value: Any, wanted: Any) -> bool:
    if isinstance(value, list):
        return any(_same(one, wanted) for one in value)
    return value is not None and str(wanted).casefold() in str(value).casefold()


def _same(value: Any, wanted: Any) -> bool:
    a, b = number_of(value), number_of(wanted)
    if a is not None and b is not None:
        return a == b
    if isinstance(value, str) and isinstance(wanted, str):
        return value.casefold() == wanted.casefold()
    # To Python, true is one: here it is not.
    return isinstance(value, bool) is isinstance(wanted, bool) and bool(value == wanted)


def _ordered(op: str, value: Any, wanted: Any) -> bool:
    """Numbers as numbers (also those that travel as text), moments as moments, text as text; what
    cannot be compared is neither greater nor less."""
    readings: tuple[Callable[[Any], Any], ...] = (number_of, moment_of, _text)
    for read in readings:
        b = read(wanted)
        if b is not None:
            a = read(value)
            return a is not None and bool({"gt": a > b, "gte": a >= b, "lt": a < b, "lte": a <= b}[op])
    return False


def number_of(value: Any) -> Decimal | None:
    """A number, also one that travels as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = str(value).strip()
    return Decimal(text) if re.fullmatch(A_NUMBER, text, re.ASCII) else None


def moment_of(value: Any) -> datetime | None:
    """A moment or a day as ISO text, in UTC where it names no zone; None for anything else."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _text(value: Any) -> str | None:
    return value.casefold() if isinstance(value, str) else None


async def signal(u: Unit, type: str, data: dict[str, Any], contact_id: UUID) -> None:
    """End journeys whose goal or exit this event is; wake those that wait for it.

    Where somebody stands is read with their work locked: a batch that has claimed it commits first,
    and the event then meets the step it moved them to.
    """
    if contact_id not in u.notes.get("locked", ()):
        if not await _concerned(u, type, data, contact_id):
            return
        await lock_contact(u, contact_id)
    reached: list[UUID] = []
    ended: list[UUID] = []
    waiting: list[UUID] = []
    held: list[UUID] = []
    for row in await _live(u, contact_id):
        plan = await plan_of(u, row.version_id)
        if matches(plan.journey.goal.event, type, data):
            reached.append(row.enrolment_id)
        elif any(matches(m, type, data) for m in plan.journey.exit_on):
            ended.append(row.enrolment_id)
        else:
            step = plan.steps.get(row.step_id)
            if isinstance(step, WaitEvent) and matches(step.event, type, data):
                (held if row.state == "held" else waiting).append(row.enrolment_id)
    if reached:
        # A booking that is also the goal is named as the booking it is (000 §4.2).
        booked = type == "appointment.booked"
        reason = Reason.APPOINTMENT_BOOKED if booked else Reason.GOAL_REACHED
        await exit_enrolments(u, contact_id, reason, only=reached)
    if ended:
        await exit_enrolments(u, contact_id, Reason.EXIT_EVENT, only=ended)
    if waiting:
        await _wake(u, (waiting, type))
    if held:
        await _remember(u, (held, type))


@set_based(20)
async def _live(u: Unit, contacts: Sequence[UUID]) -> list[list[Any]]:
    rows = (await u.execute(LIVE, practice=u.practice_id, contacts=list(contacts))).all()
    by_contact: dict[UUID, list[Any]] = {contact: [] for contact in contacts}
    for row in rows:
        by_contact[row.contact_id].append(row)
    return [by_contact[contact] for contact in contacts]


@set_based(22)
async def _wake(u: Unit, asked: Sequence[tuple[list[UUID], str]]) -> list[None]:
    await _by_type(u, WAKE, asked, now=u.now)
    return [None] * len(asked)


@set_based(23)
async def _remember(u: Unit, asked: Sequence[tuple[list[UUID], str]]) -> list[None]:
    await _by_type(u, REMEMBER, asked)
    return [None] * len(asked)


async def _by_type(u: Unit, sql: str, asked: Sequence[tuple[list[UUID], str]], **more: Any) -> None:
    by_type: dict[str, list[UUID]] = {}
    for ids, type in asked:
        by_type.setdefault(type, []).extend(ids)
    for type, ids in by_type.items():
        await u.execute(sql, practice=u.practice_id, ids=ids, type=type, **more)


@set_based(100)
async def _listening(u: Unit, asked: Sequence[None]) -> list[list[Any]]:
    rows = (await u.execute(LISTENING, practice=u.practice_id)).all()
    return [list(rows)] * len(asked)


async def _concerned(u: Unit, type: str, data: dict[str, Any], contact_id: UUID) -> bool:
    """Is anything in this person's journeys about such an event? Most are about nobody's, and lock nothing."""
    for row in await _live(u, contact_id):
        plan = await plan_of(u, row.version_id)
        waits = (step.event for step in plan.journey.steps if isinstance(step, WaitEvent))
        if any(matches(m, type, data) for m in (plan.journey.goal.event, *plan.journey.exit_on, *waits)):
            return True
    return False


async def enter_on_event(u: Unit, type: str, data: dict[str, Any], contact_id: UUID) -> int:
    """Enrol the contact in every active campaign that this event triggers; returns how many."""
    count = 0
    for campaign_id, version_id in await listening(u, type, data):
        entered = await in_turn(enter_one, u, version_id, campaign_id, contact_id, trigger=type)
        count += entered.enrolled
    return count


async def listening(u: Unit, type: str, data: dict[str, Any]) -> list[tuple[UUID, UUID]]:
    """(campaign, version) of every active campaign that this event starts."""
    found = []
    for row in await _listening(u, None):
        event = (await plan_of(u, row.active_version_id)).entry.event
        if event is not None and matches(event, type, data):
            found.append((row.campaign_id, row.active_version_id))
    return found


async def enter_one(
    u: Unit, version_id: UUID, campaign_id: UUID, contact_id: UUID, *, trigger: str
) -> Entered:
    """Enrol one contact who is in the audience now, within re-entry and frequency rules
    (001 BR-CAM-007.5, .7). With a delay, the audience is asked again when it is over."""
    await lock_contact(u, contact_id)  # two events at once: the second sees what the first did
    active = await u.execute(STILL_ACTIVE, practice=u.practice_id, campaign=campaign_id)
    if active.first() is None:
        return Entered(0, 0, 0)
    plan = await plan_of(u, version_id)
    policy = await policy_for(u, campaign_id, version_id, plan)
    entry, binding = plan.entry, Binding()
    condition, params = await belongs(u, plan.journey.audience)
    if entry.limit_hours:
        condition += (
            " AND NOT EXISTS (SELECT 1 FROM cm.enrolment r WHERE r.practice_id = :practice"
            " AND r.contact_id = c.contact_id AND r.campaign_id = :campaign"
            f" AND r.enrolled_at > :now - make_interval(hours => {binding.add(entry.limit_hours)}))"
        )
    source = (
        "SELECT c.contact_id FROM canonical.contact c WHERE c.practice_id = :practice"
        f" AND c.contact_id = :contact AND ({condition}) AND {reentry_sql(entry.reentry, binding)}"
    )
    params |= {
        **binding.values,
        "practice": u.practice_id,
        "contact": contact_id,
        "campaign": campaign_id,
        "now": u.now,
    }
    candidates = await choose(u, source, params)
    trace = u.notes.get("traces", {}).get(contact_id)
    return await enter(u, plan, policy, candidates=candidates, trigger=trigger, trace=trace)
