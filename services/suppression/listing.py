"""Suppressions of a practice as a list, for integrators and testers (SRF-3). Nothing here decides."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.gates.reasons import sentence
from services.kit.errors import Conflict, Forbidden, NotFound
from services.kit.uow import Unit
from services.suppression import queries


@dataclass(frozen=True, slots=True)
class SuppressionRow:
    """One suppression. `scope` says how much it stops; `lifted_at` is set once it ended."""

    suppression_id: UUID
    contact_id: UUID
    reason: str
    sentence: str
    scope: str
    channel: str | None
    topic: str | None
    campaign_types: list[str] | None
    campaign_id: UUID | None
    note: str
    applied_by: str
    applied_at: datetime
    expires_at: datetime | None
    lifted_at: datetime | None


async def suppressions(
    u: Unit,
    *,
    live: bool = True,
    contact_id: UUID | None = None,
    reason: str | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[SuppressionRow]:
    """Suppressions that hold now, or with `live` False those that ended; the newest first. Needs `read` or
    `suppress`."""
    _may_read(u)
    sql, values = queries.PRACTICE, dict[str, Any](live=live, now=u.now)
    if contact_id is not None:
        sql, values["contact"] = f"{sql} AND contact_id = :contact", contact_id
    if reason is not None:
        sql, values["reason"] = f"{sql} AND reason = :reason", reason
    if before is not None:
        sql += " AND (applied_at, suppression_id) < (:at, :last)"
        values |= {"at": before[0], "last": before[1]}
    sql += " ORDER BY applied_at DESC, suppression_id DESC LIMIT :limit"
    rows = await u.execute(sql, practice=u.practice_id, limit=limit, **values)
    return [_row(row) for row in rows.mappings()]


async def suppression(u: Unit, suppression_id: UUID) -> SuppressionRow:
    """One suppression, ended or not. Needs `read` or `suppress`; raises NotFound."""
    _may_read(u)
    found = await u.execute(queries.ONE, practice=u.practice_id, suppression=suppression_id)
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such suppression.")
    return _row(row)


def require_by_staff(row: SuppressionRow) -> None:
    """Raise Conflict for one that staff did not set: it ends by the event that ends it (D19)."""
    if row.reason != "MANUAL_SUPPRESSION":
        raise Conflict(f"{row.sentence} That ends by itself when its cause does; nobody lifts it by hand.")


def _may_read(u: Unit) -> None:
    if not (u.actor.may("read") or u.actor.may("suppress")):
        raise Forbidden("Your role does not let you see who is suppressed.")


def _row(row: Any) -> SuppressionRow:
    return SuppressionRow(**{**row, "sentence": sentence(row["reason"])})
