"""The block list as people read it: masked, newest first, or by who is asked for (SUP-6). Read only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.gates.lists import entry_hash, platform_key, practice_key
from services.kit.errors import Invalid
from services.kit.uow import Unit
from services.suppression import block_queries as queries
from services.suppression.block_reading import (
    GROUNDS,
    Destination,
    Kind,
    RowProblem,
    masked,
    understand,
)

PAGE = 50
UNREADABLE = "Type an email address, a phone number with its country code (+44…), or a domain such as example.com."  # fmt: skip


@dataclass(frozen=True, slots=True)
class BlockRow:
    """One entry as people see it. `shown` is masked; `entry_id` is its hash in hexadecimal."""

    entry_id: str
    kind: Kind
    shown: str
    ground: str
    ground_words: str
    added_by: str
    added_at: datetime
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a file. `problems` are kept, so that somebody can put the rows right."""

    import_id: UUID
    at: datetime
    by: str
    rows: int
    added: int
    known: int
    problems: tuple[RowProblem, ...]


async def blocks(
    u: Unit, *, before: str | None = None, most: int = PAGE
) -> tuple[list[BlockRow], str | None, int]:
    """(entries, cursor of the next page, how many there are), newest first. Needs `suppress`."""
    u.actor.require("suppress")
    at, last = _cursor(before)
    rows = (await u.execute(queries.PAGE, practice=u.practice_id, before=at, last=last, limit=most + 1)).all()
    count = (await u.execute(queries.COUNT, practice=u.practice_id)).scalar_one()
    shown = [_row(u, row) for row in rows[:most]]
    more = len(rows) > most
    end = rows[most - 1] if more else None
    return shown, f"{end.added_at.isoformat()}/{bytes(end.hash).hex()}" if end else None, count


async def find_blocks(u: Unit, text: str) -> list[BlockRow]:
    """Every entry that keeps this address, phone number, domain or identity from being written to:
    itself, its domain, here and on the platform's list. Needs `suppress`. Raises Invalid."""
    u.actor.require("suppress")
    asked = understand(text, await country_of(u))
    if asked is None:
        raise Invalid(UNREADABLE)
    wanted = [asked]
    if asked.kind == "address" and "@" in asked.value:
        wanted.append(Destination("domain", asked.value.rpartition("@")[2]))
    mine = {entry_hash(practice_key(u), d.kind, d.value): d for d in wanted}
    theirs = {entry_hash(platform_key(u), d.kind, d.value): d for d in wanted}
    rows = await u.execute(queries.FIND, practice=u.practice_id, mine=list(mine), theirs=list(theirs))
    return [_row(u, row, shown=masked({**mine, **theirs}[bytes(row.hash)])) for row in rows]


async def imports_so_far(u: Unit, *, limit: int = 10) -> list[Imported]:
    """The last files, newest first, with the rows that could not be read. Needs `suppress`."""
    u.actor.require("suppress")
    rows = await u.execute(queries.IMPORTS, practice=u.practice_id, limit=limit)
    return [
        Imported(
            r.import_id, r.at, r.who, r.row_count, r.added, r.known,
            tuple(RowProblem(**problem) for problem in r.problems),
        )
        for r in rows
    ]  # fmt: skip


async def country_of(u: Unit) -> str:
    """Where the practice is: how its telephone numbers without a country are read."""
    found = await u.execute(queries.COUNTRY, practice=u.practice_id)
    return found.scalar_one_or_none() or "GB"


def _row(u: Unit, row: Any, *, shown: str | None = None) -> BlockRow:
    return BlockRow(
        bytes(row.hash).hex(),
        row.kind,
        shown or _shown(u, row),
        row.reason,
        GROUNDS.get(row.reason, row.reason),
        row.who,
        row.added_at,
        row.everywhere,
    )


def _shown(u: Unit, row: Any) -> str:
    """The entry, masked, read from whoever had it when it was added, if they still do."""
    values = {
        "address": (row.email, row.phone),
        "domain": (row.email.rpartition("@")[2] if row.email else None,),
        "identity": (row.identity_hash,),
    }
    for value in values[row.kind]:
        if value and entry_hash(practice_key(u), row.kind, value) == bytes(row.hash):
            return masked(Destination(row.kind, value))
    return f"not one of your people · {bytes(row.hash).hex()[:8]}"


def _cursor(before: str | None) -> tuple[datetime | None, bytes]:
    if not before:
        return None, b""
    at, _, entry = before.partition("/")
    try:
        return datetime.fromisoformat(at), bytes.fromhex(entry)
    except ValueError as error:
        raise Invalid("This is not a page of the list. Start from the first.") from error
