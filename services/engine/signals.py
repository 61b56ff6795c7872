"""Events as journeys see them: goals and exits reached, waits that end, people who enter."""

from typing import Any
from uuid import UUID

from services.audience.service import where
from services.contracts.journey import EventCondition, EventMatch, WaitEvent
from services.engine.enrol import Entered, choose, enter, reentry_sql
from services.engine.plan import Binding
from services.engine.plans import plan_of, policy_for
from services.gates.reasons import Reason
from services.kit.uow import Unit
from services.suppression.service import exit_enrolments

LIVE = """
SELECT e.enrolment_id, e.version_id, e.step_id FROM cm.whereabouts e
WHERE e.practice_id = :practice AND e.contact_id = :contact AND e.state IN ('live', 'held')
"""
WAKE = """
UPDATE cm.work SET signal = :type, due_at = least(due_at, :now)
WHERE practice_id = :practice AND enrolment_id = ANY (:ids) AND signal IS NULL
"""
LISTENING = """
SELECT campaign_id, active_version_id FROM cm.campaign
WHERE practice_id = :practice AND state = 'active' AND kind = 'event' AND active_version_id IS NOT NULL
ORDER BY activated_at, campaign_id
"""


def matches(match: EventMatch, type: str, data: dict[str, Any]) -> bool:
    """Does an event meet a match? Several conditions are joined by AND (001 BR-CAM-007.3)."""
    return match.type == type and all(_holds(c, data) for c in match.where)


def _holds(condition: EventCondition, data: dict[str, Any]) -> bool:
    value: Any = data
    for part in condition.property.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    wanted: Any = condition.value
    match condition.op:
        case "is":
            return bool(value == wanted)
        case "is_not":
            return bool(value != wanted)
        case "contains":
            return value is not None and str(wanted).lower() in str(value).lower()
        case "in":
            return isinstance(wanted, list) and value in wanted
        case _:
            return _ordered(condition.op, value, wanted)


def _ordered(op: str, value: Any, wanted: Any) -> bool:
    if isinstance(value, str) is not isinstance(wanted, str) or value is None:
        return False
    return bool(
        {"gt": value > wanted, "gte": value >= wanted, "lt": value < wanted, "lte": value <= wanted}[op]
    )


async def signal(u: Unit, type: str, data: dict[str, Any], contact_id: UUID) -> None:
    """End journeys whose goal or exit this event is; wake those that wait for it."""
    rows = (await u.execute(LIVE, practice=u.practice_id, contact=contact_id)).all()
    reached, ended, woken = [], [], []
    for row in rows:
        plan = await plan_of(u, row.version_id)
        if matches(plan.journey.goal.event, type, data):
            reached.append(row.enrolment_id)
        elif any(matches(m, type, data) for m in plan.journey.exit_on):
            ended.append(row.enrolment_id)
        else:
            step = plan.steps.get(row.step_id)
            if isinstance(step, WaitEvent) and matches(step.event, type, data):
                woken.append(row.enrolment_id)
    if reached:
        # A booking that is also the goal is named as the booking it is (000 §4.2).
        booked = type == "appointment.booked"
        reason = Reason.APPOINTMENT_BOOKED if booked else Reason.GOAL_REACHED
        await exit_enrolments(u, contact_id, reason, only=reached)
    if ended:
        await exit_enrolments(u, contact_id, Reason.EXIT_EVENT, only=ended)
    if woken:
        await u.execute(WAKE, practice=u.practice_id, ids=woken, type=type, now=u.now)


async def enter_on_event(u: Unit, type: str, data: dict[str, Any], contact_id: UUID) -> int:
    """Enrol the contact in every active campaign that this event triggers; returns how many."""
    count = 0
    for campaign_id, version_id in await listening(u, type, data):
        entered = await enter_one(u, version_id, campaign_id, contact_id, trigger=type)
        count += entered.enrolled
    return count


async def listening(u: Unit, type: str, data: dict[str, Any]) -> list[tuple[UUID, UUID]]:
    """(campaign, version) of every active campaign that this event starts."""
    found = []
    for row in (await u.execute(LISTENING, practice=u.practice_id)).all():
        event = (await plan_of(u, row.active_version_id)).entry.event
        if event is not None and matches(event, type, data):
            found.append((row.campaign_id, row.active_version_id))
    return found


async def enter_one(
    u: Unit, version_id: UUID, campaign_id: UUID, contact_id: UUID, *, trigger: str
) -> Entered:
    """Enrol one contact who is in the audience now, within re-entry and frequency rules
    (001 BR-CAM-007.5, .7). An event journey without audience rules takes everyone of its kinds."""
    plan = await plan_of(u, version_id)
    policy = await policy_for(u, campaign_id, version_id, plan)
    entry, binding = plan.entry, Binding()
    audience = plan.journey.audience
    if audience.include:
        fragment = await where(u, audience, prefix="a_")
        condition, params = fragment.sql, dict(fragment.params)
    else:
        condition, params = "c.kind = ANY (:a_kinds)", {"a_kinds": list(audience.kinds)}
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
    return await enter(u, plan, policy, candidates=candidates, trigger=trigger)
