"""Finding a person and reading who they are, for staff: the one read of names in this module.

Reads `canonical` only and stores nothing. Opening a person is audited; a list of names is not,
because it shows no more than a reception's screen does (000 §8, §9).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.audit.append import record
from services.audit.tags import AuditTag
from services.kit.errors import Forbidden, NotFound
from services.kit.uow import Unit

_COLUMNS = """
SELECT c.contact_id, c.first_name, c.last_name, c.kind, c.email, c.phone, c.date_of_birth,
       c.registered_at, c.do_not_contact, c.deceased, c.app_user, c.whatsapp_verified, c.timezone,
       c.source_system, c.household_id,
       (SELECT max(a.starts_at) FROM canonical.appointment a WHERE a.practice_id = c.practice_id
          AND a.contact_id = c.contact_id AND a.status = 'attended') AS last_visit,
       (SELECT min(a.starts_at) FROM canonical.appointment a WHERE a.practice_id = c.practice_id
          AND a.contact_id = c.contact_id AND a.status = 'booked' AND a.starts_at > :now) AS next_visit,
       (SELECT count(*) FROM cm.enrolment e WHERE e.practice_id = c.practice_id
          AND e.contact_id = c.contact_id AND e.state IN ('live', 'held')) AS journeys,
       EXISTS (SELECT 1 FROM cm.suppression s WHERE s.practice_id = c.practice_id
          AND s.contact_id = c.contact_id AND s.scope = 'all' AND s.lifted_at IS NULL
          AND (s.expires_at IS NULL OR s.expires_at > :now)) AS stopped
FROM canonical.contact c
WHERE c.practice_id = :practice AND c.merged_into IS NULL
"""
SEARCH = (
    _COLUMNS
    + """
  AND (:text = '' OR lower(c.first_name || ' ' || c.last_name) LIKE :part
       OR lower(c.last_name) LIKE :start OR lower(c.email) LIKE :start
       OR (:digits <> '' AND c.phone LIKE :number))
  AND (:kind = '' OR c.kind = :kind)
  AND (c.first_name || c.last_name <> '' OR c.email IS NOT NULL OR c.phone IS NOT NULL) -- of the erased nothing is left
ORDER BY lower(c.last_name), lower(c.first_name), c.contact_id
LIMIT :limit
"""
)
NAMED = """
SELECT c.contact_id, trim(c.first_name || ' ' || c.last_name) AS name FROM canonical.contact c
WHERE c.practice_id = :practice AND c.contact_id = ANY (CAST(:contacts AS uuid[]))
ORDER BY lower(c.last_name), lower(c.first_name), c.contact_id
"""
ONE = _COLUMNS + " AND c.contact_id = :contact"
CONSENTS = """
SELECT channel, purpose, state, method, evidence, effective_at FROM canonical.consent
WHERE practice_id = :practice AND contact_id = :contact ORDER BY channel, purpose
"""


@dataclass(frozen=True, slots=True)
class PersonFound:
    """One person of a search. Times are UTC; `journeys` counts live and held enrolments."""

    contact_id: UUID
    first_name: str
    last_name: str
    kind: str
    email: str | None
    phone: str | None
    date_of_birth: date | None
    registered_at: datetime
    do_not_contact: bool
    deceased: bool
    app_user: bool
    whatsapp_verified: bool
    timezone: str
    source_system: str
    household_id: UUID | None
    last_visit: datetime | None
    next_visit: datetime | None
    journeys: int
    stopped: bool

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(frozen=True, slots=True)
class ConsentFound:
    channel: str
    purpose: str
    state: str
    method: str
    evidence: str
    effective_at: datetime


@dataclass(frozen=True, slots=True)
class PersonOpened:
    person: PersonFound
    consents: tuple[ConsentFound, ...]


async def search_people(u: Unit, text: str = "", *, kind: str = "", limit: int = 50) -> list[PersonFound]:
    """People whose name contains, or whose last name, email or phone begins with, `text`."""
    _may_read(u)
    wanted = " ".join(text.lower().split())[:80]
    plain = wanted.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    digits = "".join(ch for ch in wanted if ch.isdigit()).lstrip("0")
    rows = await u.execute(
        SEARCH,
        practice=u.practice_id,
        now=u.now,
        text=wanted,
        part=f"%{plain}%",
        start=f"{plain}%",
        digits=digits if len(digits) > 3 else "",
        number=f"%{digits}%",
        kind=kind,
        limit=min(limit, 201),
    )
    return [PersonFound(**row) for row in rows.mappings()]


async def people_named(u: Unit, contact_ids: Sequence[UUID]) -> list[tuple[UUID, str]]:
    """(id, name) of people of this practice by name, 500 at most; unknown ids are left out."""
    _may_read(u)
    rows = await u.execute(NAMED, practice=u.practice_id, contacts=list(contact_ids)[:500])
    return [(row.contact_id, row.name) for row in rows]


async def open_person(u: Unit, contact_id: UUID, *, again: bool = False) -> PersonOpened:
    """One person with their consents. Audited, except when a page only reads `again` to refresh.

    Raises NotFound for a contact of another practice or none.
    """
    _may_read(u)
    row: Any = (
        (await u.execute(ONE, practice=u.practice_id, now=u.now, contact=contact_id)).mappings().one_or_none()
    )
    if row is None:
        raise NotFound("There is no such person in this practice.")
    consents = await u.execute(CONSENTS, practice=u.practice_id, contact=contact_id)
    if not again:
        await record(u, AuditTag.PERSONAL_DATA_READ, contact_id=contact_id, what="person")
    return PersonOpened(PersonFound(**row), tuple(ConsentFound(**c) for c in consents.mappings()))


async def require_person(u: Unit, contact_id: UUID) -> None:
    """Raise NotFound for a contact of another practice or none. Reads nothing about them."""
    found = await u.execute(
        "SELECT 1 FROM canonical.contact WHERE practice_id = :practice AND contact_id = :contact"
        " AND merged_into IS NULL",
        practice=u.practice_id,
        contact=contact_id,
    )
    if found.first() is None:
        raise NotFound("There is no such person in this practice.")


def _may_read(u: Unit) -> None:
    if not (u.actor.may("read") or u.actor.may("suppress")):
        raise Forbidden("Your role does not let you look people up.")
