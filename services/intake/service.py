"""One event, one transaction: remember it, suppress, end, move and enrol as it demands.

Order inside the transaction: suppression first, then what waits for the event, then entries. So a
booking ends journeys before it could start one.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from services.access.service import practice_settings
from services.audit.append import record
from services.audit.tags import AuditTag
from services.contracts.events import EventData, HubMessageEvent, LoyaltyHandoff, contact_of
from services.engine.executions import heard_of
from services.engine.handoffs import take_handoff
from services.engine.signals import enter_on_event, signal
from services.insights.service import record_conversions
from services.intake.contracts import Outcome, Understood
from services.intake.hub_status import Status, apply_statuses
from services.kit.uow import Unit
from services.suppression.handlers import suppress
from services.suppression.merging import about_survivor

REMEMBER = """
INSERT INTO cm.inbound_event (practice_id, source, event_id, type, contact_id, occurred_at, received_at, outcome, data)
VALUES (:practice, :source, :id, :type, :contact, :occurred, :now, :outcome, CAST(:data AS jsonb))
ON CONFLICT DO NOTHING
"""
REMEMBER_MANY = """
INSERT INTO cm.inbound_event (practice_id, source, event_id, type, contact_id, occurred_at, received_at, outcome)
SELECT :practice, :source, t.id, t.type, t.contact, t.occurred, :now, 'handled'
FROM unnest(CAST(:ids AS text[]), CAST(:types AS text[]), CAST(:contacts AS uuid[]), CAST(:occurred AS timestamptz[]))
  AS t(id, type, contact, occurred)
ON CONFLICT DO NOTHING RETURNING event_id
"""
IGNORED = """
UPDATE cm.inbound_event SET outcome = 'ignored' WHERE practice_id = :practice AND source = :source AND event_id = :id
"""
FUTURE = timedelta(minutes=5)
"""A sender's clock may run ahead by this much; what claims to be later is taken as this late."""
LATE = timedelta(days=30)
"""What happened longer ago suppresses and ends, but starts no journey."""
CONVERSIONS = {
    "appointment.booked": "booking",
    "pipeline.opportunity.converted": "revenue",
    "pipeline.opportunity.won_future_potential": "opportunity",
    "proposal.accepted": "revenue",
}


async def handle(u: Unit, understood: Understood) -> Outcome:
    """Take in one event. Idempotent by (source, id): the second time is a `duplicate`."""
    event, data = understood.event, understood.data
    if data is not None:
        data = await about_survivor(u, data)
    contact = contact_of(data) if data is not None else None
    # A clock that runs ahead must not reorder a timeline.
    at = min(event.time, u.now + FUTURE)
    outcome: Outcome = "unknown" if data is None else "late" if at < u.now - LATE else "handled"
    fresh = await u.execute(
        REMEMBER,
        practice=u.practice_id,
        source=event.source,
        id=event.id,
        type=event.type,
        contact=contact,
        occurred=at,
        now=u.now,
        outcome=outcome,
        data=orjson.dumps(event.data).decode() if data is not None else "{}",
    )
    if fresh.rowcount == 0:
        return "duplicate"
    if data is None:
        await record(u, AuditTag.EVENT_UNKNOWN, type=event.type, event=event.id, source=event.source)
        return outcome
    await record(
        u, AuditTag.EVENT_CONSUMED, contact_id=contact, type=event.type, event=event.id,
        source=event.source,
    )  # fmt: skip
    await _act(u, event.type, event.id, data, contact, at)
    if contact is None or outcome != "handled":
        return outcome
    if isinstance(data, LoyaltyHandoff):
        if await take_handoff(u, event.type, data):
            return outcome
        await u.execute(IGNORED, practice=u.practice_id, source=event.source, id=event.id)
        return "ignored"
    await enter_on_event(u, event.type, data.model_dump(mode="json"), contact)
    return outcome


async def handle_statuses(u: Unit, batch: list[Understood]) -> int:
    """Take in Hub statuses together; returns how many were new. Those that suppress are handled
    one by one, in order, in the same transaction."""
    source = batch[0].event.source
    contacts = [b.data.contact_id for b in batch if isinstance(b.data, HubMessageEvent)]
    fresh = {
        row.event_id
        for row in await u.execute(
            REMEMBER_MANY,
            practice=u.practice_id,
            source=source,
            now=u.now,
            ids=[b.event.id for b in batch],
            types=[b.event.type for b in batch],
            contacts=contacts,
            occurred=[min(b.event.time, u.now + FUTURE) for b in batch],
        )
    }
    # The bus may deliver one event twice in a batch: the first counts.
    new = list({b.event.id: b for b in reversed(batch) if b.event.id in fresh}.values())[::-1]
    statuses = [
        Status(b.event.type.removeprefix("hub.message."), min(b.event.time, u.now + FUTURE), b.data)
        for b in new
        if isinstance(b.data, HubMessageEvent)
    ]
    await apply_statuses(u, statuses)
    await heard_of(u, [s.data.dispatch_id for s in statuses if s.what in _OF_A_RUN])
    settings = None
    for b in new:
        if b.data is not None and b.event.type.rsplit(".", 1)[-1] in _MORE_THAN_STATUS:
            settings = settings or await practice_settings(u)
            await record(
                u, AuditTag.EVENT_CONSUMED, contact_id=contact_of(b.data), type=b.event.type,
                event=b.event.id, source=source,
            )  # fmt: skip
            at = min(b.event.time, u.now + FUTURE)
            data = await about_survivor(u, b.data)
            await suppress(u, b.event.type, b.event.id, data, settings, at=at)
            await _signal(u, b.event.type, data)
            if at >= u.now - LATE and (contact := contact_of(data)) is not None:
                await enter_on_event(u, b.event.type, data.model_dump(mode="json"), contact)
    return len(new)


_OF_A_RUN = frozenset({"delivered", "failed", "bounced"})
_MORE_THAN_STATUS = frozenset(
    {"opened", "clicked", "replied", "bounced", "complained", "unsubscribed", "stop"}
)


async def _act(
    u: Unit, type: str, event_id: str, data: EventData, contact: UUID | None, at: datetime
) -> None:
    if contact is not None and type in CONVERSIONS:
        await record_conversions(
            u,
            contact,
            what=CONVERSIONS[type],
            event_ref=_reference(data, event_id),
            value=float(getattr(data, "value", None) or 0),
            at=min(at, u.now),
        )
    # Goals and exit events first: they name the better reason when a booking is also the goal.
    await _signal(u, type, data)
    await suppress(u, type, event_id, data, await practice_settings(u), at=at)


async def _signal(u: Unit, type: str, data: EventData) -> None:
    contact = contact_of(data)
    if contact is not None:
        await signal(u, type, data.model_dump(mode="json"), contact)


def _reference(data: EventData, event_id: str) -> str:
    for name in ("appointment_id", "opportunity_id", "proposal_id"):
        value: Any = getattr(data, name, None)
        if value is not None:
            return f"{name.removesuffix('_id')}:{value}"
    return event_id
