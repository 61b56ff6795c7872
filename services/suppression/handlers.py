"""What each suppression and exit event does (000 §4.2-§4.5, §5.2; D13-D16, D19, D21)."""

from datetime import datetime, timedelta

from services.access.contracts import PracticeSettings
from services.contracts.events import (
    AppointmentEvent,
    CarePlanEvent,
    ConciergeEvent,
    ConsentEvent,
    ContactErased,
    ContactMerged,
    EventData,
    HubMessageEvent,
    LeadEvent,
    RecallEnded,
    RecallEnrolled,
)
from services.gates.gates import CONFLICTS_WITH_RECALL, EXCLUDED_FROM_EMERGENCY
from services.gates.reasons import Reason
from services.kit.together import in_turn
from services.kit.uow import Unit
from services.privacy.erasure import erase
from services.suppression.agreement import agree, refuse
from services.suppression.blocks import block_returned
from services.suppression.contracts import Suppress
from services.suppression.merging import merge
from services.suppression.service import (
    apply,
    concern,
    exit_enrolments,
    goals_under_way,
    lift,
    overtaken,
)

TERMINAL = (
    "pipeline.opportunity.lost",
    "pipeline.opportunity.won_future_potential",
    "pipeline.opportunity.converted",
    "pipeline.opportunity.closed",
    "pipeline.opportunity.withdrawn",
)
"""Pipeline events that resolve a record: they lift its emergency exclusion (000 §5.2)."""


RECALL_ENDS = ("recall.journey.completed", "recall.patient.exited")
CONCIERGE_ENDS = ("concierge.contact.accepted", "concierge.contact.declined")


async def suppress(
    u: Unit, type: str, event_id: str, data: EventData, settings: PracticeSettings, *, at: datetime
) -> None:
    """Apply what an event that happened `at` demands. Events that suppress nothing pass through.

    Order is by when things happened, not by when we heard: an older event lifts nothing, and what
    has already been ended is not begun again.
    """
    match data:
        case AppointmentEvent() if type == "appointment.booked":
            await exit_enrolments(u, data.patient_id, Reason.APPOINTMENT_BOOKED)
        case LeadEvent():
            await _pipeline(u, type, event_id, data, settings, at)
        case ConsentEvent():
            await _consent(u, type, event_id, data, at)
        case RecallEnrolled():
            await _recall(u, event_id, data, at)
        case RecallEnded():
            await lift(
                u,
                data.patient_id,
                [Reason.RECALL_RECONNECT_ENROLMENT],
                why=type,
                record_ref=data.journey_id,
                event_at=at,
            )
        case ConciergeEvent():
            await _concierge(u, type, event_id, data, settings, at)
        case HubMessageEvent() if not data.test:
            await _hub(u, type, event_id, data, at)
        case CarePlanEvent():  # somebody they court: do they collide with what we send?
            concern(u, data.patient_id, new=True)
        case ContactErased():
            command = Suppress(contact_id=data.contact_id, reason=Reason.CONTACT_ERASED, event_id=event_id)
            await apply(u, command)
            await erase(u, data.contact_id, event_id=event_id)
        case ContactMerged():
            await merge(u, data, event_id)
        case _:
            return


async def _recall(u: Unit, event_id: str, data: RecallEnrolled, at: datetime) -> None:
    contact, journey = data.patient_id, data.journey_id
    if await overtaken(u, contact, RECALL_ENDS, after=at, key="journey_id", values=[journey]):
        return
    await apply(
        u,
        Suppress(
            contact_id=contact,
            reason=Reason.RECALL_RECONNECT_ENROLMENT,
            scope="types",
            types=CONFLICTS_WITH_RECALL,
            effect="hold",
            record_ref=journey,
            event_id=event_id,
            event_at=at,
        ),
    )


async def _pipeline(
    u: Unit, type: str, event_id: str, data: LeadEvent, settings: PracticeSettings, at: datetime
) -> None:
    lead = data.lead_id
    opportunity = getattr(data, "opportunity_id", None)
    record = str(opportunity or lead)
    if type in TERMINAL:
        await exit_enrolments(u, lead, Reason.OPPORTUNITY_CLOSED)
        # A lead that was opened without an opportunity is resolved by any of its opportunities.
        for ref in (record, str(lead)):
            await lift(
                u, lead, [Reason.EMERGENCY_STACK_EXCLUSION], why=type, record_ref=ref, event_at=at
            )  # fmt: skip
        return
    if data.source_channel.lower() not in {s.lower() for s in settings.emergency_stacks}:
        return
    narrow = ("opportunity_id", [record]) if opportunity else (None, [])
    if await overtaken(u, lead, TERMINAL, after=at, key=narrow[0], values=narrow[1]):
        return
    await apply(
        u,
        Suppress(
            contact_id=lead,
            reason=Reason.EMERGENCY_STACK_EXCLUSION,
            scope="types",
            types=(*EXCLUDED_FROM_EMERGENCY, *settings.long_horizon_types),
            effect="exit",
            record_ref=record,
            event_id=event_id,
            event_at=at,
        ),
    )


async def _consent(u: Unit, type: str, event_id: str, data: ConsentEvent, at: datetime) -> None:
    if data.purpose not in ("marketing", "all"):
        return
    contact, everything = data.contact_id, data.channel == "all"
    if type == "consent.granted":
        await agree(u, contact, None if everything else data.channel, why=type, at=at)
        return
    no = Suppress(
        contact_id=contact,
        reason=Reason.CONSENT_REVOKED,
        scope="all" if everything else "channel",
        channel=None if everything else data.channel,
        effect="exit" if everything else "none",
        event_id=event_id,
        event_at=at,
    )
    await refuse(u, no, at=at)


async def _concierge(
    u: Unit, type: str, event_id: str, data: ConciergeEvent, settings: PracticeSettings, at: datetime
) -> None:
    contact = data.contact_id
    if type.startswith("concierge.recovery."):
        if await overtaken(u, contact, CONCIERGE_ENDS, after=at):
            return
        await apply(
            u,
            Suppress(
                contact_id=contact,
                reason=Reason.CONCIERGE_RECOVERY_HOLD,
                effect="hold",
                event_id=event_id,
                event_at=at,
                expires_at=u.now + timedelta(hours=settings.concierge_hold_hours),
            ),
        )
        return
    if type == "concierge.contact.declined":
        await _declined(u, event_id, data, at)
    if type == "concierge.contact.accepted":  # a later yes takes back an earlier no to the same
        goal = f"goal:{data.goal}" if data.goal else None
        await lift(u, contact, [Reason.CONCIERGE_DECLINED], why=type, record_ref=goal, event_at=at)
    if type in CONCIERGE_ENDS:
        await lift(u, contact, [Reason.CONCIERGE_RECOVERY_HOLD], why=type, event_at=at)


async def _declined(u: Unit, event_id: str, data: ConciergeEvent, at: datetime) -> None:
    """No goal named: what they said no to is what their journeys want now (000 §4.1)."""
    contact = data.contact_id
    goals = [data.goal] if data.goal else await goals_under_way(u, contact)
    for goal in goals:
        if await overtaken(
            u, contact, ["concierge.contact.accepted"], after=at, key="goal", values=[goal, ""]
        ):
            continue
        await apply(
            u,
            Suppress(
                contact_id=contact,
                reason=Reason.CONCIERGE_DECLINED,
                scope="goal",
                goal=goal,
                record_ref=f"goal:{goal}",
                event_id=event_id,
                event_at=at,
            ),
        )


async def _hub(u: Unit, type: str, event_id: str, data: HubMessageEvent, at: datetime) -> None:
    contact = data.contact_id
    match type.removeprefix("hub.message."):
        case "stop":
            await refuse(u, _channel(data, Reason.STOP, event_id, at), at=at)
        case "bounced" if data.permanent:
            await refuse(u, _channel(data, Reason.HARD_BOUNCE, event_id, at), at=at)
            await in_turn(block_returned, u, contact, data.channel, "hard_bounce")
        case "complained":
            await apply(u, Suppress(contact_id=contact, reason=Reason.COMPLAINT, event_id=event_id))
            await in_turn(block_returned, u, contact, data.channel, "complaint")
        case "unsubscribed" if data.all_topics:
            everything = Suppress(
                contact_id=contact, reason=Reason.UNSUBSCRIBED, event_id=event_id, event_at=at
            )
            await refuse(u, everything, at=at)
        case "unsubscribed":
            topic = Suppress(
                contact_id=contact,
                reason=Reason.UNSUBSCRIBED,
                scope="topic",
                topic=data.topic or "marketing",
                effect="none",
                event_id=event_id,
                event_at=at,
            )
            await refuse(u, topic, at=at)
            await exit_enrolments(u, contact, Reason.UNSUBSCRIBED, campaign_id=data.campaign_id)
        case _:
            return


def _channel(data: HubMessageEvent, reason: Reason, event_id: str, at: datetime) -> Suppress:
    """Close one channel; without a channel named, close everything (fail closed)."""
    if data.channel is None:
        return Suppress(contact_id=data.contact_id, reason=reason, event_id=event_id, event_at=at)
    return Suppress(
        contact_id=data.contact_id,
        reason=reason,
        scope="channel",
        channel=data.channel,
        effect="none",
        event_id=event_id,
        event_at=at,
    )
