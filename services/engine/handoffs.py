"""Loyalty Insights handoffs: who may have this patient when two campaigns want them (000 §4.4, D15).

Asked before anybody is enrolled, with the patient locked: fatigue and caps first, then priority,
then who came first. The loser is on record with the rule that decided. Suppression is not part of
this: the gates refuse a suppressed patient whatever their handoff says.
"""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import orjson

from services.audit.append import record
from services.audit.tags import AuditTag
from services.contracts.campaign_types import TYPE_KEYS
from services.contracts.events import LoyaltyHandoff
from services.engine.plans import plan_of, policy_for
from services.engine.signals import enter_one, listening
from services.gates.reasons import Reason
from services.gates.service import why_not
from services.kit.ids import new_id
from services.kit.uow import Unit
from services.suppression.service import exit_enrolments, lock_contact

Rule = Literal["fatigue_and_caps", "priority", "first_come"]
FATIGUE = {Reason.FREQUENCY_CAP, Reason.MINIMUM_GAP, Reason.EXCLUSIVE_ENROLMENT}

# Whoever else is writing to this patient now. Service messages compete with nobody.
RIVALS = """
SELECT e.enrolment_id, e.campaign_id, e.priority FROM cm.enrolment e
JOIN cm.campaign c ON c.practice_id = e.practice_id AND c.campaign_id = e.campaign_id
WHERE e.practice_id = :practice AND e.contact_id = :contact AND e.state = 'live' AND e.campaign_id <> :campaign
  AND c.kind <> 'transactional'
ORDER BY e.enrolled_at, e.enrolment_id
"""
REFUSED = """
INSERT INTO cm.refusal (practice_id, refusal_id, at, contact_id, campaign_id, version_id, step_id, reason, inputs)
VALUES (:practice, :id, :now, :contact, :campaign, :version, :step, :reason, CAST(:inputs AS jsonb))
"""
CAME_WITH = """
UPDATE cm.enrolment SET priority = :priority
WHERE practice_id = :practice AND contact_id = :contact AND campaign_id = :campaign AND state = 'live'
"""


@dataclass(frozen=True, slots=True)
class Collision:
    """Who wins against `rivals`, and by which rule."""

    wins: bool
    rule: Rule
    rivals: tuple[Any, ...]


async def take_handoff(u: Unit, type: str, handoff: LoyaltyHandoff) -> bool:
    """Do what a handoff asks, if it may. False when it was ignored; the audit says why."""
    contact = handoff.patient_id
    await lock_contact(u, contact)
    why = _unusable(u, handoff)
    targets = [] if why else await _targets(u, type, handoff)
    if not targets:
        await _ignored(u, handoff, why or "NO_CAMPAIGN_LISTENS")
        return False
    for campaign_id, version_id in targets:
        collision = await _collision(u, handoff, campaign_id, version_id)
        if collision and not collision.wins:
            await _lost(u, handoff, campaign_id, version_id, collision)
            continue
        entered = await enter_one(u, version_id, campaign_id, contact, trigger=type)
        if not entered.enrolled:
            if not entered.candidates:
                await _ignored(u, handoff, "NOT_IN_AUDIENCE", campaign_id)
            continue
        await u.execute(
            CAME_WITH, practice=u.practice_id, contact=contact, campaign=campaign_id,
            priority=handoff.priority,
        )  # fmt: skip
        if collision:
            await _won(u, handoff, campaign_id, collision)
    return True


def _unusable(u: Unit, handoff: LoyaltyHandoff) -> str:
    if handoff.expires_at <= u.now:
        return "HANDOFF_EXPIRED"
    return "" if handoff.campaign_type in TYPE_KEYS else "TYPE_NOT_REGISTERED"


async def _targets(u: Unit, type: str, handoff: LoyaltyHandoff) -> list[tuple[UUID, UUID]]:
    found = []
    for campaign_id, version_id in await listening(u, type, handoff.model_dump(mode="json")):
        if (await plan_of(u, version_id)).journey.campaign_type == handoff.campaign_type:
            found.append((campaign_id, version_id))
    return found


async def _collision(
    u: Unit, handoff: LoyaltyHandoff, campaign_id: UUID, version_id: UUID
) -> Collision | None:
    """None when nobody else writes to this patient."""
    rivals = tuple(
        (
            await u.execute(RIVALS, practice=u.practice_id, contact=handoff.patient_id, campaign=campaign_id)
        ).all()
    )
    if not rivals:
        return None
    policy = await policy_for(u, campaign_id, version_id, await plan_of(u, version_id))
    reasons, _ = await why_not(u, handoff.patient_id, policy)
    if FATIGUE & set(reasons):
        return Collision(False, "fatigue_and_caps", rivals)
    highest = max(rival.priority for rival in rivals)
    if handoff.priority == highest:
        return Collision(False, "first_come", rivals)
    return Collision(handoff.priority > highest, "priority", rivals)


async def _lost(
    u: Unit, handoff: LoyaltyHandoff, campaign_id: UUID, version_id: UUID, collision: Collision
) -> None:
    facts: dict[str, Any] = {
        "rule": collision.rule,
        "handoff": handoff.handoff_id,
        "priority": handoff.priority,
        "against": [str(rival.campaign_id) for rival in collision.rivals],
    }
    await u.execute(
        REFUSED,
        practice=u.practice_id,
        id=new_id(),
        now=u.now,
        contact=handoff.patient_id,
        campaign=campaign_id,
        version=version_id,
        step=(await plan_of(u, version_id)).entry.id,
        reason=Reason.LOYALTY_HANDOFF_COLLISION.value,
        inputs=orjson.dumps(facts).decode(),
    )
    await record(
        u, AuditTag.HANDOFF_COLLISION, campaign_id=campaign_id, contact_id=handoff.patient_id,
        reason=Reason.LOYALTY_HANDOFF_COLLISION.value, **facts,
    )  # fmt: skip


async def _won(u: Unit, handoff: LoyaltyHandoff, campaign_id: UUID, collision: Collision) -> None:
    """The rivals' journeys end (000 §4.2), each with the rule that decided."""
    reason = Reason.LOYALTY_HANDOFF_COLLISION
    losers = [rival.enrolment_id for rival in collision.rivals]
    await exit_enrolments(u, handoff.patient_id, reason, only=losers)
    for rival in collision.rivals:
        await record(
            u, AuditTag.HANDOFF_COLLISION, campaign_id=rival.campaign_id, enrolment_id=rival.enrolment_id,
            contact_id=handoff.patient_id, reason=reason.value, rule=collision.rule,
            handoff=handoff.handoff_id, priority=rival.priority, against=[str(campaign_id)],
        )  # fmt: skip


async def _ignored(u: Unit, handoff: LoyaltyHandoff, why: str, campaign_id: UUID | None = None) -> None:
    await record(
        u, AuditTag.HANDOFF_IGNORED, campaign_id=campaign_id, contact_id=handoff.patient_id, reason=why,
        handoff=handoff.handoff_id, campaign_type=handoff.campaign_type,
        expires_at=handoff.expires_at.isoformat(),
    )  # fmt: skip
