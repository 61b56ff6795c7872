"""What the plain model knows: people, campaigns, walks through them, and what was sent."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.contracts.journey import Caps, Entry, Journey, Step

BACK = ("requested", "accepted")
"""A request in one of these can still be taken back."""
FORGOTTEN = timedelta(days=60)
"""What was asked for longer ago is not looked for any more."""
NEVER_ARRIVED = ("cancelled", "failed", "bounced")


@dataclass(eq=False)
class Ban:
    """A live suppression. `at`: when what caused it happened."""

    reason: str
    scope: str = "all"
    channel: str | None = None
    types: tuple[str, ...] = ()
    goal: str | None = None
    ref: str | None = None
    at: datetime | None = None
    expires: datetime | None = None

    def covers(self, campaign: "Campaign") -> bool:
        match self.scope:
            case "all":
                return True
            case "types":
                return campaign.journey.campaign_type in self.types
            case "goal":
                return campaign.journey.goal.objective == self.goal
        return False

    def same(self, other: "Ban") -> bool:
        return (self.reason, self.scope, self.channel, self.ref) == (
            other.reason, other.scope, other.channel, other.ref,
        )  # fmt: skip


@dataclass(eq=False)
class Person:
    id: UUID
    kind: str
    consent: dict[str, str]
    zone: str = "Europe/London"
    household: UUID | None = None
    email: str = ""
    phone: str = ""
    do_not_contact: bool = False
    emergency_open: bool = False
    consent_at: dict[str, datetime] = field(default_factory=dict)
    bans: list[Ban] = field(default_factory=list)
    opened: list[datetime] = field(default_factory=list)
    heard: list[tuple[str, str, datetime]] = field(default_factory=list)
    """(type, the part of it that says which, when it happened) of every event about them."""

    def address(self, channel: str) -> str:
        return self.email if channel == "email" else self.phone


@dataclass(eq=False)
class Execution:
    """One run over the audience. `planned`: what a schedule asked for, perhaps long before it started."""

    started: datetime
    planned: datetime | None = None
    scanning: bool = True
    scanned: datetime | None = None
    ended: bool = False


@dataclass(eq=False)
class Campaign:
    id: UUID
    version: UUID
    journey: Journey
    kind: str
    activated: datetime
    state: str = "active"
    resumed: datetime | None = None
    executions: list[Execution] = field(default_factory=list)

    @property
    def entry(self) -> Entry:
        return next(s for s in self.journey.steps if isinstance(s, Entry))

    def step(self, step_id: str) -> Step:
        return next(s for s in self.journey.steps if s.id == step_id)


@dataclass(eq=False)
class Walk:
    """One entry of one person into one campaign. `event`: what they wait for has come."""

    person: Person
    campaign: Campaign
    number: int
    step: str
    due: datetime
    entered: datetime
    execution: Execution | None = None
    state: str = "live"
    why: str | None = None
    ended: datetime | None = None
    event: bool = False

    @property
    def open(self) -> bool:
        return self.state in ("live", "held")

    def end(self, state: str, why: str, now: datetime) -> None:
        self.state, self.why, self.ended = state, why, now


@dataclass(eq=False)
class Sent:
    """One request to the Hub. `relayed`: it has left the outbox; `id` once somebody read it."""

    walk: Walk
    step: str
    at: datetime
    channels: tuple[str, ...]
    status: str = "requested"
    relayed: bool = False
    id: UUID | None = None

    def take_back(self, now: datetime) -> None:
        if self.status in BACK and self.at > now - FORGOTTEN:
            self.status = "cancel_requested" if self.relayed else "cancelled"


@dataclass
class Practice:
    """What the practice decided for itself."""

    caps: Caps
    holdout: float
    holidays: tuple[str, ...] = ()
    killed: bool = False
    blocked: set[str] = field(default_factory=set)
    """Addresses and phone numbers nobody is written to."""
