"""What travels over the Practice Platform's HTTP API: imports, search, the simulator (D3, AUD-7)."""

from datetime import date, datetime
from typing import Literal, get_args
from uuid import UUID

from pydantic import Field

from services.contracts.envelope import Strict
from services.contracts.events import EventData
from services.contracts.journey import Channel

ImportKind = Literal["leads", "synthea"]
ImportState = Literal["uploaded", "done", "failed"]
Severity = Literal["error", "warning", "note"]

LeadField = Literal[
    "first_name", "last_name", "full_name", "email", "email_2", "phone", "phone_2", "company",
    "postcode", "date_of_birth", "source_channel", "source_ref", "utm_campaign", "utm_content",
    "stage", "stack", "treatment", "value", "first_touch_at",
    "consent", "consent_email", "consent_sms", "consent_whatsapp",
]  # fmt: skip
"""What a column of a lead file can mean. Notes are not among them: free text may be clinical."""
LEAD_FIELDS: tuple[LeadField, ...] = get_args(LeadField)

FIELD_LABELS: dict[LeadField, str] = {
    "first_name": "First name", "last_name": "Last name", "full_name": "Full name",
    "email": "Email", "email_2": "Second email", "phone": "Phone", "phone_2": "Second phone",
    "company": "Company", "postcode": "Postcode", "date_of_birth": "Date of birth",
    "source_channel": "Source", "source_ref": "Reference in the other system",
    "utm_campaign": "UTM campaign", "utm_content": "UTM content",
    "stage": "Deal stage", "stack": "Pipeline", "treatment": "Treatment", "value": "Value",
    "first_touch_at": "First contact date", "consent": "Marketing consent",
    "consent_email": "Email consent", "consent_sms": "SMS consent",
    "consent_whatsapp": "WhatsApp consent",
}  # fmt: skip


class ConsentDeclaration(Strict):
    """What the importer states about consent; kept as proof with every contact it covers."""

    channels: list[Channel] = Field(min_length=1)
    purpose: str = Field("marketing", pattern=r"^[a-z][a-z0-9_]{0,39}$")
    method: str = Field(min_length=2, max_length=80)
    date: date
    evidence: str = Field(min_length=3, max_length=500)


class ConfirmImport(Strict):
    """`mapping` is field → column header. Without `consent` nobody imported may be marketed to."""

    mapping: dict[LeadField, str] = Field(default_factory=dict)
    consent: ConsentDeclaration | None = None
    default_region: str = Field("GB", pattern=r"^[A-Z]{2}$")
    confirmed_by: str = Field("", max_length=200)


class LeadRows(Strict):
    """Leads handed over without a file: each row maps fields to text. Imported at once."""

    practice_id: UUID
    source: str = Field(min_length=1, max_length=120, description="Where they come from, as a list's name.")
    rows: list[dict[LeadField, str]] = Field(min_length=1, max_length=10_000)
    uploaded_by: str = Field(max_length=200)
    consent: ConsentDeclaration | None = None
    default_region: str = Field("GB", pattern=r"^[A-Z]{2}$")


class ImportBatch(EventData):
    """One file. Headers, mapping guess and sample are there until it is imported."""

    batch_id: UUID
    kind: ImportKind
    state: ImportState
    file_name: str
    uploaded_by: str
    confirmed_by: str = ""
    created_at: datetime
    finished_at: datetime | None = None
    total_rows: int = 0
    imported: int = 0
    duplicates: int = 0
    errors: int = 0
    warnings: int = 0
    headers: list[str] = Field(default_factory=list)
    mapping: dict[str, str] = Field(default_factory=dict)
    sample: list[list[str]] = Field(default_factory=list)
    read_as: str = Field("", description="Encoding and delimiter, in words.")
    consent: ConsentDeclaration | None = None


class Unconfirmed(EventData):
    """Files of one practice that were brought before a moment and that nobody imported."""

    practice_id: UUID
    files: int


class ImportProblem(EventData):
    """`row_number` counts from 1, the first row under the headers."""

    row_number: int
    field: str
    severity: Severity
    problem: str


class ImportDetail(EventData):
    batch: ImportBatch
    problems: list[ImportProblem] = Field(default_factory=list)


Happening = Literal[
    "book", "reschedule", "cancel", "attend", "no_show",
    "consent_grant", "consent_revoke",
    "lead_opened", "emergency_lead", "lead_cold", "nurture_eligible",
    "opportunity_converted", "opportunity_closed", "opportunity_withdrawn", "opportunity_lost",
    "opportunity_deferred", "opportunity_won_future_potential",
    "recall_enrol", "recall_complete", "recall_exit",
    "concierge_recovery", "concierge_reached", "concierge_accepted", "concierge_declined",
    "concierge_no_answer",
    "loyalty_handoff", "loyalty_milestone", "loyalty_anniversary",
    "proposal_created", "proposal_accepted", "proposal_stalled",
    "careplan_nudge", "careplan_upgrade", "contact_merged", "contact_erased",
]  # fmt: skip
"""What the simulator can make happen to one person (D13-D16)."""
HAPPENINGS: tuple[Happening, ...] = get_args(Happening)

HAPPENING_LABELS: dict[Happening, str] = {
    "book": "Books an appointment", "reschedule": "Moves the appointment",
    "cancel": "Cancels the appointment", "attend": "Comes to the appointment",
    "no_show": "Misses the appointment", "consent_grant": "Gives marketing consent",
    "consent_revoke": "Withdraws marketing consent", "lead_opened": "Makes an enquiry",
    "emergency_lead": "Makes an emergency enquiry", "lead_cold": "Goes cold",
    "nurture_eligible": "Is flagged for nurture", "opportunity_converted": "Opportunity converted",
    "opportunity_closed": "Opportunity closed", "opportunity_withdrawn": "Opportunity withdrawn",
    "opportunity_lost": "Opportunity lost", "opportunity_deferred": "Opportunity deferred",
    "opportunity_won_future_potential": "Opportunity won, more potential",
    "recall_enrol": "Enters Recall & Reconnect", "recall_complete": "Completes Recall & Reconnect",
    "recall_exit": "Leaves Recall & Reconnect", "concierge_recovery": "Concierge recovery starts",
    "concierge_reached": "Concierge reaches them", "concierge_accepted": "Accepts the concierge's offer",
    "concierge_declined": "Declines the concierge's offer",
    "concierge_no_answer": "Does not answer the concierge", "loyalty_handoff": "Loyalty hands over",
    "loyalty_milestone": "Reaches a loyalty milestone", "loyalty_anniversary": "Has an anniversary",
    "proposal_created": "Receives a proposal", "proposal_accepted": "Accepts the proposal",
    "proposal_stalled": "Lets the proposal stall", "careplan_nudge": "Could join a care plan",
    "careplan_upgrade": "Could upgrade the care plan",
    "contact_merged": "Turns out to be someone already known", "contact_erased": "Is erased on request",
}  # fmt: skip


class Simulate(Strict):
    """Make `what` happen to a contact. The optional fields refine it where they make sense."""

    practice_id: UUID
    contact_id: UUID
    what: Happening
    channel: Channel | Literal["all"] = "all"
    purpose: str = "marketing"
    stack: str = Field("", max_length=80)
    campaign_types: list[str] = Field(default_factory=lambda: ["nurture"])
    goal: str = Field("", max_length=40, description="Of a concierge event; empty: booking.")
    other_id: UUID | None = Field(None, description="contact_merged: the record that lives on.")
    value: float | None = Field(None, ge=0)
    days: int = Field(7, ge=0, le=366, description="How far ahead a booking or deferral lies.")


class Simulated(EventData):
    """What happened, in words, and the events that say so."""

    contact_id: UUID
    what: Happening
    sentence: str
    event_types: list[str]


class ContactHit(EventData):
    """One person found by name, email, phone or reference."""

    contact_id: UUID
    kind: str
    first_name: str
    last_name: str
    email: str | None = None
    phone: str | None = None
    source_list: str = ""


RectifyField = Literal["first_name", "last_name", "email", "phone", "postcode", "date_of_birth"]
RECTIFIABLE: tuple[RectifyField, ...] = get_args(RectifyField)


class Rectify(Strict):
    """Put right what the practice holds of a contact (D27). Fields that are None stay as they are."""

    practice_id: UUID
    contact_id: UUID
    first_name: str | None = Field(None, min_length=1, max_length=100)
    last_name: str | None = Field(None, max_length=100)
    email: str | None = Field(None, max_length=200, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
    phone: str | None = Field(None, pattern=r"^\+\d{7,15}$", description="E.164.")
    postcode: str | None = Field(None, max_length=12)
    date_of_birth: date | None = None


class EraseContact(Strict):
    """Erase a contact on their request (D27); the platform tells everybody by `contact.erased`."""

    practice_id: UUID
    contact_id: UUID


class Settled(EventData):
    """The platform did what it was asked. `changed` names the fields that were different before."""

    contact_id: UUID
    changed: list[RectifyField] = Field(default_factory=list)
