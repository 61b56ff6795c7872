"""The audit as a file: a header, every sealed batch followed by its rows, and an end.

JSON lines or CSV; the same records in both. `services/audit/verifier.py` reads either.
"""

import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from sqlalchemy import text

from services.audit import queries
from services.audit.append import record
from services.audit.contracts import ExportHead, Format
from services.audit.rules import FORMAT, VERSION, Record, csv_head, csv_line, jsonl
from services.audit.seal import head, seal_once
from services.audit.tags import AuditTag
from services.kit.uow import Unit

PART = 64 * 1024


async def begin_export(u: Unit, fmt: Format) -> ExportHead:
    """Seal what is committed, write who takes it, and say what the file will hold.

    The row about this export is in the next one: it is sealed later. Needs `compliance`.
    """
    u.actor.require("compliance")
    while await seal_once(u):
        pass
    number, newest = await head(u)
    totals = (await u.execute(queries.TOTALS, practice=u.practice_id, head=number)).one()
    await record(u, AuditTag.AUDIT_EXPORTED, format=fmt, batches=totals.batches, head=newest.hex())
    return ExportHead(
        practice_id=u.practice_id,
        exported_at=u.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        exported_by=u.actor.ref,
        batches=totals.batches,
        rows=int(totals.rows),
        head=newest.hex(),
    )


async def export_rows(u: Unit, opened: ExportHead, fmt: Format) -> AsyncIterator[bytes]:
    """The file of `begin_export`, in parts of about 64 KB, read through a server-side cursor."""
    write = csv_line if fmt == "csv" else jsonl
    whole = hashlib.sha256()
    part = bytearray(csv_head() if fmt == "csv" else b"") + write(_header(opened))
    stream = await u.session.stream(
        text(queries.EXPORT).execution_options(yield_per=2_000),
        {"practice": u.practice_id, "head": opened.batches},
    )
    batch = n = 0
    async for row in stream:
        if row.seal_no != batch:
            batch, n = row.seal_no, 0
            part += write(_batch(row))
        if row.audit_id is not None:
            n += 1
            part += write(_row(row, n))
        if len(part) >= PART:
            whole.update(part)
            yield bytes(part)
            part.clear()
    whole.update(part)
    yield bytes(part) + _end(write, whole.hexdigest())


def _end(write: Callable[[Record], bytes], digest: str) -> bytes:
    return write({"record": "end", "sha256": digest})


def _header(opened: ExportHead) -> Record:
    return {
        "record": "header",
        "format": FORMAT,
        "version": VERSION,
        "practice_id": str(opened.practice_id),
        "exported_at": opened.exported_at,
        "exported_by": opened.exported_by,
        "batches": opened.batches,
        "rows": opened.rows,
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
