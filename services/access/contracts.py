"""What callers of the access service see: people, sessions, keys, and a practice's settings."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Literal
from uuid import UUID

from pydantic import Field, field_validator

from services.access.regions import known_region
from services.contracts.envelope import Strict
from services.contracts.journey import Caps
from services.kit.actor import Actor, Permission

RoleName = Literal["marketer", "approver", "front_desk", "analyst", "administrator", "compliance"]

PLATFORM_EMERGENCY_STACKS = (
    "emergency", "emergency_stack", "urgent", "urgent_care", "trauma", "out_of_hours",
)  # fmt: skip
"""D19: entries of the platform's own list; a practice adds to them and removes none."""


class OutsideSignIn(Strict):
    """Whom a provider's word lets in, and as what. Domains are lower case, roles are keys."""

    domains: tuple[str, ...] = Field((), max_length=20)
    first_roles: tuple[str, ...] = Field((), max_length=20, description="Of people let in by their domain.")
    claim: str = Field("groups", max_length=60, description="Which claim names a person's groups.")
    groups: dict[str, str] = Field(
        default_factory=dict, description="Group → role. Empty: roles are kept here."
    )


class PracticeSettings(Strict):
    """What a practice decides for itself (000 §17.3), stored in `cm.practice.settings`.

    Hours and days are whole numbers; quiet times are the recipient's local time (D23).
    """

    single_operator: bool = False
    concierge_hold_hours: int = Field(72, ge=1, le=24 * 30)
    emergency_stacks: tuple[str, ...] = Field(PLATFORM_EMERGENCY_STACKS, max_length=100)
    long_horizon_types: tuple[str, ...] = Field(
        (), max_length=50, description="Campaign types kept from emergency contacts too (D19)."
    )
    caps: Caps = Caps(max_touches=3, per_days=7, min_gap_hours=24)
    global_holdout_percent: float = Field(0, ge=0, le=10)
    quiet_start: time = time(21, 0)
    quiet_end: time = time(8, 0)
    approval_reminder_hours: int = Field(
        24, ge=1, le=24 * 30, description="How long a request waits before approvers are reminded, once."
    )
    holidays_of: str = Field("GB-ENG", description="Whose public holidays are kept: ISO 3166, “GB-ENG”.")
    outside: OutsideSignIn = OutsideSignIn()
    keep_audit_years: int = Field(7, ge=7, le=30, description="D26; the platform's floor is 7.")
    keep_analytics_years: int = Field(2, ge=2, le=10)
    keep_snapshots_days: int = Field(90, ge=90, le=3_650)
    keep_events_days: int = Field(30, ge=30, le=365)
    cold_threshold_days: int | None = Field(
        None, description="Set in Treatment Pipeline Manager and shown here; saving ignores it (D20)."
    )

    @field_validator("holidays_of")
    @classmethod
    def _region_with_holidays(cls, given: str) -> str:
        return known_region(given)

    @field_validator("emergency_stacks")
    @classmethod
    def _platform_entries_stay(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        own = (name.strip().lower() for name in given)
        return tuple(dict.fromkeys([*PLATFORM_EMERGENCY_STACKS, *(name for name in own if name)]))


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`token` is the only copy of the session's secret: it belongs in an HttpOnly cookie."""

    token: str
    actor: Actor


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One of a person's own sessions; `this_one` is the one that asks."""

    created_at: datetime
    seen_at: datetime
    device: str
    this_one: bool


@dataclass(frozen=True, slots=True)
class Me:
    """The signed-in person as the portal shows them."""

    actor: Actor
    login: str
    roles: tuple[str, ...]
    role_labels: tuple[str, ...]
    practice_label: str
    timezone: str
    has_totp: bool
    has_password: bool
    fresh_until: datetime | None


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """One of the people of the demonstration practice; `what` says what they are for."""

    login: str
    password: str
    display_name: str
    role: RoleName
    what: str
    totp_secret: str


@dataclass(frozen=True, slots=True)
class PersonRow:
    person_id: UUID
    login: str
    display_name: str
    roles: tuple[str, ...]
    active: bool
    has_totp: bool
    locked_until: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RoleRow:
    """A role of a practice. `built_in`: the product brought it; the practice may have changed it.
    A retired one gives nothing. `people`: how many active accounts have it."""

    key: str
    label: str
    description: str
    permissions: frozenset[Permission]
    built_in: bool
    retired: bool
    people: int


@dataclass(frozen=True, slots=True)
class TotpSetup:
    """A secret to put in an authenticator app; it counts once a code from it was confirmed."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    api_key_id: UUID
    label: str
    scopes: tuple[str, ...]
    created_by: UUID
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """`key` is shown once: only its hash is stored."""

    api_key_id: UUID
    key: str
