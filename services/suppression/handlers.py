"""What each suppression and exit event does (000 §4.2-§4.5, §5.2; D13-D16, D19, D21)."""

from datetime import timedelta
from uuid import UUID

from services.access.contracts import PracticeSettings
from services.contracts.events import (
    AppointmentEvent,
    ConciergeEvent,
    ConsentEvent,
    ContactErased,
    ContactMerged,
    EventData,
    HubMessageEvent,
    LeadEvent,
    OpportunityEvent,
    RecallEnded,
    RecallEnrolled,
)
from services.gates.gates import CONFLICTS_WITH_RECALL, EXCLUDED_FROM_EMERGENCY
from services.gates.reasons import Reason
from services.kit.uow import Unit
from services.suppression.contracts import Suppress
from services.suppression.service import apply, exit_enrolments, lift

TERMINAL = (
    "pipeline.opportunity.lost",
    "pipeline.opportunity.won_future_potential",
    "pipeline.opportunity.converted",
    "pipeline.opportunity.closed",
    "pipeline.opportunity.withdrawn",
)
"""Pipeline events that resolve a record: they lift its emergency exclusion (000 §5.2)."""


async def suppress(u: Unit, type: str, event_id: str, data: EventData, settings: PracticeSettings) -> None:
    """Apply what an event demands. Events that suppress nothing pass through untouched."""
    match data:
        case AppointmentEvent() if type == "appointment.booked":
            await exit_enrolments(u, data.patient_id, Reason.APPOINTMENT_BOOKED)
        case LeadEvent():
            await _pipeline(u, type, event_id, data, settings)
        case ConsentEvent():
            await _consent(u, type, event_id, data)
        case RecallEnrolled():
            await apply(
                u,
                Suppress(
                    contact_id=data.patient_id,
                    reason=Reason.RECALL_RECONNECT_ENROLMENT,
                    scope="types",
                    types=CONFLICTS_WITH_RECALL,
                    effect="hold",
                    record_ref=data.journey_id,
                    event_id=event_id,
                ),
            )
        case RecallEnded():
            await lift(
                u,
                data.patient_id,
                [Reason.RECALL_RECONNECT_ENROLMENT],
                why=type,
                record_ref=data.journey_id,
            )
        case ConciergeEvent():
            await _concierge(u, type, event_id, data, settings)
        case HubMessageEvent() if not data.test:
            await _hub(u, type, event_id, data)
        case ContactErased():
            await _gone(u, data.contact_id, Reason.CONTACT_ERASED, event_id)
        case ContactMerged():
            await _gone(u, data.merged_id, Reason.CONTACT_MERGED, event_id)
        case _:
            return


async def _pipeline(u: Unit, type: str, event_id: str, data: LeadEvent, settings: PracticeSettings) -> None:
    record = str(data.opportunity_id) if isinstance(data, OpportunityEvent) else str(data.lead_id)
    if type in TERMINAL:
        await exit_enrolments(u, data.lead_id, Reason.OPPORTUNITY_CLOSED)
        await lift(u, data.lead_id, [Reason.EMERGENCY_STACK_EXCLUSION], why=type, record_ref=record)
        # A lead that was opened without an opportunity is resolved by any of its opportunities.
        await lift(
            u,
            data.lead_id,
            [Reason.EMERGENCY_STACK_EXCLUSION],
            why=type,
            record_ref=str(data.lead_id),
        )
        return
    if data.source_channel.lower() in {s.lower() for s in settings.emergency_stacks}:
        await apply(
            u,
            Suppress(
                contact_id=data.lead_id,
                reason=Reason.EMERGENCY_STACK_EXCLUSION,
                scope="types",
                types=(*EXCLUDED_FROM_EMERGENCY, *settings.long_horizon_types),
                effect="exit",
                record_ref=record,
                event_id=event_id,
            ),
        )


async def _consent(u: Unit, type: str, event_id: str, data: ConsentEvent) -> None:
    if data.purpose not in ("marketing", "all"):
        return
    if type == "consent.granted":
        channel = None if data.channel == "all" else data.channel
        reasons = [Reason.CONSENT_REVOKED, Reason.STOP, Reason.UNSUBSCRIBED]
        await lift(u, data.contact_id, reasons, why=type, channel=channel)
        return
    everything = data.channel == "all"
    await apply(
        u,
        Suppress(
            contact_id=data.contact_id,
            reason=Reason.CONSENT_REVOKED,
            scope="all" if everything else "channel",
            channel=None if everything else data.channel,
            effect="exit" if everything else "none",
            event_id=event_id,
        ),
    )


async def _concierge(
    u: Unit, type: str, event_id: str, data: ConciergeEvent, settings: PracticeSettings
) -> None:
    contact = data.contact_id
    if type.startswith("concierge.recovery."):
        await apply(
            u,
            Suppress(
                contact_id=contact,
                reason=Reason.CONCIERGE_RECOVERY_HOLD,
                effect="hold",
                event_id=event_id,
                expires_at=u.now + timedelta(hours=settings.concierge_hold_hours),
            ),
        )
        return
    if type == "concierge.contact.declined":
        command = Suppress(
            contact_id=contact,
            reason=Reason.CONCIERGE_DECLINED,
            scope="goal" if data.goal else "all",
            goal=data.goal or None,
            event_id=event_id,
        )
        if data.goal:
            await apply(u, command)
        else:  # no goal named: whatever runs now is what they declined
            await exit_enrolments(u, contact, Reason.CONCIERGE_DECLINED)
    if type in ("concierge.contact.accepted", "concierge.contact.declined"):
        await lift(u, contact, [Reason.CONCIERGE_RECOVERY_HOLD], why=type)


async def _hub(u: Unit, type: str, event_id: str, data: HubMessageEvent) -> None:
    contact = data.contact_id
    match type.removeprefix("hub.message."):
        case "stop":
            await apply(u, _channel(data, Reason.STOP, event_id))
        case "bounced" if data.permanent:
            await apply(u, _channel(data, Reason.HARD_BOUNCE, event_id))
        case "complained":
            await apply(u, Suppress(contact_id=contact, reason=Reason.COMPLAINT, event_id=event_id))
        case "unsubscribed" if data.all_topics:
            await apply(u, Suppress(contact_id=contact, reason=Reason.UNSUBSCRIBED, event_id=event_id))
        case "unsubscribed":
            await apply(
                u,
                Suppress(
                    contact_id=contact,
                    reason=Reason.UNSUBSCRIBED,
                    scope="topic",
                    topic=data.topic or "marketing",
                    effect="none",
                    event_id=event_id,
                ),
            )
            await exit_enrolments(u, contact, Reason.UNSUBSCRIBED, campaign_id=data.campaign_id)
        case _:
            return


def _channel(data: HubMessageEvent, reason: Reason, event_id: str) -> Suppress:
    """Close one channel; without a channel named, close everything (fail closed)."""
    if data.channel is None:
        return Suppress(contact_id=data.contact_id, reason=reason, event_id=event_id)
    return Suppress(
        contact_id=data.contact_id,
        reason=reason,
        scope="channel",
        channel=data.channel,
        effect="none",
        event_id=event_id,
    )


async def _gone(u: Unit, contact_id: UUID, reason: Reason, event_id: str) -> None:
    await apply(
        u,
        Suppress(contact_id=contact_id, reason=Reason.CONTACT_ERASED, event_id=event_id)
        if reason is Reason.CONTACT_ERASED
        else Suppress(contact_id=contact_id, reason=reason, event_id=event_id),
    )
