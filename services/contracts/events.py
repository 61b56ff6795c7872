"""Every event on the wire, inbound and outbound (000 §11, D13-D16): one frozen model a type.

`INBOUND` and `OUTBOUND` map event types to models; `SOURCES` says which stream carries which
type. Unknown extra fields of neighbours are ignored (contracts grow by addition), missing or
wrong ones are refused.
"""

from datetime import time
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.contracts.journey import Channel


class EventData(BaseModel):
    """Neighbours may add fields; we read what we know. A number that is none is refused."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


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


HUB_STATUSES = (
    "accepted", "sent", "delivered", "opened", "clicked", "replied",
    "bounced", "complained", "failed", "unsubscribed", "stop",
)  # fmt: skip

# --- Outbound -------------------------------------------------------------------------------------------


class ContactCaps(EventData):
    """The declared caps and quiet hours that travel with every request (D22, D23).

    Quiet times are the recipient's wall clock; equal ones mean that no hour is quiet.
    """

    max_touches: int | None = None
    per_days: int = 7
    min_gap_hours: int | None = None
    quiet_start: time = time(21, 0)
    quiet_end: time = time(8, 0)


class StepRequested(EventData):
    """`campaign.step.requested`: ask the Hub to execute one message step for one contact.

    No personal data: the Hub reads the contact from `canonical` and the words by `content_ref`.
    """

    dispatch_id: UUID
    idempotency_key: str
    practice_id: UUID
    campaign_id: UUID
    version_id: UUID
    step_id: str
    enrolment_id: UUID | None = None
    followup_id: UUID | None = None
    contact_id: UUID
    channels: list[Channel]
    content_ref: str
    variant: str = "a"
    topic: str = "marketing"
    purpose: str = "marketing"
    caps: ContactCaps = ContactCaps()
    not_before: AwareDatetime | None = None
    test: bool = False


class StepCancelled(EventData):
    """`campaign.step.cancelled`: do not send this one if it is not gone yet."""

    dispatch_id: UUID
    contact_id: UUID
    practice_id: UUID
    reason: str


class ContentPublished(EventData):
    """`campaign.content.published`: the words behind a `content_ref` (its SHA-256), once a version.

    `content` maps channel to {subject, body, preheader} as unrendered sandboxed templates.
    """

    content_ref: str
    practice_id: UUID
    content: dict[Channel, dict[str, str]]


class CampaignLifecycle(EventData):
    """`campaign.created|updated|scheduled|activated|started|paused|resumed|completed|cancelled`."""

    campaign_id: UUID
    practice_id: UUID
    actor: str
    details: dict[str, Any] = Field(default_factory=dict)


class SuppressionChanged(EventData):
    """`campaign.suppression.applied|lifted`."""

    contact_id: UUID
    practice_id: UUID
    reason: str
    campaign_id: UUID | None = None


class CampaignMessage(EventData):
    """`campaign.message.*`: what became of one message of a campaign (001; 000 §10.4).

    `queued` when the Hub took the request. `bounce_type` only of a bounce, `link` only of a click;
    `conversion_event` and `value` (in the practice's currency) only of a conversion.
    """

    campaign_id: UUID
    practice_id: UUID
    message_id: UUID
    contact_id: UUID
    version_id: UUID
    step_id: str
    variant: str = ""
    channel: Channel | None = None
    bounce_type: Literal["hard", "soft"] | None = None
    reason: str = ""
    link: str = ""
    conversion_event: str = ""
    value: float | None = None


class AuditEvent(EventData):
    """`audit.event`: one act as the sealed audit holds it, in the order of the chain (000 §11.2).

    A person is only ever a `pseudonym`. `leaf` is the row's SHA-256 in hexadecimal, by which the
    receiver can prove later that our copy has not changed.
    """

    audit_id: UUID
    practice_id: UUID
    at: AwareDatetime
    tag: str
    actor: str
    campaign_id: UUID | None = None
    enrolment_id: UUID | None = None
    pseudonym: UUID | None = None
    reason: str = ""
    detail: dict[str, Any] = Field(default_factory=dict)
    seal_no: int
    batch_id: UUID
    leaf: str


class AuditSealed(EventData):
    """`audit.sealed`: the head of the audit's chain. Whoever keeps it notices a chain cut short."""

    practice_id: UUID
    seal_no: int
    seal: str
    batches: int
    rows: int


class FollowupChanged(EventData):
    """`campaign.followup.planned|changed|sent|failed|cancelled` (003); `reason` when it failed or was
    cancelled by a rule."""

    followup_id: UUID
    contact_id: UUID
    practice_id: UUID
    state: Literal["pending", "sent", "failed", "cancelled"]
    due_at: AwareDatetime | None = None
    dispatch_id: UUID | None = None
    reason: str = ""


class MetricUpdated(EventData):
    """`campaign.metric.updated`: a number of a campaign over its whole life, whenever it changed."""

    campaign_id: UUID
    practice_id: UUID
    metric: str
    value: float


class CarePlanSuppression(EventData):
    """`careplan.suppression`: leave this contact out of care plan enrolment (000 §4.5).

    `active` false takes it back; `until` is when it ends by itself, when that is known.
    """

    contact_id: UUID
    practice_id: UUID
    active: bool
    until: AwareDatetime | None = None


class CarePlanSegmentation(EventData):
    """`careplan.segmentation`: somebody entered or left a campaign of type care_plan (000 §4.5)."""

    contact_id: UUID
    practice_id: UUID
    campaign_id: UUID
    enrolled: bool


SOURCES: dict[str, tuple[str, ...]] = {
    "pipeline": ("pipeline.",),
    "appointments": ("appointment.",),
    "consent": ("consent.",),
    "contacts": ("contact.",),
    "recall": ("recall.",),
    "concierge": ("concierge.",),
    "loyalty": ("loyalty.milestone.", "loyalty.anniversary"),
    "loyalty_insights": ("loyalty.handoff.",),
    "proposals": ("proposal.",),
    "careplans": ("careplan.",),
    "hub": ("hub.",),
}
"""Stream (without prefix) → type prefixes it carries, of the neighbours."""

OWN_SOURCE = "campaigns"
OWN_SOURCES: dict[str, tuple[str, ...]] = {
    "campaign_telemetry": ("campaign.message.", "campaign.metric."),
    "campaign_audit": ("audit.",),
    OWN_SOURCE: ("campaign.",),
}
"""Our own streams: what neighbours act on, what dashboards read, what Audit & Compliance keeps."""
MESSAGE_STATUSES = (
    "queued", "sent", "delivered", "opened", "clicked", "replied", "converted",
    "bounced", "complained", "failed", "unsubscribed",
)  # fmt: skip

INBOUND: dict[str, type[EventData]] = {
    "pipeline.lead.cold": LeadCold,
    "pipeline.lead.nurture_eligible": LeadNurtureEligible,
    "pipeline.lead.opened": LeadOpened,
    "pipeline.opportunity.lost": OpportunityLost,
    "pipeline.opportunity.deferred": OpportunityDeferred,
    "pipeline.opportunity.won_future_potential": OpportunityWonFuturePotential,
    "pipeline.opportunity.converted": OpportunityClosed,
    "pipeline.opportunity.closed": OpportunityClosed,
    "pipeline.opportunity.withdrawn": OpportunityClosed,
    **{
        f"appointment.{what}": AppointmentEvent
        for what in ("booked", "rescheduled", "cancelled", "attended", "no_show")
    },
    "consent.granted": ConsentEvent,
    "consent.revoked": ConsentEvent,
    "contact.erased": ContactErased,
    "contact.merged": ContactMerged,
    "recall.patient.enrolled": RecallEnrolled,
    "recall.journey.completed": RecallEnded,
    "recall.patient.exited": RecallEnded,
    **{
        f"concierge.contact.{what}": ConciergeEvent
        for what in ("reached", "accepted", "declined", "no_answer")
    },
    "concierge.recovery.started": ConciergeEvent,
    "loyalty.handoff.campaign_eligible": LoyaltyHandoff,
    "loyalty.milestone.reached": LoyaltyEvent,
    "loyalty.anniversary": LoyaltyEvent,
    "proposal.created": ProposalEvent,
    "proposal.accepted": ProposalEvent,
    "proposal.stalled": ProposalEvent,
    "careplan.enrolment_nudge": CarePlanEvent,
    "careplan.upgrade_recommended": CarePlanEvent,
    **{f"hub.message.{status}": HubMessageEvent for status in HUB_STATUSES},
}

OUTBOUND: dict[str, type[EventData]] = {
    "campaign.step.requested": StepRequested,
    "campaign.step.cancelled": StepCancelled,
    "campaign.content.published": ContentPublished,
    **{
        f"campaign.{what}": CampaignLifecycle
        for what in (
            "created", "updated", "scheduled", "activated", "started",
            "paused", "resumed", "completed", "cancelled",
        )
    },
    **{
        f"campaign.followup.{what}": FollowupChanged
        for what in ("planned", "changed", "sent", "failed", "cancelled")
    },
    "campaign.suppression.applied": SuppressionChanged,
    "campaign.suppression.lifted": SuppressionChanged,
    "campaign.metric.updated": MetricUpdated,
    **{f"campaign.message.{status}": CampaignMessage for status in MESSAGE_STATUSES},
    "audit.event": AuditEvent,
    "audit.sealed": AuditSealed,
    "careplan.suppression": CarePlanSuppression,
    "careplan.segmentation": CarePlanSegmentation,
}  # fmt: skip


def source_of(event_type: str) -> str:
    """The stream that carries a type; `other` for what nobody claims."""
    for source, prefixes in OWN_SOURCES.items():
        if event_type.startswith(prefixes):
            return source
    if event_type in OUTBOUND:
        return OWN_SOURCE
    for source, prefixes in SOURCES.items():
        if event_type.startswith(prefixes):
            return source
    return "other"


def contract_for(event_type: str) -> type[EventData] | None:
    """The inbound model of a type; every `concierge.recovery.*` signal counts (D14)."""
    if event_type.startswith("concierge.recovery."):
        return ConciergeEvent
    return INBOUND.get(event_type)


def contact_of(data: EventData) -> UUID | None:
    """The contact an event is about, whatever its source calls it."""
    for name in ("contact_id", "patient_id", "lead_id"):
        value = getattr(data, name, None)
        if isinstance(value, UUID):
            return value
    return None
