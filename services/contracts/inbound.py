"""What other modules tell us (000 §11.1, D13-D16): one frozen model a type. `events` says which is which."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from services.contracts.envelope import EventData
from services.contracts.journey import Channel

# --- Treatment Pipeline Manager (000 §5.1) -------------------------------------------------------


class LeadEvent(EventData):
    lead_id: UUID
    practice_id: UUID
    source_channel: str = Field(min_length=1, max_length=120)


class LeadCold(LeadEvent):
    cold_since_timestamp: AwareDatetime
    eligible_campaign_types: list[str]


class LeadNurtureEligible(LeadEvent):
    nurture_reason: str
    eligible_campaign_types: list[str]


class OpportunityEvent(LeadEvent):
    opportunity_id: UUID


class OpportunityLost(OpportunityEvent):
    lost_reason: str
    lost_at_timestamp: AwareDatetime


class OpportunityDeferred(OpportunityEvent):
    deferred_until_date: str
    eligible_campaign_types: list[str]


class OpportunityWonFuturePotential(OpportunityEvent):
    won_at_timestamp: AwareDatetime
    future_potential_context: str


class OpportunityClosed(OpportunityEvent):
    """`pipeline.opportunity.converted`, `.closed`, `.withdrawn` (000 §4.2)."""

    closed_at: AwareDatetime
    value: float | None = None


class LeadOpened(LeadEvent):
    """`pipeline.lead.opened`: a record exists on a stack; how an emergency becomes known."""

    opportunity_id: UUID | None = None


# --- Appointment Manager --------------------------------------------------------------------------


class AppointmentEvent(EventData):
    """`appointment.booked|rescheduled|cancelled|attended|no_show`."""

    appointment_id: UUID
    patient_id: UUID
    practice_id: UUID
    kind: str = ""
    starts_at: AwareDatetime | None = None
    value: float | None = None


# --- Consent and contacts ---------------------------------------------------------------------------


class ConsentEvent(EventData):
    """`consent.granted|revoked`: a channel or all, a purpose or all."""

    contact_id: UUID
    practice_id: UUID
    channel: Channel | Literal["all"] = "all"
    purpose: str = "marketing"
    method: str = ""


class ContactErased(EventData):
    contact_id: UUID
    practice_id: UUID


class ContactMerged(EventData):
    """`contact_id` lives on; `merged_id` no longer exists."""

    contact_id: UUID
    merged_id: UUID
    practice_id: UUID


# --- Recall & Reconnect (D13), AI Concierge (D14), Loyalty (D15, D16) --------------------------------


class RecallEnrolled(EventData):
    patient_id: UUID
    practice_id: UUID
    journey_id: str
    enrolled_at: AwareDatetime


class RecallEnded(EventData):
    """`recall.journey.completed`, `recall.patient.exited`."""

    patient_id: UUID
    practice_id: UUID
    journey_id: str
    ended_at: AwareDatetime
    exit_reason: str = ""


class ConciergeEvent(EventData):
    """`concierge.contact.*` outcomes and any `concierge.recovery.*` signal, known or not."""

    contact_id: UUID
    practice_id: UUID
    goal: str = ""


class LoyaltyHandoff(EventData):
    handoff_id: str
    patient_id: UUID
    practice_id: UUID
    campaign_type: str
    priority: int = 0
    reason: str = ""
    expires_at: AwareDatetime


class LoyaltyEvent(EventData):
    """`loyalty.milestone.reached`, `loyalty.anniversary`."""

    patient_id: UUID
    practice_id: UUID
    name: str = ""
    years: int | None = None


class ProposalEvent(EventData):
    """`proposal.created|accepted|stalled`."""

    proposal_id: UUID
    patient_id: UUID
    practice_id: UUID
    treatment: str = ""
    value: float | None = None


class CarePlanEvent(EventData):
    """`careplan.enrolment_nudge|upgrade_recommended`."""

    patient_id: UUID
    practice_id: UUID
    plan: str = ""


# --- Communication Hub --------------------------------------------------------------------------------


class HubMessageEvent(EventData):
    """`hub.message.*`: what became of one dispatch."""

    dispatch_id: UUID
    contact_id: UUID
    practice_id: UUID
    campaign_id: UUID
    channel: Channel | None = None
    reason: str = ""
    permanent: bool = False
    link: str = ""
    topic: str = ""
    all_topics: bool = False
    test: bool = False
    language: str = Field("", max_length=12, description="Of `sent`: the locale of the words that went.")
    rendered: str = Field("", max_length=64, description="Of `sent`: SHA-256 of the finished message.")


HUB_STATUSES = (
    "accepted", "sent", "delivered", "opened", "clicked", "replied",
    "bounced", "complained", "failed", "unsubscribed", "stop",
)  # fmt: skip
