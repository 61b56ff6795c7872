"""Reading follow-ups: one, a person's, or pages of the practice's."""

import base64
import binascii
from typing import Any
from uuid import UUID

import orjson

from services.followups import queries
from services.followups.contracts import FollowupFilter, FollowupPage, FollowupRow
from services.gates.reasons import sentence
from services.kit.errors import Invalid, NotFound
from services.kit.uow import Unit


async def page(u: Unit, filter: FollowupFilter | None = None) -> FollowupPage:
    """One page, latest due first. Needs `read`. Raises Invalid for a cursor that is none of ours."""
    u.actor.require("read")
    f = filter or FollowupFilter()
    sql, values = queries.ROW, dict[str, Any]()
    for name, condition in (
        ("contact_id", "f.contact_id = :contact_id"),
        ("due_from", "f.due_at >= :due_from"),
        ("due_to", "f.due_at < :due_to"),
    ):
        value = getattr(f, name)
        if value is not None:
            sql, values[name] = f"{sql} AND {condition}", value
    if f.states:
        sql, values["states"] = f"{sql} AND f.state = ANY (:states)", list(f.states)
    if f.cursor:
        after, last = _read_cursor(f.cursor)
        sql += " AND (f.due_at, f.followup_id) < (CAST(:after AS timestamptz), CAST(:last AS uuid))"
        values |= {"after": after, "last": last}
    sql += " ORDER BY f.due_at DESC, f.followup_id DESC LIMIT :n"
    found = await u.execute(sql, practice=u.practice_id, n=f.limit + 1, **values)
    rows = [_row(row) for row in found.mappings()]
    more = len(rows) > f.limit
    rows = rows[: f.limit]
    return FollowupPage(rows=rows, next=_cursor(rows[-1]) if more else None)


async def one(u: Unit, followup_id: UUID) -> FollowupRow:
    """One follow-up. Raises NotFound."""
    found = await u.execute(
        queries.ROW + " AND f.followup_id = :followup", practice=u.practice_id, followup=followup_id
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound("This planned message does not exist.")
    return _row(row)


async def by_key(u: Unit, external_key: str) -> FollowupRow | None:
    found = await u.execute(
        queries.ROW + " AND f.external_key = :key", practice=u.practice_id, key=external_key
    )
    row = found.mappings().one_or_none()
    return _row(row) if row else None


def _row(row: Any) -> FollowupRow:
    return FollowupRow.model_validate(
        dict(row) | {"sentence": sentence(row["reason"]) if row["reason"] else ""}
    )


def _cursor(row: FollowupRow) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([row.due_at, row.followup_id])).decode()


def _read_cursor(cursor: str) -> tuple[str, str]:
    try:
        after, last = orjson.loads(base64.urlsafe_b64decode(cursor.encode()))
        UUID(str(last))
    except (ValueError, binascii.Error) as error:
        raise Invalid("This page no longer exists. Start again from the first one.") from error
    return str(after), str(last)
