"""What callers see of a person's rights (D27)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

ERASED_BY_STAFF = "by staff"
"""Stands for the event in an erasure that nobody sent one for."""


@dataclass(frozen=True, slots=True)
class MessageConsent:
    """One channel of one message, and the consent on file at the moment the gates were asked.

    `state` and what follows are empty where none was on file then: nothing was sent on that channel.
    `sent_on` is the channel it went out on, once it did.
    """

    dispatch_id: UUID
    asked_at: datetime
    campaign: str
    channel: str
    sent_on: str
    status: str
    purpose: str
    state: str
    since: datetime | None
    method: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of record about a person, and whose it is."""

    name: str
    held_by: str
    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class AccessReport:
    """Everything held about one contact, as it stood at `made_at` (UTC)."""

    contact_id: UUID
    practice_id: UUID
    made_at: datetime
    made_by: str
    sections: tuple[Section, ...]
    consent_per_message: tuple[MessageConsent, ...]


@dataclass(frozen=True, slots=True)
class ErasureProgress:
    """When they were forgotten here; whether the platform has; whether the others were told by it."""

    here: datetime | None
    platform: bool
    told: bool
