"""Applying and lifting suppressions so that they win every race (house rule 5, 000 §4.2).

The contact's `subject` row is locked first, then their work rows: a dispatcher that already holds
a work row commits before us and its request is cancelled here; one that comes later finds nothing
to claim. After the event is acknowledged nothing for that contact can commit.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.audit.append import record
from services.audit.tags import AuditTag
from services.contracts.events import CarePlanSegmentation, SuppressionChanged
from services.gates.reasons import Reason, sentence
from services.kit.errors import Invalid
from services.kit.uow import Unit
from services.suppression import queries, sets
from services.suppression.care_plans import TYPE, care_plan_left, concern, segmented, tell
from services.suppression.contracts import LiveSuppression, Suppress
from services.suppression.sets import lock_contacts
from services.suppression.taking_back import take_back

__all__ = [
    "after_lift",
    "apply",
    "care_plan_left",
    "concern",
    "exit_enrolments",
    "expire",
    "goals_under_way",
    "lift",
    "live_suppressions",
    "lock_contact",
    "lock_contacts",
    "overtaken",
    "resume_marketing",
    "segmented",
    "stop_marketing",
    "tell_care_plans",
]
tell_care_plans = tell


async def apply(u: Unit, command: Suppress) -> int:
    """Suppress, and stop what is under way. Returns how many enrolments it held or ended."""
    await lock_contact(u, command.contact_id)
    # What ran out is over, also before the scheduler says so: a new hold is not the old one, longer.
    await _lift_expired(u, command.contact_id)
    fresh = await sets.insert(u, command)
    affected = await _affected(u, command)
    if command.effect == "none":
        ids: list[UUID] = []
    else:
        ids = [row.enrolment_id for row in affected]
    stopped = await _stop(u, command.contact_id, ids, command.reason, hold=command.effect == "hold")
    await take_back(u, command, ids)
    if fresh:
        await record(
            u,
            AuditTag.SUPPRESSION_APPLIED,
            contact_id=command.contact_id,
            campaign_id=command.campaign_id,
            reason=command.reason.value,
            scope=command.scope,
            channel=command.channel,
            event=command.event_id,
        )
        _announce(u, "campaign.suppression.applied", command.contact_id, command.reason, command.campaign_id)
    concern(u, command.contact_id, new=command.scope == "all" or TYPE in command.types)
    return stopped


async def exit_enrolments(
    u: Unit,
    contact_id: UUID,
    reason: Reason,
    *,
    only: Iterable[UUID] | None = None,
    campaign_id: UUID | None = None,
    everything_back: bool = False,
) -> int:
    """End live and held enrolments of a contact (all, those listed, or of one campaign), and
    take back what was requested for them: for all (or with `everything_back`), also what a
    finished journey asked for last. Returns how many ended."""
    await lock_contact(u, contact_id)
    rows = await sets.affected(u, contact_id)
    wanted = None if only is None else set(only)
    ids = [
        row.enrolment_id
        for row in rows
        if (wanted is None or row.enrolment_id in wanted)
        and (campaign_id is None or row.campaign_id == campaign_id)
    ]
    ended = await _stop(u, contact_id, ids, reason, hold=False)
    # The scope of what is taken back; nothing is suppressed by it.
    if only is not None and not everything_back:
        within = Suppress(contact_id=contact_id, reason=reason, scope="campaign")
    elif campaign_id is not None:
        within = Suppress(contact_id=contact_id, reason=reason, scope="campaign", campaign_id=campaign_id)
    else:
        within = Suppress(contact_id=contact_id, reason=reason)
    await take_back(u, within, ids)
    return ended


async def lift(
    u: Unit,
    contact_id: UUID,
    reasons: Sequence[Reason],
    *,
    why: str,
    record_ref: str | None = None,
    channel: str | None = None,
    event_at: datetime | None = None,
) -> int:
    """End suppressions and let go of enrolments that nothing else holds. They go on from where
    they were; every gate is asked again at the next step. An event that happened (`event_at`)
    before the one that suppressed lifts nothing. Returns how many were lifted."""
    await lock_contact(u, contact_id)
    lifted = await sets.lift(u, sets.Lift(contact_id, tuple(reasons), record_ref, channel, event_at, why))
    await after_lift(u, contact_id, lifted)
    return len(lifted)


async def overtaken(
    u: Unit,
    contact_id: UUID,
    types: Sequence[str],
    *,
    after: datetime,
    key: str | None = None,
    values: Sequence[str] = (),
) -> bool:
    """Did one of these events, which end a suppression, happen `after` the one now at hand? Then it
    came late and suppresses nothing. `key` and `values` narrow by a field of the event."""
    await lock_contact(u, contact_id)
    return await sets.overtaken(u, sets.Overtake(contact_id, tuple(types), after, key, tuple(values)))


async def expire(u: Unit) -> int:
    """Lift what ran out (D14 hold timeout). Returns contacts released; called by the scheduler."""
    due = (await u.execute(queries.EXPIRED, practice=u.practice_id, now=u.now)).all()
    for row in due:
        await lock_contact(u, row.contact_id)
        await _lift_expired(u, row.contact_id)
    return len(due)


async def stop_marketing(u: Unit, contact_id: UUID, *, note: str, until: datetime | None = None) -> int:
    """Staff stop marketing to a person (SUP-9), for good or `until` a moment. Needs `suppress`.

    Their journeys wait; returns how many. Of two holds the longer counts, and one without an end
    stays without one until it is released. Raises Invalid for a moment that has passed.
    """
    u.actor.require("suppress")
    if until is not None and until <= u.now:
        raise Invalid("Choose a day that is still to come, or leave it empty to stop until somebody resumes.")
    return await apply(
        u,
        Suppress(
            contact_id=contact_id,
            reason=Reason.MANUAL_SUPPRESSION,
            effect="hold",
            note=note[:500],
            expires_at=until,
        ),
    )


async def resume_marketing(u: Unit, contact_id: UUID, *, note: str) -> int:
    """Staff allow marketing again; consent and everything else is asked anew at each step. Needs
    `suppress`. Lifts what staff stopped and nothing else: returns how many holds that was."""
    u.actor.require("suppress")
    return await lift(u, contact_id, [Reason.MANUAL_SUPPRESSION], why=note[:500])


async def goals_under_way(u: Unit, contact_id: UUID) -> list[str]:
    """What the journeys want that a person is in, each goal once."""
    await lock_contact(u, contact_id)
    rows = await sets.affected(u, contact_id)
    return sorted({row.objective for row in rows})


async def live_suppressions(u: Unit, contact_id: UUID) -> list[LiveSuppression]:
    rows = await u.execute(queries.LIVE, practice=u.practice_id, contact=contact_id, now=u.now)
    return [
        LiveSuppression(
            r.suppression_id, r.reason, sentence(r.reason), r.scope, r.channel, r.topic,
            r.note, r.applied_by, r.applied_at, r.expires_at,
        )
        for r in rows
    ]  # fmt: skip


async def lock_contact(u: Unit, contact_id: UUID) -> None:
    """Take the contact: nobody enrols or dispatches them until this transaction ends."""
    if contact_id not in u.notes.get("locked", ()):
        await sets.lock(u, contact_id)


async def _affected(u: Unit, command: Suppress) -> list[Any]:
    rows = await sets.affected(u, command.contact_id)
    match command.scope:
        case "all":
            return list(rows)
        case "types":
            return [r for r in rows if r.campaign_type in command.types]
        case "campaign":
            return [r for r in rows if r.campaign_id == command.campaign_id]
        case "goal":
            return [r for r in rows if r.objective == command.goal]
        case "channel" | "topic":
            return []


async def _stop(u: Unit, contact_id: UUID, ids: Sequence[UUID], reason: Reason, *, hold: bool) -> int:
    if not ids:
        return 0
    concern(u, contact_id, new=False)
    rows = await sets.stop(u, sets.Stop(tuple(ids), reason, hold))
    tag = AuditTag.ENROLMENT_HELD if hold else AuditTag.ENROLMENT_EXITED
    for row in rows:
        await record(
            u, tag, campaign_id=row.campaign_id, enrolment_id=row.enrolment_id,
            contact_id=contact_id, reason=reason.value,
        )  # fmt: skip
        if not hold and row.campaign_type == TYPE:
            u.emit(
                "careplan.segmentation",
                CarePlanSegmentation(
                    contact_id=contact_id, practice_id=u.practice_id, campaign_id=row.campaign_id,
                    enrolled=False,
                ),
                contact_id=contact_id,
            )  # fmt: skip
    return len(rows)


async def _lift_expired(u: Unit, contact_id: UUID) -> None:
    await after_lift(u, contact_id, await sets.lift_expired(u, contact_id))


async def after_lift(u: Unit, contact_id: UUID, lifted: Sequence[Any]) -> None:
    """Say what was lifted, and let go of enrolments that nothing holds any more; each says what had
    held it last."""
    if not lifted:
        return
    concern(u, contact_id, new=False)
    for row in lifted:
        await record(u, AuditTag.SUPPRESSION_LIFTED, contact_id=contact_id, reason=row.reason)
        _announce(u, "campaign.suppression.lifted", contact_id, Reason(row.reason), None)
    for row in await sets.release(u, contact_id):
        await record(
            u, AuditTag.ENROLMENT_RELEASED, campaign_id=row.campaign_id,
            enrolment_id=row.enrolment_id, contact_id=contact_id, reason=lifted[-1].reason,
        )  # fmt: skip


def _announce(u: Unit, type: str, contact_id: UUID, reason: Reason, campaign_id: UUID | None) -> None:
    u.emit(
        type,
        SuppressionChanged(
            contact_id=contact_id,
            practice_id=u.practice_id,
            reason=reason.value,
            campaign_id=campaign_id,
        ),
        contact_id=contact_id,
    )
