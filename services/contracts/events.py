"""Every event on the wire (000 §11, D13-D16): which model describes which type, and which stream carries it.

The models are in `inbound` and `outbound`; everybody takes them from here. `INBOUND` and `OUTBOUND` map
event types to models; `SOURCES` says which stream carries which type. Unknown extra fields of neighbours
are ignored (contracts grow by addition), missing or wrong ones are refused.
"""

from uuid import UUID

from services.contracts.envelope import EventData
from services.contracts.inbound import (
    HUB_STATUSES,
    AppointmentEvent,
    CarePlanEvent,
    ConciergeEvent,
    ConsentEvent,
    ContactErased,
    ContactMerged,
    HubMessageEvent,
    LeadCold,
    LeadEvent,
    LeadNurtureEligible,
    LeadOpened,
    LoyaltyEvent,
    LoyaltyHandoff,
    OpportunityClosed,
    OpportunityDeferred,
    OpportunityEvent,
    OpportunityLost,
    OpportunityWonFuturePotential,
    ProposalEvent,
    RecallEnded,
    RecallEnrolled,
)
from services.contracts.outbound import (
    AuditEvent,
    AuditSealed,
    CampaignLifecycle,
    CampaignMessage,
    CarePlanSegmentation,
    CarePlanSuppression,
    ContactCaps,
    ContentPublished,
    FollowupChanged,
    MetricUpdated,
    StepCancelled,
    StepRequested,
    SuppressionChanged,
)

__all__ = [
    "HUB_STATUSES",
    "INBOUND",
    "MESSAGE_STATUSES",
    "OUTBOUND",
    "OWN_SOURCE",
    "OWN_SOURCES",
    "SOURCES",
    "AppointmentEvent",
    "AuditEvent",
    "AuditSealed",
    "CampaignLifecycle",
    "CampaignMessage",
    "CarePlanEvent",
    "CarePlanSegmentation",
    "CarePlanSuppression",
    "ConciergeEvent",
    "ConsentEvent",
    "ContactCaps",
    "ContactErased",
    "ContactMerged",
    "ContentPublished",
    "EventData",
    "FollowupChanged",
    "HubMessageEvent",
    "LeadCold",
    "LeadEvent",
    "LeadNurtureEligible",
    "LeadOpened",
    "LoyaltyEvent",
    "LoyaltyHandoff",
    "MetricUpdated",
    "OpportunityClosed",
    "OpportunityDeferred",
    "OpportunityEvent",
    "OpportunityLost",
    "OpportunityWonFuturePotential",
    "ProposalEvent",
    "RecallEnded",
    "RecallEnrolled",
    "StepCancelled",
    "StepRequested",
    "SuppressionChanged",
    "contact_of",
    "contract_for",
    "source_of",
]

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
            "paused", "resumed", "completed", "cancelled", "approval_reminded",
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
