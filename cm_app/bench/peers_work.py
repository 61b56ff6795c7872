"""The one send that every peer does: is there consent, is it the first time, hand over, audit.

Four plain statements in one transaction, as a team would write them. Each peer brings its own
connection; nothing here knows which queue called.
"""

from datetime import datetime
from typing import Any

import orjson

SCHEMA = (
    "DROP SCHEMA IF EXISTS peer CASCADE",
    "CREATE SCHEMA peer",
    "CREATE TABLE peer.send (idempotency_key text PRIMARY KEY, practice_id uuid NOT NULL, contact_id uuid NOT NULL,"
    " requested_at timestamptz NOT NULL)",
    "CREATE TABLE peer.outbox (outbox_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, contact_id uuid NOT NULL,"
    " type text NOT NULL, data json NOT NULL, at timestamptz NOT NULL)",
    "CREATE TABLE peer.audit (audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, contact_id uuid NOT NULL,"
    " tag text NOT NULL, at timestamptz NOT NULL)",
)
LATEST = "SELECT practice_id FROM cm.practice ORDER BY practice_id DESC LIMIT 1"
"""The practice made last: it is the one that is measured."""
CONSENT = """
SELECT 1 FROM canonical.consent WHERE practice_id = %(practice)s AND contact_id = %(contact)s
  AND channel = 'email' AND purpose = 'marketing' AND state = 'granted'
"""
RECORD = """
INSERT INTO peer.send (idempotency_key, practice_id, contact_id, requested_at)
VALUES (%(key)s, %(practice)s, %(contact)s, %(now)s) ON CONFLICT DO NOTHING
"""
HAND_OVER = """
INSERT INTO peer.outbox (contact_id, type, data, at)
VALUES (%(contact)s, 'campaign.step.requested', %(data)s, %(now)s)
"""
AUDIT = "INSERT INTO peer.audit (contact_id, tag, at) VALUES (%(contact)s, %(tag)s, %(now)s)"


def bound(practice: str, contact: str, now: datetime) -> dict[str, Any]:
    key = f"bench/{contact}"
    data = orjson.dumps({"contact_id": contact, "idempotency_key": key}).decode()
    return {"practice": practice, "contact": contact, "key": key, "data": data, "now": now}


def send_one(connection: Any, practice: str, contact: str, now: datetime) -> None:
    """On a psycopg connection, inside the caller's transaction."""
    values = bound(practice, contact, now)
    if connection.execute(CONSENT, values).fetchone() is None:
        connection.execute(AUDIT, {**values, "tag": "refused"})
        return
    if connection.execute(RECORD, values).rowcount:
        connection.execute(HAND_OVER, values)
        connection.execute(AUDIT, {**values, "tag": "requested"})


async def send_one_async(connection: Any, practice: str, contact: str, now: datetime) -> None:
    """The same on an asynchronous psycopg connection."""
    values = bound(practice, contact, now)
    if await (await connection.execute(CONSENT, values)).fetchone() is None:
        await connection.execute(AUDIT, {**values, "tag": "refused"})
        return
    if (await connection.execute(RECORD, values)).rowcount:
        await connection.execute(HAND_OVER, values)
        await connection.execute(AUDIT, {**values, "tag": "requested"})


def everybody(connection: Any) -> list[tuple[str, str]]:
    """(practice, contact) of all people of the practice, as a task's arguments."""
    rows = connection.execute(
        f"SELECT practice_id, contact_id FROM canonical.contact WHERE practice_id = ({LATEST}) ORDER BY contact_id"
    )
    return [(str(practice), str(contact)) for practice, contact in rows]
