"""Writing the audit: in the transaction of the act, one batch a transaction (house rule 10).

Set-based writers (the engine) insert many rows with `BATCH_INSERT` columns themselves and call
`open_batch`; everyone else calls `record`. The batch's digest is computed when the unit closes.
"""

from collections.abc import Sequence
from typing import Any, TypedDict
from uuid import UUID

import orjson

from services.audit.counting import counted
from services.audit.tags import AuditTag
from services.kit.ids import new_id
from services.kit.together import in_company, set_based
from services.kit.uow import Unit

INSERT = """
INSERT INTO cm.audit (practice_id, at, audit_id, batch_id, seq, tag, actor, campaign_id,
                      enrolment_id, pseudonym, reason, detail, leaf)
SELECT :practice, :at, t.audit_id, :batch, t.seq, t.tag, :actor, t.campaign, t.enrolment, t.pseudonym, t.reason, t.detail,
  cm.audit_leaf((SELECT cm.audit_head(:practice, :at)), t.audit_id, t.tag, :actor, t.campaign, t.enrolment, t.pseudonym, t.reason, t.detail)
FROM json_to_recordset(CAST(:rows AS json)) AS t(audit_id uuid, seq integer, tag text, campaign uuid, enrolment uuid,
  pseudonym uuid, reason text, detail text)
"""

KNOW = """
INSERT INTO cm.subject (practice_id, contact_id, pseudonym, first_seen_at, lane)
SELECT :practice, t.id, uuidv7(), :now, cm.lane(coalesce(c.household_id, t.id))
FROM unnest(CAST(:contacts AS uuid[])) AS t(id)
LEFT JOIN canonical.contact c ON c.practice_id = :practice AND c.contact_id = t.id
ORDER BY t.id
ON CONFLICT DO NOTHING
"""
KNOWN = "SELECT contact_id, pseudonym FROM cm.subject WHERE practice_id = :practice AND contact_id = ANY (:contacts)"

CLOSE = """
INSERT INTO cm.audit_batch (practice_id, batch_id, at, rows, digest)
SELECT :practice, :batch, :at, count(*), sha256(coalesce(string_agg(leaf, ''::bytea ORDER BY seq), ''))
FROM cm.audit WHERE practice_id = :practice AND batch_id = :batch AND at = :at
HAVING count(*) > 0
"""


class Row(TypedDict):
    """One row of the audit, before it has a leaf."""

    audit_id: UUID
    seq: int
    tag: str
    campaign: UUID | None
    enrolment: UUID | None
    pseudonym: UUID | None
    reason: str
    detail: str


def open_batch(u: Unit) -> UUID:
    """The batch of this transaction; its digest is written when the unit closes."""
    u.before_commit(_close_batch)
    return u.unit_id


def next_seq(u: Unit, rows: int = 1) -> int:
    """First of `rows` fresh sequence numbers inside the batch."""
    first: int = u.notes.get("audit_seq", 0)
    u.notes["audit_seq"] = first + rows
    return first


async def record(
    u: Unit,
    tag: AuditTag,
    *,
    campaign_id: UUID | None = None,
    enrolment_id: UUID | None = None,
    contact_id: UUID | None = None,
    reason: str = "",
    **detail: Any,
) -> UUID:
    """Write one audit row now. `detail` holds JSON values and never personal data.

    A contact is stored as its pseudonym, made on first use (D27).
    """
    audit_id = new_id()
    row = Row(
        audit_id=audit_id,
        seq=next_seq(u),
        tag=tag.value,
        campaign=campaign_id,
        enrolment=enrolment_id,
        pseudonym=await pseudonym_of(u, contact_id) if contact_id else None,
        reason=reason,
        detail=orjson.dumps(detail, option=orjson.OPT_SORT_KEYS, default=str).decode(),
    )
    open_batch(u)
    if (counter := counted(tag, reason, detail)) is not None:
        u.after_commit(counter.inc)
    if in_company():
        u.notes.setdefault("audit_rows", []).append(row)
    else:
        await _write(u, [row])
    return audit_id


async def write_noted(u: Unit) -> None:
    """Write what commands that ran side by side recorded, all at once."""
    if rows := u.notes.pop("audit_rows", None):
        await _write(u, rows)


async def _write(u: Unit, rows: Sequence[Row]) -> None:
    await u.execute(
        INSERT, practice=u.practice_id, at=u.now, batch=open_batch(u), actor=u.actor.ref,
        rows=orjson.dumps(rows).decode(),
    )  # fmt: skip


async def pseudonym_of(u: Unit, contact_id: UUID) -> UUID | None:
    """The contact's pseudonym, None for somebody erased; also makes sure that its lock row exists."""
    locked: dict[UUID, UUID | None] = u.notes.get("locked", {})
    return locked.get(contact_id) or await _pseudonym(u, contact_id)


@set_based(5)
async def _pseudonym(u: Unit, contacts: Sequence[UUID]) -> list[UUID | None]:
    known = await pseudonyms(u, contacts)
    return [known[contact] for contact in contacts]


async def pseudonyms(u: Unit, contacts: Sequence[UUID]) -> dict[UUID, UUID | None]:
    """Contact → pseudonym, made on first use and None once destroyed; their lock rows exist afterwards."""
    who = {"practice": u.practice_id, "contacts": list(contacts)}
    await u.execute(KNOW, **who, now=u.now)
    return {row.contact_id: row.pseudonym for row in await u.execute(KNOWN, **who)}


async def _close_batch(u: Unit) -> None:
    await u.execute(CLOSE, practice=u.practice_id, batch=u.unit_id, at=u.now)
