"""One example of every event, shown in the schemas and checked by a test."""

from typing import Any

from pydantic import BaseModel

from services.contracts import events

PRACTICE = "0192b5a4-0000-7000-8000-000000000001"
CONTACT = "0192b5a4-0000-7000-8000-000000000002"
CAMPAIGN = "0192b5a4-0000-7000-8000-000000000003"
RECORD = "0192b5a4-0000-7000-8000-000000000004"
DISPATCH = "0192b5a4-0000-7000-8000-000000000005"
AT = "2026-06-01T09:30:00Z"

_LEAD = {"lead_id": CONTACT, "practice_id": PRACTICE, "source_channel": "standard"}
_OPPORTUNITY = {**_LEAD, "opportunity_id": RECORD}
_PATIENT = {"patient_id": CONTACT, "practice_id": PRACTICE}
_CONTACT = {"contact_id": CONTACT, "practice_id": PRACTICE}
_SENT = {**_CONTACT, "dispatch_id": DISPATCH}

EXAMPLES: dict[type[BaseModel], dict[str, Any]] = {
    events.LeadCold: {**_LEAD, "cold_since_timestamp": AT, "eligible_campaign_types": ["nurture"]},
    events.LeadNurtureEligible: {
        **_LEAD, "nurture_reason": "asked for a price", "eligible_campaign_types": ["nurture", "education"],
    },
    events.LeadOpened: _OPPORTUNITY,
    events.OpportunityLost: {**_OPPORTUNITY, "lost_reason": "price", "lost_at_timestamp": AT},
    events.OpportunityDeferred: {
        **_OPPORTUNITY, "deferred_until_date": "2026-09-01", "eligible_campaign_types": ["drip"],
    },
    events.OpportunityWonFuturePotential: {
        **_OPPORTUNITY, "won_at_timestamp": AT, "future_potential_context": "whitening later",
    },
    events.OpportunityClosed: {**_OPPORTUNITY, "closed_at": AT, "value": 1200.0},
    events.AppointmentEvent: {**_PATIENT, "appointment_id": RECORD, "kind": "check_up", "starts_at": AT},
    events.ConsentEvent: {**_CONTACT, "channel": "sms", "purpose": "marketing", "method": "form"},
    events.ContactErased: _CONTACT,
    events.ContactMerged: {**_CONTACT, "merged_id": RECORD},
    events.RecallEnrolled: {**_PATIENT, "journey_id": "recall-6m", "enrolled_at": AT},
    events.RecallEnded: {**_PATIENT, "journey_id": "recall-6m", "ended_at": AT, "exit_reason": "booked"},
    events.ConciergeEvent: {**_CONTACT, "goal": "booking"},
    events.LoyaltyHandoff: {
        **_PATIENT, "handoff_id": "handoff-17", "campaign_type": "loyalty", "priority": 5,
        "reason": "twelve visits in two years", "expires_at": "2026-06-15T09:30:00Z",
    },
    events.LoyaltyEvent: {**_PATIENT, "name": "gold", "years": 5},
    events.ProposalEvent: {**_PATIENT, "proposal_id": RECORD, "treatment": "implant", "value": 2400.0},
    events.CarePlanEvent: {**_PATIENT, "plan": "essential"},
    events.HubMessageEvent: {**_SENT, "campaign_id": CAMPAIGN, "channel": "email"},
    events.StepRequested: {
        **_SENT, "idempotency_key": f"{RECORD}:3", "campaign_id": CAMPAIGN, "version_id": RECORD,
        "step_id": "hello", "enrolment_id": RECORD, "channels": ["in_app", "email"], "content_ref": "0" * 64,
        "caps": {"max_touches": 3, "per_days": 7, "min_gap_hours": 24},
    },
    events.StepCancelled: {**_SENT, "reason": "APPOINTMENT_BOOKED"},
    events.ContentPublished: {
        "content_ref": "0" * 64, "practice_id": PRACTICE,
        "content": {"email": {"subject": "Hello", "body": "<p>Hello {{ contact.first_name }}</p>"}},
    },
    events.CampaignLifecycle: {
        "campaign_id": CAMPAIGN, "practice_id": PRACTICE, "actor": "engine", "details": {},
    },
    events.FollowupChanged: {
        **_CONTACT, "followup_id": RECORD, "state": "failed", "due_at": AT, "reason": "NO_CONSENT",
    },
    events.SuppressionChanged: {**_CONTACT, "reason": "CONSENT_REVOKED"},
    events.MetricUpdated: {
        "campaign_id": CAMPAIGN, "practice_id": PRACTICE, "metric": "delivered", "value": 12,
    },
    events.CampaignMessage: {
        "campaign_id": CAMPAIGN, "practice_id": PRACTICE, "message_id": DISPATCH, "contact_id": CONTACT,
        "version_id": RECORD, "step_id": "hello", "variant": "a", "channel": "email",
    },
    events.AuditEvent: {
        "audit_id": RECORD, "practice_id": PRACTICE, "at": AT, "tag": "campaign.state_changed",
        "actor": f"person:{CONTACT}", "campaign_id": CAMPAIGN, "reason": "approved",
        "detail": {"before": "draft", "after": "active"}, "seal_no": 17, "batch_id": DISPATCH, "leaf": "0" * 64,
    },
    events.AuditSealed: {
        "practice_id": PRACTICE, "seal_no": 17, "seal": "0" * 64, "batches": 2, "rows": 5002,
    },
    events.CarePlanSuppression: {**_CONTACT, "active": True, "until": "2026-06-04T09:30:00Z"},
    events.CarePlanSegmentation: {**_CONTACT, "campaign_id": CAMPAIGN, "enrolled": True},
}  # fmt: skip


def example_event(type: str, model: type[BaseModel], source: str) -> dict[str, Any]:
    """A whole envelope around the example of `model`."""
    data = EXAMPLES[model]
    subject = data.get("contact_id") or data.get("patient_id") or data.get("lead_id")
    whole = {
        "specversion": "1.0", "id": f"example:{type}", "source": source, "type": type, "time": AT,
        "practiceid": PRACTICE, "subject": subject, "datacontenttype": "application/json", "data": data,
    }  # fmt: skip
    return {key: value for key, value in whole.items() if value is not None}
