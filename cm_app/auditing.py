"""`cm verify-audit`, `cm export audit` and `cm export verifier`."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

from services.audit import service, verifier
from services.audit.contracts import EVERYTHING, Asked
from services.bootstrap import App, opened
from services.kit.actor import Actor
from services.kit.errors import AppError

REF = "cli"


def verify_file(path: Path) -> tuple[bool, list[str]]:
    """Whether an export holds, and sentences that say so. Uses the stand-alone verifier only."""
    result = verifier.verify_file(path)
    if result.ok:
        holds = f"The export holds: {result.rows:,} rows in {result.batches:,} sealed batches."
        return True, [holds, result.covers]
    return False, [f"The export does not hold: {result.first_problem}"]


async def verify_live() -> tuple[bool, list[str]]:
    """The same for every practice of the database."""
    ok, sentences = True, []
    async with opened() as here:
        for practice in await practices(here):
            async with here.uow(_operator(practice)) as u:
                result = await service.verify(u)
            ok = ok and result.ok
            sentences.append(
                f"Practice {practice}: the chain holds, {result.rows:,} rows in {result.batches:,} batches."
                if result.ok
                else f"Practice {practice}: the chain is broken: {result.first_problem}"
            )
    return ok, sentences


def asked(tag: str, actor: str, campaign: str, since: str, until: str) -> Asked:
    """What the options of `cm export audit` ask for; days are UTC. Raises AppError for what is none."""
    try:
        return Asked(
            tag=tag or None,
            actor=actor or None,
            campaign_id=UUID(campaign) if campaign else None,
            since=_day(since),
            until=_day(until),
        )
    except ValueError as error:
        raise AppError(f"That is neither a day (YYYY-MM-DD) nor an id: {error}.") from None


def _day(text: str) -> datetime | None:
    if not text:
        return None
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def write_verifier(path: Path) -> None:
    """Put the stand-alone verifier into a new file, to hand on with an export."""
    if path.exists():
        raise AppError(f"{path} exists already; give another name.")
    shutil.copyfile(verifier.__file__, path)


async def export(path: Path, format: Literal["jsonl", "csv"], wanted: Asked = EVERYTHING) -> int:
    """Write the audit of the (only) practice to a new file; returns the number of lines."""
    async with opened() as here:
        found = await practices(here)
        if len(found) != 1:
            raise AppError(
                f"This database has {len(found)} practices; export from the portal of one of them."
            )
        lines = 0
        try:
            with path.open("xb") as file:
                async with here.uow(_operator(found[0])) as u:
                    async for part in service.export(u, format, wanted):
                        file.write(part)
                        lines += part.count(b"\n")
        except FileExistsError:
            raise AppError(f"{path} exists already; give another name.") from None
        return lines


async def practices(here: App) -> list[UUID]:
    """Every practice of the database."""
    from sqlalchemy import text

    async with here.uow.engine.connect() as connection:
        return list((await connection.execute(text("SELECT cm.practice_ids()"))).scalars())


def _operator(practice: UUID) -> Actor:
    """Whoever runs the command on the server, with the right to see the audit and nothing else."""
    return Actor(practice, REF, frozenset({"compliance", "read"}), display_name="Command line")
