"""Who may do what (000 §9), and when a sign-in is locked. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from services.kit.actor import PERMISSIONS, Actor, Permission

ROLES: dict[str, frozenset[Permission]] = {
    "marketer": frozenset({"author", "read", "manage", "delete_draft"}),
    "approver": frozenset({"approve", "read", "manage", "suppress"}),
    "front_desk": frozenset({"read", "suppress"}),
    "analyst": frozenset({"read"}),
    "administrator": frozenset({"people", "administer", "compliance", "read", "manage", "suppress"}),
    "compliance": frozenset({"compliance", "read", "suppress"}),
}

BUILT_IN: dict[str, tuple[str, str]] = {
    "marketer": ("Marketer", "Builds campaigns and asks for approval."),
    "approver": ("Approver", "Approves campaigns and keeps an eye on them."),
    "front_desk": ("Front desk", "Looks people up and stops marketing to them."),
    "analyst": ("Analyst", "Reads results."),
    "administrator": ("Administrator", "Looks after accounts, settings and the audit."),
    "compliance": ("Compliance", "Reads the audit and answers for consent."),
}
"""What the roles every practice starts with are called; it may change all of it."""
ADMINISTERS: frozenset[Permission] = frozenset({"people", "administer"})
"""Somebody of the practice must always hold these, or nobody could let anybody in."""

KEY_SCOPES: frozenset[Permission] = frozenset(
    {"author", "read", "manage", "delete_draft", "suppress", "compliance"}
)
"""What an API key may hold. Approving is for a human being (000 §17.2.1), and so are accounts
and settings."""

SESSION_LIFE = timedelta(hours=12)
"""How long a session lasts after its last use."""
SESSION_LONGEST = timedelta(days=7)
"""How long it lasts at most, however much it is used."""
SEEN_EVERY = timedelta(minutes=1)
FRESH_FOR = timedelta(minutes=5)
"""D10: how long a one-time code counts as fresh."""

FAILURES_ALLOWED = 5
LOCKED_FOR = timedelta(minutes=15)
PASSWORD_MINIMUM = 10


def permissions_of(
    roles: Iterable[str], own: Mapping[str, Iterable[str]] | None = None
) -> frozenset[Permission]:
    """The union of the roles' permissions; a role nobody knows gives nothing.

    `own`: the practice's roles and its changes of the built-in ones; a retired one gives nothing.
    """
    known: Mapping[str, Iterable[str]] = {**ROLES, **(own or {})}
    given = {permission for role in roles for permission in known.get(role, ())}
    return frozenset(permission for permission in PERMISSIONS if permission in given)


def label_of(role: str, own: Mapping[str, str]) -> str:
    """What a practice calls a role."""
    return own.get(role) or BUILT_IN.get(role, (role, ""))[0]


def may_not_give(giver: Actor, gained: Iterable[Permission], *, to_self: bool) -> list[Permission]:
    """Which of the permissions somebody gains are not this person's to give.

    Nobody widens what they may do themselves. Whoever is not an administrator gives others only
    what they hold; an administrator gives others anything, because practices keep those who
    administer apart from those who write and approve (000 §9, D9). `to_self` is also what a person
    has in hand without being named: an API key they made, and a role that a group of their own may
    give them (docs/decisions/0020).
    """
    lacking = [permission for permission in gained if not giver.may(permission)]
    return [] if giver.may("administer") and not to_self else lacking


def session_end(begun: datetime, now: datetime) -> datetime:
    """When a session that began at `begun` and is used `now` ends, unless it is used again."""
    return min(now + SESSION_LIFE, begun + SESSION_LONGEST)


BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "a Mac"),
    ("Linux", "Linux"),
)  # fmt: skip


def device_of(user_agent: str) -> str:
    """`Firefox on Windows` of a browser's own description; what is not known is left out."""
    browser = next((name for sign, name in BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in SYSTEMS if sign in user_agent), "")
    return f"{browser or 'A program'} on {system}" if system else browser or "Another program"


def after_failure(failed: int, locked_until: datetime | None, now: datetime) -> tuple[int, datetime | None]:
    """The new count of failures and the end of the lock, if this failure is one too many.

    A lock that has run out starts the count again.
    """
    count = 1 if locked_until is not None and locked_until <= now else failed + 1
    return count, now + LOCKED_FOR if count >= FAILURES_ALLOWED else None


def is_locked(locked_until: datetime | None, now: datetime) -> bool:
    return locked_until is not None and locked_until > now
