"""The board of notices: who is left alone until what came in about them has been taken in (SUP-1)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.claim import BY_INDEX
from services.kit.uow import Unit
from services.suppression.merging import survivors
from services.suppression.service import lock_contacts

AT_ONCE = text("SELECT source, event_id FROM cm.put_up_notices(:practice, CAST(:rows AS json), :now)")
# Asked before anybody is locked, and again by the insert: only then is it certain.
NEWS = """
SELECT t.source, t.event_id FROM json_to_recordset(CAST(:rows AS json)) AS t(source text, event_id text)
WHERE NOT EXISTS (SELECT 1 FROM cm.inbound_event i
  WHERE i.practice_id = :practice AND i.source = t.source AND i.event_id = t.event_id)
"""
PUT_UP = """
INSERT INTO cm.notice (practice_id, source, event_id, contact_id, at)
SELECT :practice, t.source, t.event_id, t.contact, :now
FROM json_to_recordset(CAST(:rows AS json)) AS t(source text, event_id text, contact uuid)
WHERE NOT EXISTS (SELECT 1 FROM cm.inbound_event i
  WHERE i.practice_id = :practice AND i.source = t.source AND i.event_id = t.event_id)
ON CONFLICT DO NOTHING
"""
STANDING = """
SELECT n.source, n.event_id FROM cm.notice n
JOIN json_to_recordset(CAST(:rows AS json)) AS t(source text, event_id text) USING (source, event_id)
WHERE n.practice_id = :practice
"""
TAKE_DOWN = """
DELETE FROM cm.notice n USING json_to_recordset(CAST(:rows AS json)) AS t(source text, event_id text)
WHERE n.practice_id = :practice AND n.source = t.source AND n.event_id = t.event_id
"""


@dataclass(frozen=True, slots=True)
class Notice:
    """One event about somebody: its key and the person."""

    source: str
    event_id: str
    contact: UUID


async def put_up_at_once(
    connection: AsyncConnection, practice_id: UUID, notices: Sequence[Notice], now: datetime
) -> set[Notice]:
    """A notice for each event that has not been taken in yet, in one transaction and one round trip.
    Returns those left out, for `put_up`: nobody is waited for."""
    known = {(n.source, n.event_id): n for n in notices}
    left_out = await connection.execute(
        AT_ONCE, {"practice": practice_id, "rows": _json(known.values()), "now": now}
    )
    return {known[row.source, row.event_id] for row in left_out}


async def put_up(u: Unit, notices: Iterable[Notice]) -> None:
    """The same in the unit's transaction, for everybody, waiting for whoever holds them.

    The locks are those of a suppression, in its order. So whoever decides about these people has
    committed before we do, or sees the notice; and the event itself is taken in wholly before or after.
    """
    await u.execute(BY_INDEX)
    known = {(n.source, n.event_id): n for n in notices}
    news = await u.execute(NEWS, practice=u.practice_id, rows=_json(known.values()))
    new = [known[row.source, row.event_id] for row in news]
    if not new:
        return
    lives_on = await survivors(u, {n.contact for n in new})
    board = [replace(n, contact=lives_on.get(n.contact, n.contact)) for n in new]
    await lock_contacts(u, {n.contact for n in board})
    await u.execute(PUT_UP, practice=u.practice_id, now=u.now, rows=_json(board))


def _json(notices: Iterable[Notice]) -> str:
    return orjson.dumps(
        [{"source": n.source, "event_id": n.event_id, "contact": n.contact} for n in notices]
    ).decode()


async def standing(u: Unit, events: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these events, (source, id), keep somebody back now."""
    rows = [{"source": source, "event_id": event_id} for source, event_id in events]
    if not rows:
        return set()
    found = await u.execute(STANDING, practice=u.practice_id, rows=orjson.dumps(rows).decode())
    return {(row.source, row.event_id) for row in found}


async def take_down(u: Unit, events: Iterable[tuple[str, str]]) -> None:
    """Take the notices of these events, (source, id), down."""
    rows = [{"source": source, "event_id": event_id} for source, event_id in events]
    if rows:
        await u.execute(TAKE_DOWN, practice=u.practice_id, rows=orjson.dumps(rows).decode())
