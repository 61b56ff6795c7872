"""How long things are kept (D26): the platform sets the floor, a practice may lengthen, never shorten.

What lies in monthly partitions goes by dropping the month, once all of it is older than the longest that any
practice keeps it: months hold everybody's rows. The rest is deleted by row, each practice by its own setting.
The audit says what goes before it goes (000 §17.2.10); the chain's digests and seals stay, so what is left still
verifies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import structlog
from sqlalchemy import text

from services.access.contracts import PracticeSettings
from services.access.service import practice_settings
from services.audit.append import record
from services.audit.tags import AuditTag
from services.kit.actor import system
from services.kit.uow import Unit, UnitOfWork

log = structlog.get_logger("retention")
YEAR = timedelta(days=366)


class Wired(Protocol):
    """The part of the composition root this needs."""

    @property
    def uow(self) -> UnitOfWork: ...


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of record: the setting that says how long, its unit, and where it lies."""

    what: str
    setting: str
    unit: timedelta
    months_of: tuple[str, ...] = ()
    rows_of: tuple[tuple[str, str], ...] = ()
    """Tables without partitions, and the column that says how old a row is."""

    @property
    def floor(self) -> int:
        default: int = PracticeSettings.model_fields[self.setting].default
        return default


KEPT: tuple[Kept, ...] = (
    Kept("The audit", "keep_audit_years", YEAR, ("audit",)),
    Kept(
        "Analytics", "keep_analytics_years", YEAR, ("transition", "dispatch", "refusal", "message_event"),
        (("metric", "day"), ("conversion", "at")),
    ),
    Kept("Audience snapshots", "keep_snapshots_days", timedelta(days=1), ("audience_snapshot",)),
    Kept("Events as they came in", "keep_events_days", timedelta(days=1), (), (("inbound_event", "received_at"),)),
)  # fmt: skip
IN_ONE_GO = 20_000
"""Rows deleted in one statement: nobody waits long for their locks."""

COUNT = "SELECT count(*) FROM cm.{table} WHERE practice_id = :practice AND {column} < :before"
DELETE = """
DELETE FROM cm.{table} WHERE practice_id = :practice AND ctid = ANY (ARRAY(
  SELECT ctid FROM cm.{table} WHERE practice_id = :practice AND {column} < :before LIMIT {most}))
"""


@dataclass(frozen=True, slots=True)
class Months:
    """Whole months of one table that may go, because all of them lie before `before`."""

    what: str
    table: str
    before: datetime
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one practice and table that are older than it keeps them."""

    what: str
    practice_id: UUID
    table: str
    before: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Due:
    months: tuple[Months, ...]
    rows: tuple[Rows, ...]


async def due(wired: Wired, *, now: datetime | None = None) -> Due:
    """What retention would remove at `now`: the dry run. Changes nothing."""
    at = now or wired.uow.clock.now()
    rows: list[Rows] = []
    for practice_id in await _practices(wired):
        async with wired.uow(system(practice_id, "scheduler"), now=at) as u:
            rows += await _rows(u)
    return Due(tuple(await _months(wired, at)), tuple(rows))


async def apply(wired: Wired, *, now: datetime | None = None) -> int:
    """Remove what is due: audited in every practice's book first, then done. Returns months and rows gone."""
    at = now or wired.uow.clock.now()
    months = await _months(wired, at)
    gone = 0
    for practice_id in await _practices(wired):
        async with wired.uow(system(practice_id, "scheduler"), now=at) as u:
            gone += await _in_practice(u, months)
    async with wired.uow.engine.begin() as connection:
        for one in months:
            dropped = await connection.scalar(
                text("SELECT cm.drop_months(:table, :before)"), {"table": one.table, "before": one.before}
            )
            log.info("months dropped", table=one.table, months=list(one.names))
            gone += int(dropped or 0)
    return gone


async def _in_practice(u: Unit, months: Sequence[Months]) -> int:
    rows = await _rows(u)
    if not (rows or months):
        return 0
    await record(
        u,
        AuditTag.RETENTION_APPLIED,
        months={one.table: list(one.names) for one in months},
        rows={one.table: one.count for one in rows},
        audit_before=next((one.names[-1] for one in months if one.table == "audit"), ""),
    )
    column = {table: column for kept in KEPT for table, column in kept.rows_of}
    gone = 0
    for one in rows:
        sql = DELETE.format(table=one.table, column=column[one.table], most=IN_ONE_GO)
        while True:
            done: Any = await u.execute(sql, practice=u.practice_id, before=_value(one.table, one.before))
            gone += done.rowcount
            if done.rowcount < IN_ONE_GO:
                break
    return gone


async def _rows(u: Unit) -> list[Rows]:
    settings = await practice_settings(u)
    found = []
    for kept in KEPT:
        before = u.now - max(getattr(settings, kept.setting), kept.floor) * kept.unit
        for table, column in kept.rows_of:
            sql = COUNT.format(table=table, column=column)
            count = (await u.execute(sql, practice=u.practice_id, before=_value(table, before))).scalar_one()
            if count:
                found.append(Rows(kept.what, u.practice_id, table, before, count))
    return found


async def _months(wired: Wired, at: datetime) -> list[Months]:
    found = []
    async with wired.uow.engine.connect() as connection:
        for kept in KEPT:
            longest = await connection.scalar(
                text("SELECT cm.longest_kept(:setting, :floor)"),
                {"setting": kept.setting, "floor": kept.floor},
            )
            before = at - (longest or kept.floor) * kept.unit
            for table in kept.months_of:
                names = await connection.execute(
                    text("SELECT cm.months(:table, :before)"), {"table": table, "before": before}
                )
                if months := tuple(names.scalars()):
                    found.append(Months(kept.what, table, before, months))
    return found


async def _practices(wired: Wired) -> list[UUID]:
    async with wired.uow.engine.connect() as connection:
        return list((await connection.execute(text("SELECT cm.practice_ids()"))).scalars())


def _value(table: str, before: datetime) -> Any:
    return before.date() if table == "metric" else before
