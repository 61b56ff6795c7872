"""Saved segments: named audiences that campaigns and other segments build on (AUD-1, AUD-4)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from services.audience import queries
from services.audience.checks import circle, named_segments, rule_problems
from services.audience.compile import audience_where
from services.audience.contracts import SegmentRow, SizePoint
from services.audience.errors import RuleInvalid, SegmentInUse
from services.audience.sentence import read_back
from services.audit import append
from services.audit.tags import AuditTag
from services.contracts.segment import Audience
from services.kit.crypto import SealBroken
from services.kit.errors import Conflict, Invalid, NotFound, StaleWrite
from services.kit.ids import new_id
from services.kit.uow import Unit

UNREADABLE = "The rules of this segment cannot be read, so nobody is in it. Write them anew."


async def page(u: Unit, *, archived: bool = False) -> list[SegmentRow]:
    """The saved segments by name, each with its sentence and its latest size."""
    rows = (await u.execute(queries.SEGMENTS, practice=u.practice_id)).all()
    known = {row.segment_id: row.name for row in rows}
    return [
        SegmentRow(
            segment_id=row.segment_id,
            name=row.name,
            description=row.description,
            audience=(audience := (read := _read(u, row)) or Audience()),
            sentence=read_back(audience, known) if read else UNREADABLE,
            size=row.size,
            counted_at=row.counted_at,
            updated_at=row.updated_at,
            archived=row.archived_at is not None,
        )
        for row in rows
        if archived or row.archived_at is None
    ]


async def get(u: Unit, segment_id: UUID) -> SegmentRow:
    for row in await page(u, archived=True):
        if row.segment_id == segment_id:
            return row
    raise NotFound("This segment does not exist any more.")


async def saved(u: Unit) -> dict[UUID, Audience]:
    """What rules may name. Archived segments keep working where they are used; one that cannot be
    read is not there, so what names it is refused and everything else goes on."""
    rows = await u.execute(queries.SEGMENTS, practice=u.practice_id)
    read = {row.segment_id: _read(u, row) for row in rows}
    return {segment_id: audience for segment_id, audience in read.items() if audience is not None}


async def names(u: Unit) -> dict[UUID, str]:
    rows = await u.execute(queries.SEGMENTS, practice=u.practice_id)
    return {row.segment_id: row.name for row in rows}


async def create(u: Unit, *, name: str, audience: Audience, description: str = "") -> UUID:
    """Save a segment; needs `author`. Raises RuleInvalid, Conflict for a taken name."""
    u.actor.require("author")
    segment_id = new_id()
    await _check(u, segment_id, name, audience)
    made = await u.execute(
        queries.INSERT_SEGMENT,
        practice=u.practice_id,
        segment=segment_id,
        name=name.strip(),
        description=description.strip(),
        rule=_sealed(u, segment_id, audience),
        person=u.actor.person_id or u.practice_id,  # an API key is nobody: the practice stands for it
        now=u.now,
    )
    if made.one_or_none() is None:
        raise _taken(name)
    await append.record(u, AuditTag.SEGMENT_CHANGED, segment=str(segment_id), change="created")
    return segment_id


async def update(
    u: Unit,
    segment_id: UUID,
    *,
    name: str,
    audience: Audience,
    description: str = "",
    unchanged_since: datetime | None = None,
) -> None:
    """Change a segment; needs `author`. Campaigns that use it follow at their next evaluation.

    With `unchanged_since`, the `updated_at` that was edited, a newer change of somebody else is never
    overwritten: StaleWrite.
    """
    u.actor.require("author")
    await _check(u, segment_id, name, audience)
    taken = await u.execute(queries.NAME_TAKEN, practice=u.practice_id, name=name.strip(), segment=segment_id)
    if taken.scalar_one():
        raise _taken(name)
    changed = await u.execute(
        queries.UPDATE_SEGMENT,
        practice=u.practice_id,
        segment=segment_id,
        name=name.strip(),
        description=description.strip(),
        rule=_sealed(u, segment_id, audience),
        now=u.now,
        since=unchanged_since,
    )
    if changed.one_or_none() is None:
        if not (await get(u, segment_id)).archived:
            raise StaleWrite("Somebody else changed this segment meanwhile. Look at theirs first.")
        raise NotFound("This segment does not exist any more.")
    await append.record(u, AuditTag.SEGMENT_CHANGED, segment=str(segment_id), change="updated")


async def archive(u: Unit, segment_id: UUID) -> None:
    """Take a segment out of the lists; needs `author`. Raises SegmentInUse when another is built
    on it. Campaigns that name it go on."""
    u.actor.require("author")
    for row in await page(u):
        if row.segment_id != segment_id and segment_id in named_segments(row.audience):
            raise SegmentInUse(f"The segment “{row.name}” is built on this one. Change that first.")
    gone = await u.execute(queries.ARCHIVE_SEGMENT, practice=u.practice_id, segment=segment_id, now=u.now)
    if gone.one_or_none() is None:
        raise NotFound("This segment does not exist any more.")
    await append.record(u, AuditTag.SEGMENT_CHANGED, segment=str(segment_id), change="archived")


async def history(u: Unit, segment_id: UUID, *, days: int = 365) -> list[SizePoint]:
    """The sizes of a segment over time, oldest first."""
    since: datetime = u.now - timedelta(days=days)
    rows = await u.execute(queries.SIZES, practice=u.practice_id, segment=segment_id, since=since)
    return [SizePoint(row.counted_at, row.size) for row in rows]


async def histories(u: Unit, *, days: int = 90) -> dict[UUID, list[SizePoint]]:
    """The sizes of every segment over time, oldest first."""
    rows = await u.execute(queries.HISTORIES, practice=u.practice_id, since=u.now - timedelta(days=days))
    found: dict[UUID, list[SizePoint]] = {}
    for row in rows:
        found.setdefault(row.segment_id, []).append(SizePoint(row.counted_at, row.size))
    return found


async def _check(u: Unit, segment_id: UUID, name: str, audience: Audience) -> None:
    if not name.strip():
        raise Invalid("Give the segment a name.")
    for rule in [*audience.include, *audience.exclude]:
        for problem in rule_problems(rule):
            raise RuleInvalid(problem)
    known = {**await saved(u), segment_id: audience}
    if circle(segment_id, known):
        raise RuleInvalid("This segment is built on itself. Take the circle out.")
    audience_where(audience, u.now, segments=known)


def _read(u: Unit, row: Any) -> Audience | None:
    """The rules of a stored segment; None for those that were altered or that we no longer know."""
    try:
        return Audience.model_validate_json(u.keyring.open(bytes(row.rule), place=place(row.segment_id)))
    except (ValidationError, SealBroken):
        return None


def _sealed(u: Unit, segment_id: UUID, audience: Audience) -> bytes:
    return u.keyring.seal(audience.model_dump_json().encode(), place=place(segment_id))


def place(segment_id: UUID) -> str:
    return f"segment.rule:{segment_id}"


def _taken(name: str) -> Conflict:
    return Conflict(f"There is already a segment called “{name.strip()}”. Choose another name.")
