"""Writing the audit: in the transaction of the act, one batch a transaction (house rule 10).

Set-based writers (the engine) insert many rows with `BATCH_INSERT` columns themselves and call
`open_batch`; everyone else calls `record`. The batch's digest is computed when the unit closes.
"""

from typing import Any
from uuid import UUID

import orjson

from services.audit.tags import AuditTag
from services.kit.ids import new_id
from services.kit.uow import Unit

INSERT = """
INSERT INTO cm.audit (practice_id, at, audit_id, batch_id, seq, tag, actor, campaign_id,
                      enrolment_id, pseudonym, reason, detail, leaf)
VALUES (:practice, :at, :audit_id, :batch, :seq, :tag, :actor, :campaign, :enrolment, :pseudonym,
        :reason, :detail,
        cm.audit_leaf(:practice, :at, :audit_id, :tag, :actor, :campaign, :enrolment, :pseudonym,
                      :reason, :detail))
"""

CLOSE = """
INSERT INTO cm.audit_batch (practice_id, batch_id, at, rows, digest)
SELECT :practice, :batch, :at, count(*), sha256(coalesce(string_agg(leaf, ''::bytea ORDER BY seq), ''))
FROM cm.audit WHERE practice_id = :practice AND batch_id = :batch AND at = :at
HAVING count(*) > 0
"""


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
    pseudonym = await pseudonym_of(u, contact_id) if contact_id else None
    await u.execute(
        INSERT,
        practice=u.practice_id,
        at=u.now,
        audit_id=audit_id,
        batch=open_batch(u),
        seq=next_seq(u),
        tag=tag.value,
        actor=u.actor.ref,
        campaign=campaign_id,
        enrolment=enrolment_id,
        pseudonym=pseudonym,
        reason=reason,
        detail=orjson.dumps(detail, option=orjson.OPT_SORT_KEYS, default=str).decode(),
    )
    return audit_id


async def pseudonym_of(u: Unit, contact_id: UUID) -> UUID:
    """The contact's pseudonym; also makes sure that its lock row exists."""
    await u.execute(
        "INSERT INTO cm.subject (practice_id, contact_id, pseudonym, first_seen_at, lane)"
        " SELECT :practice, t.id, :pseudonym, :now, cm.lane(coalesce(c.household_id, t.id))"
        " FROM (SELECT CAST(:contact AS uuid) AS id) t LEFT JOIN canonical.contact c"
        " ON c.practice_id = :practice AND c.contact_id = t.id ON CONFLICT DO NOTHING",
        practice=u.practice_id,
        contact=contact_id,
        pseudonym=new_id(),
        now=u.now,
    )
    found = await u.execute(
        "SELECT pseudonym FROM cm.subject WHERE practice_id = :practice AND contact_id = :contact",
        practice=u.practice_id,
        contact=contact_id,
    )
    pseudonym: UUID = found.scalar_one()
    return pseudonym


async def _close_batch(u: Unit) -> None:
    await u.execute(CLOSE, practice=u.practice_id, batch=u.unit_id, at=u.now)
