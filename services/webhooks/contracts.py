"""What callers of the webhooks service see: endpoints and what was sent to them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.contracts.events import OUTBOUND

TEST_TYPE = "webhook.test"
"""Sent on request only, so that an integrator sees a real delivery; nobody subscribes to it."""
NOT_OFFERED = frozenset({"campaign.content.published"})
"""The words of messages are the Hub's: they are encrypted at rest here and leave for nobody else."""
EVENT_TYPES: tuple[str, ...] = tuple(sorted(OUTBOUND.keys() - NOT_OFFERED))

EndpointState = Literal["on", "off", "stopped"]
"""`off`: by a person, nothing new is kept for it. `stopped`: by us, after it failed for long."""
DeliveryStatus = Literal["waiting", "delivered", "failed"]
"""`failed` is parked: it is tried again only when a person asks."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`failing_since`: no delivery has succeeded since then. `old_secret_until`: until then every
    request carries a signature of the secret before the last rotation too."""

    endpoint_id: UUID
    label: str
    url: str
    event_types: tuple[str, ...]
    state: EndpointState
    stopped_why: str
    failing_since: datetime | None
    last_success_at: datetime | None
    old_secret_until: datetime | None
    created_at: datetime
    waiting: int
    failed: int


@dataclass(frozen=True, slots=True)
class EndpointWithSecret:
    """`secret` is shown once: it is stored sealed and never given out again."""

    endpoint: Endpoint
    secret: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one endpoint. `code` is the HTTP status of the last answer, if there was one."""

    event_id: UUID
    type: str
    status: DeliveryStatus
    attempts: int
    code: int | None
    problem: str
    queued_at: datetime
    tried_at: datetime | None
    due_at: datetime | None
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Due:
    """A claimed delivery: `attempt` counts from 1."""

    event_id: UUID
    body: bytes
    attempt: int


@dataclass(frozen=True, slots=True)
class Target:
    """Where and with which secrets to send; the newest secret first."""

    url: str
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one attempt. `code` is None when nobody answered; `problem` is ours, in words."""

    code: int | None
    problem: str = ""

    @property
    def ok(self) -> bool:
        return self.code is not None and 200 <= self.code < 300

    @property
    def gone(self) -> bool:
        """The receiver says that it does not want any more (Standard Webhooks)."""
        return self.code == 410
