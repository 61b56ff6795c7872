"""The audit as a file: a header, every sealed batch followed by its rows, and an end.

JSON lines or CSV; the same records in both. `services/audit/verifier.py` reads either. An export of a
part carries of the rows beside it only their leaves, so that the chain holds and nothing else is told.
"""

import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import text

from services.audit import queries
from services.audit.append import record
from services.audit.contracts import EVERYTHING, Asked, ExportHead, Format
from services.audit.rules import FORMAT, GENESIS, VERSION, Record, csv_head, csv_line, jsonl
from services.audit.seal import head, seal_once
from services.audit.search import filters_of, pseudonym_known
from services.audit.tags import AuditTag
from services.audit.verifier import covers
from services.kit.uow import Unit

PART = 64 * 1024
NOBODY = "nobody"
"""Stands in a filter for a person the book does not know, or does not know any more (D27)."""


async def begin_export(u: Unit, fmt: Format, asked: Asked = EVERYTHING) -> ExportHead:
    """Seal what is committed, write who takes what, and say what the file will hold.

    The row about this export is in the next one: it is sealed later. Needs `compliance`. Whoever
    exports one person's rows is named in that person's story too.
    """
    u.actor.require("compliance")
    while await seal_once(u):
        pass
    number, newest = await head(u)
    kept = (await u.execute(queries.KEPT_SINCE, practice=u.practice_id)).one()
    if kept.retired and asked.since is None:  # what retention took cannot be in any file
        asked = replace(asked, since=kept.since)
    wanted = await _filter(u, asked)
    opened = await (_part(u, asked, wanted, number) if wanted else _whole(u, number, newest))
    await record(
        u,
        AuditTag.AUDIT_EXPORTED,
        contact_id=asked.contact_id if opened.filter.get("pseudonym", NOBODY) != NOBODY else None,
        format=fmt,
        batches=opened.batches,
        rows=opened.rows,
        head=opened.head,
        filter=opened.filter,
    )
    return opened


async def export_rows(
    u: Unit, opened: ExportHead, fmt: Format, asked: Asked = EVERYTHING
) -> AsyncIterator[bytes]:
    """The file of `begin_export`, in parts of about 64 KB, read through a server-side cursor."""
    clauses, values = filters_of(asked)
    stream = await u.session.stream(
        text(queries.EXPORT.format(wanted=" AND ".join(clauses) or "true")).execution_options(
            yield_per=2_000
        ),
        {
            "practice": u.practice_id,
            "first": opened.first,
            "last": opened.first + opened.batches - 1,
            **values,
        },
    )
    writer = Writer(csv_line if fmt == "csv" else jsonl, bytearray(csv_head() if fmt == "csv" else b""))
    writer.put(_header(opened))
    async for row in stream:
        writer.row(row)
        if len(writer.part) >= PART:
            yield writer.take()
    writer.close()
    yield writer.take()
    yield writer.write({"record": "end", "sha256": writer.whole.hexdigest()})


@dataclass
class Writer:
    """Turns rows in the order of the chain into records; what is left out waits until its batch shows a row."""

    write: Callable[[Record], bytes]
    part: bytearray
    whole: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    batch: int = 0
    n: int = 0
    shown: bool = False
    waiting: list[bytes] = field(default_factory=list)

    def row(self, row: Any) -> None:
        if row.seal_no != self.batch:
            self.close()
            self.batch, self.n, self.shown = row.seal_no, 0, False
            self.put(_batch(row))
        if row.audit_id is None:
            return
        if not row.wanted:
            self.waiting.append(bytes(row.leaf))
            return
        self.shown = True
        self._left_out()
        self.n += 1
        self.put(_row(row, self.n))

    def close(self) -> None:
        """End the batch; one that showed no row keeps its digest only."""
        if self.shown:
            self._left_out()
        self.waiting.clear()

    def put(self, record: Record) -> None:
        self.part += self.write(record)

    def take(self) -> bytes:
        taken = bytes(self.part)
        self.part.clear()
        self.whole.update(taken)
        return taken

    def _left_out(self) -> None:
        if self.waiting:
            leaves, count = b"".join(self.waiting).hex(), len(self.waiting)
            self.put({"record": "left_out", "n": self.n + 1, "count": count, "leaves": leaves})
            self.n += count
            self.waiting.clear()


async def _whole(u: Unit, number: int, newest: bytes) -> ExportHead:
    totals = (await u.execute(queries.TOTALS, practice=u.practice_id, head=number)).one()
    return _stated(u, {}, 1, GENESIS, totals.batches, int(totals.rows), 0, newest)


async def _part(u: Unit, asked: Asked, wanted: dict[str, str], number: int) -> ExportHead:
    clauses, values = filters_of(asked)
    sql = queries.COVERED.format(filters="".join(f" AND {clause}" for clause in clauses))
    found = (await u.execute(sql, practice=u.practice_id, head=number, **values)).one()
    if not found.rows:
        return _stated(u, wanted, 1, GENESIS, 0, 0, 0, GENESIS)
    previous = bytes(found.previous) if found.previous else GENESIS
    batches, left_out = found.last - found.first + 1, int(found.within) - found.rows
    return _stated(u, wanted, found.first, previous, batches, found.rows, left_out, bytes(found.head))


def _stated(
    u: Unit, wanted: dict[str, str], first: int, previous: bytes, batches: int, rows: int, left_out: int,
    newest: bytes,
) -> ExportHead:  # fmt: skip
    return ExportHead(
        practice_id=u.practice_id,
        exported_at=_moment(u.now),
        exported_by=u.actor.ref,
        filter=wanted,
        first=first,
        previous=previous.hex(),
        batches=batches,
        rows=rows,
        left_out=left_out,
        head=newest.hex(),
    )


async def _filter(u: Unit, asked: Asked) -> dict[str, str]:
    """What was asked for, as the file states it: a person by pseudonym, moments in UTC."""
    return {name: value async for name, value in _named(u, asked)}


async def _named(u: Unit, asked: Asked) -> AsyncIterator[tuple[str, str]]:
    for name, value in asked.given().items():
        if name == "contact_id":
            yield "pseudonym", str(await pseudonym_known(u, value) or NOBODY)
        else:
            yield name, _moment(value) if isinstance(value, datetime) else str(value)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _header(opened: ExportHead) -> Record:
    return {
        "record": "header",
        "format": FORMAT,
        "version": VERSION,
        "practice_id": str(opened.practice_id),
        "exported_at": opened.exported_at,
        "exported_by": opened.exported_by,
        "covers": covers(opened.filter),
        "filter": orjson.dumps(opened.filter, option=orjson.OPT_SORT_KEYS).decode(),
        "first": opened.first,
        "previous": opened.previous,
        "batches": opened.batches,
        "rows": opened.rows,
        "left_out": opened.left_out,
        "head": opened.head,
    }


def _batch(row: Any) -> Record:
    return {
        "record": "batch",
        "rows": row.batch_rows,
        "seal_no": row.seal_no,
        "batch_id": str(row.batch_id),
        "digest": bytes(row.digest).hex(),
        "seal": bytes(row.seal).hex(),
    }


def _row(row: Any, n: int) -> Record:
    """One row with its leaf fields exactly as hashed; `n` counts from 1 inside the batch."""
    return {
        "record": "row",
        "practice_id": str(row.practice_id),
        "n": n,
        "at": row.at,
        "audit_id": str(row.audit_id),
        "tag": row.tag,
        "actor": row.actor,
        "campaign_id": str(row.campaign_id or ""),
        "enrolment_id": str(row.enrolment_id or ""),
        "pseudonym": str(row.pseudonym or ""),
        "reason": row.reason,
        "detail": row.detail,
        "leaf": bytes(row.leaf).hex(),
    }
