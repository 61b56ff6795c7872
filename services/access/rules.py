"""Who may do what (000 §9), and when a sign-in is locked. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from services.kit.actor import Permission

ROLES: dict[str, frozenset[Permission]] = {
    "marketer": frozenset({"author", "read", "manage", "delete_draft"}),
    "approver": frozenset({"approve", "read", "manage", "suppress"}),
    "front_desk": frozenset({"read", "suppress"}),
    "analyst": frozenset({"read"}),
    "administrator": frozenset({"people", "administer", "compliance", "read", "manage", "suppress"}),
    "compliance": frozenset({"compliance", "read", "suppress"}),
}

KEY_SCOPES: frozenset[Permission] = frozenset(
    {"author", "read", "manage", "delete_draft", "suppress", "compliance"}
)
"""What an API key may hold. Approving is for a human being (000 §17.2.1), and so are accounts
and settings."""

SESSION_LIFE = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)
FRESH_FOR = timedelta(minutes=5)
"""D10: how long a one-time code counts as fresh."""

FAILURES_ALLOWED = 5
LOCKED_FOR = timedelta(minutes=15)
PASSWORD_MINIMUM = 10


def permissions_of(roles: Iterable[str]) -> frozenset[Permission]:
    """The union of the roles' permissions; a role nobody knows gives nothing."""
    return frozenset().union(*(ROLES.get(role, frozenset()) for role in roles))


def after_failure(failed: int, locked_until: datetime | None, now: datetime) -> tuple[int, datetime | None]:
    """The new count of failures and the end of the lock, if this failure is one too many.

    A lock that has run out starts the count again.
    """
    count = 1 if locked_until is not None and locked_until <= now else failed + 1
    return count, now + LOCKED_FOR if count >= FAILURES_ALLOWED else None


def is_locked(locked_until: datetime | None, now: datetime) -> bool:
    return locked_until is not None and locked_until > now
