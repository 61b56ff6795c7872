"""Streams a generated practice into `canonical`: COPY into temporary tables, one INSERT … SELECT each.

COPY cannot write straight into tables under row-level security, and the platform has no way round
it on purpose; the temporary table costs little and every row still passes the policy.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from services.kit.actor import system
from services.kit.chance import id_at, seeded
from services.kit.uow import Unit, UnitOfWork
from services.neighbours.platform.generator import words
from services.neighbours.platform.generator.people import CONTACT_COLUMNS, people
from services.neighbours.platform.generator.records import COLUMNS, Records, Row
from services.neighbours.platform.generator.visits import Visits

Progress = Callable[[str, int, int], None]
"""Called with a phase in words, how many are done, and how many there are."""

CHUNK = 5_000
FOUNDED = 1_136_073_600  # 1 January 2006, when the practice opened: its id's time
TABLES = {"contact": CONTACT_COLUMNS, **COLUMNS}


def practice_id_for(seed: int) -> UUID:
    """The practice a seed always makes."""
    return id_at(seeded("practice", seed), FOUNDED)


async def generate(
    uow: UnitOfWork, *, contacts: int, seed: int, now: datetime, progress: Progress = lambda *_: None
) -> UUID:
    """Make the practice of `seed` with `contacts` people, their consents and three years of history.

    `uow` must be the platform's (`bootstrap(role="cm_platform").uow`). One transaction: a practice
    is there whole or not at all. Does nothing when it already has contacts. The same seed, size and
    `now` give the same rows, ids included. Memory stays flat: people are made 5,000 at a time.
    """
    practice_id = practice_id_for(seed)
    async with uow(system(practice_id, "platform"), now=now) as u:
        await _practice(u)
        known = await u.execute(
            "SELECT count(*) FROM (SELECT 1 FROM canonical.contact WHERE practice_id = :practice LIMIT 1) c",
            practice=practice_id,
        )
        if known.scalar_one():
            progress("The practice is already there", contacts, contacts)
            return practice_id
        await _stage(u)
        visits = Visits(int(now.timestamp()))
        progress("Making people and their history", 0, contacts)
        for first in range(0, contacts, CHUNK):
            size = min(CHUNK, contacts - first)
            await _chunk(u, seed, first, size, visits)
            progress("Making people and their history", first + size, contacts)
        for table in TABLES:
            await u.execute(f"ANALYZE canonical.{table}")
    return practice_id


async def _practice(u: Unit) -> None:
    await u.execute(
        "INSERT INTO canonical.practice (practice_id, name, timezone, postal_address, phone, email,"
        " booking_url) VALUES (:practice, :name, 'Europe/London', :address, :phone, :email, :booking) ON CONFLICT DO NOTHING",
        practice=u.practice_id,
        name=words.PRACTICE_NAME,
        address=words.PRACTICE_ADDRESS,
        phone=words.PRACTICE_PHONE,
        email=words.PRACTICE_EMAIL,
        booking=words.PRACTICE_BOOKING,
    )


async def _stage(u: Unit) -> None:
    for table in TABLES:
        await u.execute(
            f"CREATE TEMP TABLE stage_{table} (LIKE canonical.{table} INCLUDING DEFAULTS) ON COMMIT DROP"
        )
        await u.execute(f"ALTER TABLE stage_{table} ALTER practice_id SET DEFAULT '{u.practice_id}'")


async def _chunk(u: Unit, seed: int, first: int, size: int, visits: Visits) -> None:
    chance = seeded("people", seed, first)
    records = Records(chance, visits.now, visits)
    contacts: list[Row] = []
    for person in people(chance, size, first, visits.now):
        records.add(person)
        contacts.append(person.row())
    for table, rows in {"contact": contacts, **records.rows}.items():
        await _load(u, table, rows)


async def _load(u: Unit, table: str, rows: list[Row]) -> None:
    if not rows:
        return
    columns = ", ".join(TABLES[table])
    connection: Any = (await (await u.session.connection()).get_raw_connection()).driver_connection
    async with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY pg_temp.stage_{table} ({columns}) FROM STDIN") as copy,
    ):
        await copy.write("\n".join("\t".join(v if v is not None else "\\N" for v in row) for row in rows))
    every = f"practice_id, {columns}"
    await u.execute(f"INSERT INTO canonical.{table} ({every}) SELECT {every} FROM pg_temp.stage_{table}")
    await u.execute(f"TRUNCATE pg_temp.stage_{table}")
