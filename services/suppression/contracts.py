"""Suppression, as commands and as what callers see."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.gates.reasons import Reason

Scope = Literal["all", "channel", "topic", "types", "campaign", "goal"]

HOLDING = (
    Reason.RECALL_RECONNECT_ENROLMENT,
    Reason.CONCIERGE_RECOVERY_HOLD,
    Reason.MANUAL_SUPPRESSION,
)
"""Reasons that keep an enrolment waiting; every other one ends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppress:
    """Stop marketing to one contact within a scope, until lifted (or `expires_at`).

    `effect`: what it does to the enrolments in scope: `hold`, `exit`, or `none` for channel and
    topic scopes, where the journey goes on with what is left.
    """

    contact_id: UUID
    reason: Reason
    scope: Scope = "all"
    effect: Literal["hold", "exit", "none"] = "exit"
    channel: str | None = None
    topic: str | None = None
    types: tuple[str, ...] = ()
    campaign_id: UUID | None = None
    goal: str | None = None
    record_ref: str | None = None
    event_id: str | None = None
    event_at: datetime | None = None
    note: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LiveSuppression:
    suppression_id: UUID
    reason: str
    sentence: str
    scope: str
    channel: str | None
    topic: str | None
    note: str
    applied_by: str
    applied_at: datetime
    expires_at: datetime | None
