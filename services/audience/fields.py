"""The catalogue (AUD-2): every field an audience rule may name, and where it lives.

Clinical notes and AI Quality Monitor data are not here and cannot be named (AUD-6, 000 §7);
neither is what was done at a visit. To add a field, add a line; the editor, the compiler, the
read-back and the tests take it from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.audience.contracts import FieldInfo
from services.contracts.segment import Behaviour, Operator

FieldType = Literal["text", "choice", "number", "date", "bool"]
How = Literal["value", "latest", "earliest", "count", "years", "days", "birthday", "consent"]

GROUPS = (
    "Person", "Where they came from", "Appointments", "Treatment pipeline", "Proposals",
    "Engagement", "Consent", "Loyalty and care plan",
)  # fmt: skip

WORDS: dict[Operator, str] = {
    "is": "is", "is_not": "is not", "in": "is one of", "not_in": "is none of",
    "contains": "contains", "starts_with": "starts with",
    "gt": "is more than", "gte": "is at least", "lt": "is less than", "lte": "is at most",
    "between": "is between", "within_last_days": "was in the last … days",
    "more_than_days_ago": "was more than … days ago", "within_next_days": "is in the next … days",
    "before": "is before", "after": "is after", "is_set": "is known", "is_not_set": "is not known",
}  # fmt: skip

_EQUAL: tuple[Operator, ...] = ("is", "is_not", "in", "not_in")
_KNOWN: tuple[Operator, ...] = ("is_set", "is_not_set")
_ORDER: tuple[Operator, ...] = ("is", "is_not", "gt", "gte", "lt", "lte", "between")
_PAST: tuple[Operator, ...] = ("within_last_days", "more_than_days_ago", "before", "after", "between")


@dataclass(frozen=True, slots=True)
class Records:
    """Rows about a contact, alias `r`. Conditions of one `all` group on the same `key` speak of
    the same row. `only` picks the rows meant; `{now}` in it is the moment asked about."""

    key: str
    table: str
    only: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """`sql` is the column or expression, over `c` or, with `records`, over `r`.

    `how`: `value` compares it; `latest`/`earliest` compare the greatest or least over the
    records; `count` counts them; `years`/`days` turn a date into an age in whole practice-local
    units; `birthday` looks at month and day only.
    """

    name: str
    label: str
    group: str
    type: FieldType
    sql: str
    records: Records | None = None
    how: How = "value"
    nullable: bool = False
    day_column: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    future: bool = False
    help: str = ""

    @property
    def operators(self) -> tuple[Operator, ...]:
        if self.how == "birthday":
            return ("within_next_days", "within_last_days", *_KNOWN)
        if self.how == "consent":
            return _EQUAL
        match self.type:
            case "text":
                return (*_EQUAL, "contains", "starts_with", *_KNOWN)
            case "choice":
                return (*_EQUAL, *_KNOWN) if self.nullable or self.records or not self.choices else _EQUAL
            case "number":
                return (
                    (*_ORDER, *_KNOWN) if self.nullable or (self.records and self.how != "count") else _ORDER
                )
            case "date":
                return ("within_next_days", *_PAST, *_KNOWN) if self.future else (*_PAST, *_KNOWN)
            case "bool":
                return ("is",)


def _titled(*values: str) -> tuple[tuple[str, str], ...]:
    return tuple((value, value.replace("_", " ").capitalize()) for value in values)


PIPELINE = Records("pipeline", "canonical.opportunity")
PROPOSAL = Records("proposal", "canonical.proposal")
LOYALTY = Records("loyalty", "canonical.loyalty")
CARE_PLAN = Records("care_plan", "canonical.care_plan")
ATTENDED = Records("attended", "canonical.appointment", "r.status = 'attended' AND r.starts_at <= {now}")
NO_SHOW = Records("no_show", "canonical.appointment", "r.status = 'no_show' AND r.starts_at <= {now}")
BOOKED = Records("booked", "canonical.appointment", "r.status = 'booked' AND r.starts_at > {now}")


def _engaged(kind: str) -> Records:
    return Records(kind, "canonical.engagement", f"r.kind = '{kind}' AND r.at <= {{now}}")


def _consent(channel: str, label: str) -> Field:
    rows = Records(
        f"consent.{channel}",
        "canonical.consent",
        f"r.channel = '{channel}' AND r.purpose = 'marketing'",
    )
    choices = (("granted", "Given"), ("revoked", "Withdrawn"), ("unknown", "Never asked"))
    return Field(
        f"consent.{channel}", label, "Consent", "choice", "r.state", rows, "consent", choices=choices
    )


_ALL = (
    Field("contact.kind", "kind of contact", "Person", "choice", "c.kind",
          choices=_titled("lead", "patient", "partner")),
    Field("contact.age", "age", "Person", "number", "c.date_of_birth", how="years", nullable=True,
          day_column=True, help="Whole years today; people without a date of birth have no age."),
    Field("contact.birthday", "birthday", "Person", "date", "c.date_of_birth", how="birthday",
          nullable=True, day_column=True,
          help="Month and day. A 29 February birthday falls on 1 March in other years."),
    Field("contact.gender", "gender", "Person", "choice", "c.gender"),
    Field("contact.postcode", "postcode", "Person", "text", "c.postcode"),
    Field("contact.locale", "language", "Person", "choice", "c.locale"),
    Field("contact.company", "company", "Person", "text", "c.company"),
    Field("contact.app_user", "uses the patient app", "Person", "bool", "c.app_user"),
    Field("contact.has_email", "has an email address", "Person", "bool", "(c.email IS NOT NULL)"),
    Field("contact.has_phone", "has a phone number", "Person", "bool", "(c.phone IS NOT NULL)"),
    Field("contact.in_household", "shares a household", "Person", "bool", "(c.household_id IS NOT NULL)"),
    Field("contact.registered", "registration", "Person", "date", "c.registered_at"),
    Field("contact.source_channel", "source channel", "Where they came from", "choice", "c.source_channel"),
    Field("contact.source_system", "source system", "Where they came from", "choice", "c.source_system"),
    Field("contact.source_list", "source list", "Where they came from", "text", "c.source_list"),
    Field("contact.utm_campaign", "UTM campaign", "Where they came from", "text", "c.utm_campaign"),
    Field("contact.lead_status", "lead status", "Where they came from", "choice", "c.lead_status"),
    Field("contact.first_touch", "first contact", "Where they came from", "date", "c.first_touch_at",
          nullable=True),
    Field("appointment.last_attended", "last visit", "Appointments", "date", "r.starts_at", ATTENDED, "latest"),
    Field("appointment.count_attended", "number of visits", "Appointments", "number", "r.starts_at", ATTENDED,
          "count"),
    Field("appointment.next_booked", "next appointment", "Appointments", "date", "r.starts_at", BOOKED,
          "earliest", future=True),
    Field("appointment.last_no_show", "last missed appointment", "Appointments", "date", "r.starts_at",
          NO_SHOW, "latest"),
    Field("pipeline.stage", "pipeline stage", "Treatment pipeline", "choice", "r.stage", PIPELINE),
    Field("pipeline.stack", "pipeline stack", "Treatment pipeline", "choice", "r.stack", PIPELINE),
    Field("pipeline.outcome", "pipeline outcome", "Treatment pipeline", "choice", "r.outcome", PIPELINE,
          choices=_titled("open", "won", "lost", "deferred", "withdrawn", "won_future_potential")),
    Field("pipeline.treatment", "treatment asked about", "Treatment pipeline", "choice", "r.treatment",
          PIPELINE),
    Field("pipeline.value", "opportunity value", "Treatment pipeline", "number", "r.value", PIPELINE),
    Field("pipeline.opened", "opportunity opening", "Treatment pipeline", "date", "r.opened_at", PIPELINE),
    Field("pipeline.closed", "opportunity closing", "Treatment pipeline", "date", "r.closed_at", PIPELINE,
          nullable=True),
    Field("pipeline.deferred_until", "deferral date", "Treatment pipeline", "date", "r.deferred_until",
          PIPELINE, nullable=True, day_column=True, future=True),
    Field("proposal.status", "proposal status", "Proposals", "choice", "r.status", PROPOSAL,
          choices=_titled("created", "accepted", "declined", "stalled")),
    Field("proposal.age_days", "proposal age in days", "Proposals", "number", "r.created_at", PROPOSAL,
          "days"),
    Field("proposal.value", "proposal value", "Proposals", "number", "r.value", PROPOSAL),
    Field("engagement.last_messaged", "last message", "Engagement", "date", "r.at", _engaged("messaged"),
          "latest"),
    Field("engagement.last_opened", "last opened message", "Engagement", "date", "r.at", _engaged("opened"),
          "latest"),
    Field("engagement.last_clicked", "last click", "Engagement", "date", "r.at", _engaged("clicked"), "latest"),
    Field("engagement.last_replied", "last reply", "Engagement", "date", "r.at", _engaged("replied"), "latest"),
    _consent("email", "email consent"),
    _consent("sms", "SMS consent"),
    _consent("whatsapp", "WhatsApp consent"),
    _consent("in_app", "in-app consent"),
    Field("loyalty.tier", "loyalty tier", "Loyalty and care plan", "choice", "r.tier", LOYALTY),
    Field("loyalty.points", "loyalty points", "Loyalty and care plan", "number", "r.points", LOYALTY),
    Field("loyalty.joined", "joining the loyalty scheme", "Loyalty and care plan", "date", "r.joined_on",
          LOYALTY, day_column=True),
    Field("care_plan.status", "care plan status", "Loyalty and care plan", "choice", "r.status", CARE_PLAN,
          choices=_titled("eligible", "active", "lapsed")),
    Field("care_plan.plan", "care plan", "Loyalty and care plan", "choice", "r.plan", CARE_PLAN),
    Field("care_plan.started", "care plan start", "Loyalty and care plan", "date", "r.started_on", CARE_PLAN,
          nullable=True, day_column=True),
)  # fmt: skip

FIELDS: dict[str, Field] = {field.name: field for field in _ALL}

BEHAVIOURS: dict[Behaviour, tuple[str, str, str]] = {
    "opened": ("canonical.engagement", "r.at", "r.kind = 'opened'"),
    "clicked": ("canonical.engagement", "r.at", "r.kind = 'clicked'"),
    "replied": ("canonical.engagement", "r.at", "r.kind = 'replied'"),
    "messaged": ("canonical.engagement", "r.at", "r.kind = 'messaged'"),
    "booked": ("canonical.appointment", "r.booked_at", ""),
    "attended": ("canonical.appointment", "r.starts_at", "r.status = 'attended'"),
    "missed": ("canonical.appointment", "r.starts_at", "r.status = 'no_show'"),
    "cancelled": ("canonical.appointment", "r.starts_at", "r.status = 'cancelled'"),
    "proposal_created": ("canonical.proposal", "r.created_at", ""),
    "proposal_accepted": ("canonical.proposal", "r.status_at", "r.status = 'accepted'"),
}
"""Where a behaviour is recorded: table, when it happened, which rows. A cancelled appointment
counts on the day it was for, once that day has come; when it was cancelled is not recorded."""


def catalogue() -> list[FieldInfo]:
    """The fields in the order an editor shows them."""
    return [
        FieldInfo(
            name=field.name,
            label=field.label,
            group=field.group,
            type=field.type,
            operators=tuple((op, WORDS[op]) for op in field.operators),
            choices=field.choices,
            open_choices=field.type == "choice" and not field.choices,
            help=field.help,
        )
        for field in _ALL
    ]
