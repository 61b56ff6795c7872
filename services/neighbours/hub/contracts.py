"""What the Hub's parts say to each other: a claimed message, its recipient, what an adapter reports."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from services.contracts.events import ContactCaps
from services.contracts.journey import Channel
from services.contracts.languages import chosen


@dataclass(frozen=True, slots=True)
class Practice:
    """Who a message comes from, as `canonical.practice` has it."""

    practice_id: UUID
    name: str
    timezone: str
    postal_address: str
    phone: str
    email: str
    booking_url: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """One due message, locked by the transaction that decides about it."""

    dispatch_id: UUID
    campaign_id: UUID
    contact_id: UUID
    channels: Sequence[Channel]
    content_ref: str
    topic: str
    purpose: str
    caps: ContactCaps
    test: bool
    attempts: int
    token: str
    accepted_at: datetime
    traceparent: str | None = None
    to_address: str = ""
    """A test's: where it goes, whoever reads it there; `language` is that of its words."""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """The recipient at this moment: how to reach them, what they allow, what they got lately.

    `granted` and `closed` are channels; `touches` are the starts of earlier marketing hand-offs,
    oldest first. `stop` is a reason that forbids every channel, or empty.
    """

    contact_id: UUID
    stop: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str | None = None
    phone: str | None = None
    whatsapp_verified: bool = False
    app_user: bool = False
    timezone: str = ""
    locale: str = ""
    granted: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    touches: tuple[datetime, ...] = ()
    next_appointment_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One finished message. `html`, `unsubscribe_url` and `links` are for email only."""

    dispatch_id: UUID
    practice_id: UUID
    contact_id: UUID
    channel: Channel
    to: str
    sender: str
    subject: str
    text: str
    reply_to: str = ""
    html: str = ""
    unsubscribe_url: str = ""
    links: tuple[str, ...] = ()
    return_path: str = ""  # email: where it comes back to, an address of its own
    language: str = ""  # locale of the words; empty: those for everybody

    @property
    def digest(self) -> str:
        """SHA-256 of the finished message, for the record of what was written to whom (CNT-6)."""
        whole = "\0".join((self.subject, self.text, self.html))
        return hashlib.sha256(whole.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Words:
    """What a reference says: channel to {subject, body, preheader}, and the same by locale."""

    content: Mapping[Channel, Mapping[str, str]]
    translations: Mapping[str, Mapping[Channel, Mapping[str, str]]] = field(default_factory=dict)

    def on(self, channel: Channel, locale: str) -> tuple[str, Mapping[str, str]]:
        """The words of a channel that someone with this locale reads, and in which language."""
        written = [
            language
            for language, there in self.translations.items()
            if there.get(channel, {}).get("body", "").strip()
        ]
        language = chosen(locale, written)
        return language, (self.translations[language] if language else self.content)[channel]


@dataclass(frozen=True, slots=True)
class Sent:
    """The transport took it. `delivered`: it also vouches for the delivery."""

    provider_id: str = ""
    delivered: bool = True


@dataclass(frozen=True, slots=True)
class Later:
    """Did not go, may go later."""

    reason: str


@dataclass(frozen=True, slots=True)
class Never:
    """Refused for good. `address_dead`: nothing will ever reach this address."""

    reason: str
    address_dead: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """The connection broke after the words were out: it may have gone, so it is not repeated."""

    reason: str


Outcome = Sent | Later | Never | Unknown


Begin = Callable[[Outgoing], Awaitable[None]]


async def unmarked(_: Outgoing) -> None:
    """For who needs no marks: nothing is cut off that must not be repeated."""


class Adapter(Protocol):
    """A way out. One contract test suite runs against every implementation.

    `idempotent`: handing the same `dispatch_id` over twice reaches the person once, so work cut
    off by a crash is repeated. Without it the adapter calls `begin` for each message before its words
    go out: what had begun when it was cut off is reported as failed and never repeated.
    `metered`: counts against the practice's hourly allowances (001 BR-CAM-006).
    `simulated`: nobody is there to open or click, so a demo may pretend.
    """

    @property
    def name(self) -> str: ...
    @property
    def idempotent(self) -> bool: ...
    @property
    def metered(self) -> bool: ...
    @property
    def simulated(self) -> bool: ...

    async def hand_over(self, batch: Sequence[Outgoing], begin: Begin = unmarked, /) -> list[Outcome]:
        """One outcome a message, in order. Never raises for what a transport may do."""
        ...


Adapters = Mapping[Channel, Adapter]


@dataclass(frozen=True, slots=True)
class Report:
    """One `hub.message.*` event to come; `more` are further fields of HubMessageEvent."""

    status: str
    dispatch_id: UUID
    contact_id: UUID
    campaign_id: UUID
    channel: Channel | None = None
    test: bool = False
    traceparent: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
