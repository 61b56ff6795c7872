"""The transactional outbox and its relay (D4, house rule 3).

Rows are written by the command that caused them, published in id order by one relay, and deleted
once the bus has them: at least once, never lost, in order per contact. What a deleted row held stays
in the database's files for a while, so rows with words of messages in them are sealed (D28).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from services.contracts.envelope import envelope
from services.contracts.events import source_of
from services.kit.bus import Bus
from services.kit.crypto import Keyring
from services.kit.db import tenant
from services.kit.metrics import EVENTS_OUT

BREATH = 50
"""Events made in one go, about a millisecond: the intake may be waiting in the same process."""


READABLE = {"campaign.content.published": ("practice_id", "content_ref")}
"""Types whose rows are sealed, and what of their data stays readable. Under the root's own key: rows are on
their way, and no rotation waits for them."""


@dataclass(frozen=True, slots=True)
class Emitted:
    type: str
    data: dict[str, Any]
    contact_id: UUID | None
    dispatch_id: UUID | None
    at: datetime


async def write(
    session: AsyncSession, keyring: Keyring, schema: str, practice_id: UUID, rows: Sequence[Emitted]
) -> list[UUID]:
    """Put rows in the outbox, in their order; returns their ids. The database gives the ids, to these as to the rows of
    the set-based statements: one clock orders all, however many machines write."""
    written = await session.execute(
        text(
            f"INSERT INTO {schema}.outbox"
            " (practice_id, outbox_id, type, contact_id, dispatch_id, occurred_at, data)"
            " SELECT :practice, uuidv7(), t.type, t.contact_id, t.dispatch_id, t.at, t.data"
            " FROM ROWS FROM (json_to_recordset(CAST(:rows AS json)) AS (type text, contact_id uuid,"
            " dispatch_id uuid, at timestamptz, data json)) WITH ORDINALITY"
            " AS t(type, contact_id, dispatch_id, at, data, nth) ORDER BY t.nth RETURNING outbox_id"
        ),
        {"practice": practice_id, "rows": orjson.dumps([_closed(keyring, row) for row in rows]).decode()},
    )
    return list(written.scalars())


def _closed(keyring: Keyring, row: Emitted) -> Emitted:
    if row.type not in READABLE:
        return row
    kept = {name: row.data[name] for name in READABLE[row.type] if name in row.data}
    sealed = keyring.lasting.seal(orjson.dumps(row.data), place=_place(row.type, kept))
    return replace(row, data={**kept, "sealed": sealed.hex()})


def _open(keyring: Keyring, type: str, data: dict[str, Any]) -> dict[str, Any]:
    """What was emitted. Raises SealBroken."""
    kept = {name: value for name, value in data.items() if name != "sealed"}
    opened: dict[str, Any] = orjson.loads(
        keyring.lasting.open(bytes.fromhex(data["sealed"]), place=_place(type, kept))
    )
    return opened


def _place(type: str, kept: dict[str, Any]) -> str:
    return "/".join(("outbox", type, *(str(kept[name]) for name in sorted(kept))))


@dataclass(frozen=True)
class Relay:
    """Publishes one module's outbox. Only one relay a practice runs at a time (advisory lock)."""

    engine: AsyncEngine
    bus: Bus
    keyring: Keyring
    schema: str = "cm"
    batch: int = 500
    """Rows are held until the bus has them, and a suppression of any of these people waits as long."""

    async def run_once(self, practice_id: UUID) -> int:
        """Publish one batch of a practice; returns how many. Rows go when the bus has them."""
        async with AsyncSession(self.engine) as session, tenant(session, practice_id):
            mine = await session.scalar(
                text("SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 0))"),
                {"key": f"relay/{self.schema}/{practice_id}"},
            )
            if not mine:
                return 0
            rows = (
                await session.execute(
                    text(
                        "SELECT outbox_id, type, contact_id, occurred_at, traceparent, data"
                        f" FROM {self.schema}.outbox WHERE practice_id = :practice"
                        " ORDER BY outbox_id LIMIT :n FOR UPDATE"
                    ),
                    {"practice": practice_id, "n": self.batch},
                )
            ).all()
            if not rows:
                return 0
            await self._publish(practice_id, rows)
            await session.execute(
                text(
                    f"DELETE FROM {self.schema}.outbox"
                    " WHERE practice_id = :practice AND outbox_id = ANY(:ids)"
                ),
                {"practice": practice_id, "ids": [row.outbox_id for row in rows]},
            )
        EVENTS_OUT.inc(len(rows))
        return len(rows)

    async def _publish(self, practice_id: UUID, rows: Sequence[Any]) -> None:
        streams: dict[str, list[bytes]] = {}
        for nth, row in enumerate(rows):
            if nth % BREATH == BREATH - 1:
                await asyncio.sleep(0)  # whoever shares this process has its turn
            event = envelope(
                id=row.outbox_id,
                source=self.schema,
                type=row.type,
                time=row.occurred_at,
                practice_id=practice_id,
                subject=row.contact_id,
                traceparent=row.traceparent,
                data=_open(self.keyring, row.type, row.data) if row.type in READABLE else row.data,
            )
            streams.setdefault(source_of(row.type), []).append(event.wire())
        for source, bodies in streams.items():
            await self.bus.publish_raw(source, bodies)
