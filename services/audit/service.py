"""Reading the audit, checking it, and taking it out of the building.

Reading and exporting are acts too and leave their own rows. Writing is in `append`, sealing in
`seal`; both are re-exported here.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from services.audit import queries
from services.audit.append import record
from services.audit.contracts import (
    EVERYTHING,
    Asked,
    AuditPage,
    AuditRow,
    ExportHead,
    Format,
    Verification,
)
from services.audit.export import begin_export, export_rows
from services.audit.rules import seal
from services.audit.seal import head, seal_once
from services.audit.search import filters_of, pseudonym_known
from services.audit.tags import AuditTag
from services.bootstrap import App
from services.kit.actor import Actor
from services.kit.errors import Invalid
from services.kit.uow import Unit

PARTS = {
    "engine": "The engine",
    "intake": "Event intake",
    "scheduler": "The scheduler",
    "hub": "Communication Hub",
    "platform": "Practice Platform",
    "access": "Sign-in",
    "operator": "Server operator",
    "cli": "Command line",
    "system": "Campaign Manager",
}
SAME_READING = timedelta(minutes=15)


async def page(
    u: Unit, asked: Asked = EVERYTHING, *, before: str | None = None, limit: int = 50
) -> AuditPage:
    """Newest first; `before` is the page before's `next`.

    Needs `compliance`, and is itself audited: once for the same reader and question in a quarter
    of an hour, so that a page that refreshes itself does not fill the book with its own reading.
    Raises Forbidden, and Invalid for a cursor that is not ours.
    """
    u.actor.require("compliance")
    clauses, values = filters_of(asked)
    if before is not None:
        values["before_at"], values["before_id"] = _cursor(before)
        clauses.append(queries.FILTERS["before"])
    await _note_reading(u, asked)
    limit = max(1, min(limit, 500))
    sql = queries.PAGE.format(filters="".join(f" AND {clause}" for clause in clauses), limit=limit + 1)
    found = (await u.execute(sql, practice=u.practice_id, **values)).all()
    rows = [_row(row) for row in found[:limit]]
    more = len(found) > limit
    return AuditPage(rows, f"{rows[-1].at.isoformat()}|{rows[-1].audit_id}" if more else None)


async def verify(u: Unit) -> Verification:
    """Recompute every leaf, digest and seal of the practice inside the database.

    Rows of transactions that are not sealed yet are checked against their batch's digest. Of months that
    retention took (D26) the digests and seals are left, and a row that says so must be there.
    """
    kept = (await u.execute(queries.KEPT_SINCE, practice=u.practice_id)).one()
    found = (await u.execute(queries.BATCHES_WITH_ROWS, practice=u.practice_id, kept_since=kept.since)).all()
    rows = sum(row.found for row in found)
    unsealed = sum(row.seal_no is None for row in found)
    problem = _first_problem(found)
    if problem is None and kept.retired and not kept.said:
        problem = f"The months before {kept.since:%B %Y} are gone, and no row says that retention took them."
    if problem is None:
        stray = (await u.execute(queries.STRAY, practice=u.practice_id)).scalar_one_or_none()
        problem = f"Row {stray} belongs to no batch." if stray else None
    _, newest = await head(u)
    return Verification(problem is None, rows, len(found), unsealed, newest.hex(), problem)


async def export(u: Unit, fmt: Format = "jsonl", asked: Asked = EVERYTHING) -> AsyncIterator[bytes]:
    """The sealed audit, or the part asked for, as a file that `verifier.py` checks without us.

    Needs `compliance`; the caller asked for a fresh step-up (D10). Written in one transaction
    with its own audit row; when the reader may leave half-way, use `exported` instead.
    """
    opened = await begin_export(u, fmt, asked)
    async for part in export_rows(u, opened, fmt, asked):
        yield part


async def exported(
    app: App, actor: Actor, fmt: Format = "jsonl", asked: Asked = EVERYTHING
) -> AsyncIterator[bytes]:
    """`export` in two transactions: the row that says who took it is safe before the first byte."""
    async with app.uow(actor) as u:
        opened = await begin_export(u, fmt, asked)
    return _stream(app, actor, opened, fmt, asked)


async def _stream(
    app: App, actor: Actor, opened: ExportHead, fmt: Format, asked: Asked
) -> AsyncIterator[bytes]:
    async with app.uow(actor) as u:
        async for part in export_rows(u, opened, fmt, asked):
            yield part


async def actors(u: Unit) -> list[tuple[str, str]]:
    """(reference, name) of everybody who can stand in the book: people, keys, and parts of the system."""
    u.actor.require("compliance")
    rows = await u.execute(queries.ACTORS, practice=u.practice_id)
    return [*((row.actor, row.name) for row in rows), *PARTS.items()]


async def campaigns(u: Unit) -> list[tuple[UUID, str]]:
    """(id, name) of the campaigns the book can be narrowed to, 500 at most, the latest changed first."""
    u.actor.require("compliance")
    rows = await u.execute(queries.CAMPAIGNS, practice=u.practice_id)
    return [(row.campaign_id, row.name) for row in rows]


async def _note_reading(u: Unit, asked: Asked) -> None:
    filters = {name: str(value) for name, value in asked.given().items() if name != "contact_id"}
    contact_id = asked.contact_id
    if contact_id:
        # The book never holds a contact's id; which person it was is in the row's pseudonym.
        filters["contact_id"] = "one person"
    known = await pseudonym_known(u, contact_id) if contact_id else None
    written = orjson.dumps({"filters": filters}, option=orjson.OPT_SORT_KEYS).decode()
    lately = await u.execute(
        queries.READ_LATELY,
        practice=u.practice_id,
        actor=u.actor.ref,
        since=u.now - SAME_READING,
        detail=written,
        pseudonym=known,
    )
    if lately.scalar_one_or_none() is None:
        await record(u, AuditTag.AUDIT_READ, contact_id=contact_id if known else None, filters=filters)


def _cursor(before: str) -> tuple[datetime, UUID]:
    try:
        at, audit_id = before.split("|")
        return datetime.fromisoformat(at), UUID(audit_id)
    except ValueError as error:
        raise Invalid("This page marker is not one of ours. Start again from the first page.") from error


def _row(row: Any) -> AuditRow:
    return AuditRow(
        audit_id=row.audit_id,
        at=row.at,
        tag=row.tag,
        actor=row.actor,
        actor_name=row.person_name or row.key_label or PARTS.get(row.actor, row.actor),
        campaign_id=row.campaign_id,
        campaign_name=row.campaign_name,
        enrolment_id=row.enrolment_id,
        contact_id=row.contact_id,
        pseudonym=row.pseudonym,
        reason=row.reason,
        detail=orjson.loads(row.detail),
        seal_no=row.seal_no,
    )


def _first_problem(batches: Any) -> str | None:
    """The first wrong row, batch or seal in the order of the chain, as a sentence."""
    previous, number = bytes(32), 0
    for row in batches:
        where = f"batch {row.seal_no or row.batch_id}"
        if row.wrong is not None and not row.retired:
            return f"Row {row.wrong} in {where} was altered: its hash does not fit its words."
        if row.found != row.rows and not row.retired:
            return f"The {where} was closed with {row.rows} rows and holds {row.found}."
        if bytes(row.found_digest) != bytes(row.digest) and not row.retired:
            return f"The rows of {where} were exchanged or put in another order."
        if row.seal_no is None:
            continue
        number += 1
        previous = seal(previous, row.batch_id, row.rows, bytes(row.digest))
        if row.seal_no != number:
            return f"Batch {number} is missing from the chain."
        if bytes(row.seal) != previous:
            return f"The seal of {where} does not follow from the one before."
    return None


__all__ = [
    "Asked",
    "AuditPage",
    "AuditRow",
    "Verification",
    "actors",
    "begin_export",
    "campaigns",
    "export",
    "export_rows",
    "exported",
    "head",
    "page",
    "seal_once",
    "verify",
]
