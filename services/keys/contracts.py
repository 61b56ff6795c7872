"""What the commands say about keys. Ids only: a key itself is never in here."""

from dataclasses import dataclass, field
from uuid import UUID

from services.kit.errors import AppError


class CannotRotate(AppError):
    """There is no key to rotate to, or the rotation could not be ended; the message says what to do."""

    code = "cannot_rotate"
    status = 409


class StillNeeded(AppError):
    """The key may not go; the message says why."""

    code = "key_still_needed"
    status = 409


@dataclass(frozen=True, slots=True)
class Key:
    """`where` it comes from, in words; empty for one that is needed and not here."""

    id: str
    where: str
    values: int


@dataclass(frozen=True, slots=True)
class Use:
    """How many values of a column of one practice are sealed under a key."""

    practice_id: UUID
    what: str
    key: str
    values: int


@dataclass(slots=True)
class Rotated:
    """What a rotation did. `unreadable`: values that could not be opened and stayed as they were, and why."""

    key: str
    resealed: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
