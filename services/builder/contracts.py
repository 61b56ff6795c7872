"""What callers of the builder see: problems with their fixes, and what a check may know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from pydantic import Field

from services.contracts.campaign_types import TYPE_KEYS
from services.contracts.envelope import Strict
from services.contracts.events import INBOUND
from services.contracts.journey import Channel

DATE_FIELDS = frozenset({"contact.birthday", "appointment.next_booked", "appointment.last_attended"})
"""Dates of a person's own that a Wait may aim at; the engine knows how to find each."""

Severity = Literal["blocking", "warning"]
Remedy = Literal[
    "share_evenly", "add_email_footer", "add_stop_words", "add_exit", "use_field", "remove_step", "drop_step"
]


class Fix(Strict):
    """One click that removes the problem: `services.builder.fixes.apply_fix` carries it out."""

    label: str
    do: Remedy
    args: dict[str, str] = Field(default_factory=dict)


class Problem(Strict):
    """One thing to put right. `step_id` or `note_id` says where to jump; neither: the campaign as a whole."""

    step_id: str | None = None
    note_id: str | None = None
    code: str
    sentence: str
    severity: Severity = "blocking"
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class TemplateFact:
    """What the check needs of a registered template."""

    name: str
    channel: Channel
    active: bool = True


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What is known around a journey. None means "not known here": that check is left out."""

    campaign_id: str | None = None
    campaign_types: frozenset[str] = TYPE_KEYS
    events: frozenset[str] = field(default_factory=lambda: frozenset(INBOUND))
    fields: frozenset[str] | None = None
    date_fields: frozenset[str] = DATE_FIELDS
    segments: frozenset[str] | None = None
    templates: Mapping[str, TemplateFact] | None = None
    campaigns: frozenset[str] | None = None
    audience_size: int | None = None
    today: date | None = None
