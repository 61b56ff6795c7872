"""`cm suppress-list`: the block lists from the command line (SUP-6)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from rich.table import Table

from cm_app.auditing import REF, practices
from cm_app.console import problem, screen
from services.audit.service import AuditTag, record
from services.bootstrap import App, app
from services.kit.actor import Actor
from services.kit.errors import AppError, Invalid
from services.suppression.block_list import blocks
from services.suppression.block_reading import Ground, ReadFile, read_file
from services.suppression.blocks import block_everywhere, import_blocks, take_back_blocked


async def take_file(file: Path, *, ground: Ground, everywhere: bool, here: App | None = None) -> int:
    """Put a file on the practice's list, or on the one that holds for every practice; returns how
    many entries were new. Rows that cannot be read are printed."""
    content = file.read_bytes()
    async with _open(here) as wired:
        found = await practices(wired)
        if everywhere:
            read = read_file(content, "GB")
            added, rows = await _everywhere(wired, found, read, ground), read.rows
            problems = read.problems
        else:
            async with wired.uow(_operator(_only(found))) as u:
                done = await import_blocks(u, content, ground=ground)
            added, rows, problems = done.added, done.rows, done.problems
    for wrong in problems:
        problem(f"  row {wrong.row_number}: {wrong.problem}")
    screen.print(f"{rows} rows, {added} new entries, {len(problems)} rows could not be read.")
    return added


async def show(here: App | None = None) -> None:
    """Print the newest entries of the practice's list, masked."""
    async with _open(here) as wired, wired.uow(_operator(_only(await practices(wired)))) as u:
        rows, _, total = await blocks(u)
    table = Table("entry", "kind", "why", "by", "since", box=None)
    for row in rows:
        table.add_row(row.shown, row.kind, row.ground_words, row.added_by, f"{row.added_at:%Y-%m-%d %H:%M}")
    if rows:
        screen.print(table)
    screen.print(f"{total} entries on the practice's list.")


async def _everywhere(wired: App, found: Sequence[UUID], read: ReadFile, ground: Ground) -> int:
    if not found:
        raise AppError("There is no practice yet.")
    async with wired.uow(_operator(found[0])) as u:
        added = await block_everywhere(u, read.destinations, ground=ground)
    for practice_id in found:  # every practice calls back what is on its way, and has it on record
        async with wired.uow(_operator(practice_id)) as u:
            await take_back_blocked(u, read.destinations)
            await record(
                u, AuditTag.BLOCKS_IMPORTED, reason=ground, rows=read.rows, added=added, everywhere=True
            )
    return added


def _only(found: Sequence[UUID]) -> UUID:
    if len(found) != 1:
        raise Invalid(
            f"This database has {len(found)} practices; use the portal of one of them, or --platform."
        )
    return found[0]


def _operator(practice_id: UUID) -> Actor:
    return Actor(practice_id, REF, frozenset({"suppress", "compliance"}), display_name="Command line")


@asynccontextmanager
async def _open(here: App | None) -> AsyncIterator[App]:
    wired = here or app()
    try:
        yield wired
    finally:
        if here is None:
            await wired.close()
