"""Set-based writes to the shared data model that several parts of the platform make."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.kit.ids import new_id
from services.kit.uow import Unit

ALL_CHANNELS = ("in_app", "email", "sms", "whatsapp")


async def insert(u: Unit, table: str, rows: Sequence[dict[str, Any]], *, once: bool = False) -> int:
    """Insert dicts with the same keys in one statement; returns how many. `once` skips repeats."""
    if not rows:
        return 0
    columns = ", ".join(rows[0])
    done = await u.execute(
        f"INSERT INTO {table} (practice_id, {columns}) SELECT :practice, {columns}"
        f" FROM jsonb_populate_recordset(NULL::{table}, CAST(:rows AS jsonb))"
        + (" ON CONFLICT DO NOTHING" if once else ""),
        practice=u.practice_id,
        rows=orjson.dumps(rows).decode(),
    )
    return int(done.rowcount)


async def grant(
    u: Unit,
    grants: Sequence[tuple[UUID, str]],
    *,
    purpose: str,
    method: str,
    evidence: str,
    effective_at: datetime,
) -> int:
    """Record consent for (contact, channel) pairs, with its proof, and say so on the bus. A withdrawal of
    the same moment or later stands: the proof is kept, nothing changes and nothing is said."""
    rows = [
        {
            "consent_event_id": new_id(), "contact_id": contact_id, "channel": channel,
            "purpose": purpose, "state": "granted", "method": method, "evidence": evidence,
            "effective_at": effective_at, "recorded_at": u.now,
        }
        for contact_id, channel in grants
    ]  # fmt: skip
    await insert(u, "canonical.consent_history", rows)
    held: set[tuple[UUID, str]] = set()
    if rows:
        changed = await u.execute(
            "INSERT INTO canonical.consent AS held (practice_id, contact_id, channel, purpose, state, method,"
            " evidence, effective_at)"
            " SELECT :practice, contact_id, channel, purpose, state, method, evidence, effective_at"
            " FROM jsonb_populate_recordset(NULL::canonical.consent_history, CAST(:rows AS jsonb))"
            " ON CONFLICT (practice_id, contact_id, channel, purpose) DO UPDATE SET"
            " state = excluded.state, method = excluded.method, evidence = excluded.evidence,"
            " effective_at = excluded.effective_at"
            " WHERE held.state <> 'revoked' OR held.effective_at < excluded.effective_at"
            " RETURNING contact_id, channel",
            practice=u.practice_id,
            rows=orjson.dumps(rows).decode(),
        )
        held = {(row.contact_id, row.channel) for row in changed}
    for contact_id, channel in grants:
        if (contact_id, channel) in held:
            _say(u, "granted", contact_id, channel, purpose, method)
    return len(rows)


async def revoke(u: Unit, contact_id: UUID, *, channel: str, purpose: str, method: str, evidence: str) -> int:
    """Withdraw consent for a channel or `all`, a purpose or `all`; returns how many rows changed.

    `all` purposes are those the contact ever answered for, and marketing. A withdrawal that was
    never granted is written too: it is an answer. The event goes out even when nothing changed.
    """
    changed = await u.execute(
        """
        WITH wanted AS (
          SELECT channel, purpose FROM unnest(CAST(:channels AS text[])) channel,
            unnest(CAST(:purposes AS text[])) purpose
          UNION
          SELECT channel, purpose FROM canonical.consent
          WHERE :every AND practice_id = :practice AND contact_id = :contact
            AND channel = ANY(CAST(:channels AS text[]))
        )
        INSERT INTO canonical.consent AS held
          (practice_id, contact_id, channel, purpose, state, method, evidence, effective_at)
        SELECT :practice, :contact, channel, purpose, 'revoked', :method, :evidence, :now FROM wanted
        ON CONFLICT (practice_id, contact_id, channel, purpose) DO UPDATE SET state = 'revoked',
          method = excluded.method, evidence = excluded.evidence, effective_at = excluded.effective_at
        WHERE held.state <> 'revoked'
        RETURNING channel, purpose
        """,
        practice=u.practice_id,
        contact=contact_id,
        channels=list(ALL_CHANNELS) if channel == "all" else [channel],
        purposes=["marketing"] if purpose == "all" else [purpose],
        every=purpose == "all",
        method=method,
        evidence=evidence,
        now=u.now,
    )
    rows = [
        {
            "consent_event_id": new_id(), "contact_id": contact_id, "channel": row.channel,
            "purpose": row.purpose, "state": "revoked", "method": method, "evidence": evidence,
            "effective_at": u.now, "recorded_at": u.now,
        }
        for row in changed
    ]  # fmt: skip
    await insert(u, "canonical.consent_history", rows)
    _say(u, "revoked", contact_id, channel, purpose, method)
    return len(rows)


def _say(u: Unit, what: str, contact_id: UUID, channel: str, purpose: str, method: str) -> None:
    data = {
        "contact_id": str(contact_id), "practice_id": str(u.practice_id), "channel": channel,
        "purpose": purpose, "method": method,
    }  # fmt: skip
    u.emit(f"consent.{what}", data, contact_id=contact_id)
