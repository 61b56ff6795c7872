"""What we tell other modules (000 §11.2, D16): one frozen model a type. `events` says which is which."""

from datetime import time
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from services.contracts.envelope import EventData
from services.contracts.journey import Channel


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

    `content` maps channel to {subject, body, preheader} as unrendered sandboxed templates;
    `translations` holds the same by locale. The Hub chooses by the contact's locale: exactly theirs,
    else their language, else `content` (`services.contracts.languages.chosen`).
    """

    content_ref: str
    practice_id: UUID
    content: dict[Channel, dict[str, str]]
    translations: dict[str, dict[Channel, dict[str, str]]] = Field(default_factory=dict)


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
