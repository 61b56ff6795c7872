"""What is sealed is in no file of the database in the clear (GOV-6, D28): looked for in the files themselves."""

import mmap
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Connection, create_engine, text

from services.bootstrap import App, bootstrap
from services.kit.actor import system
from services.kit.db import owner
from services.kit.embedded import Servers
from services.neighbours.hub.words import words_of
from services.neighbours.platform.imports import service as imports
from tests.factories.hub import hub_world
from tests.factories.practice import run
from tests.factories.sealed import one_of_everything, word

PIECE, STEP = 6, 3
"""Compression keeps runs of eight letters at least: each holds a piece of six that begins at a multiple of three."""


def found_in(path: Path, words: dict[str, str]) -> set[str]:
    """Names of the words that the file holds, as they are or compressed."""
    if not path.stat().st_size:
        return set()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
        return {
            name
            for name, word in words.items()
            if any(
                held.find(word[at : at + PIECE].encode()) >= 0 for at in range(0, len(word) - PIECE + 1, STEP)
            )
        }


class Files:
    """The files of this test's database, and of the write-ahead log since it began."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.folder = Path(self._one("SHOW data_directory"))
        database = self._one("SELECT oid FROM pg_database WHERE datname = current_database()")
        self.base, self.log = self.folder / "base" / str(database), self.folder / "pg_wal"
        writing = self._one("SELECT pg_walfile_name(pg_current_wal_insert_lsn())")
        self.began = (self.log / str(writing)).stat().st_mtime_ns

    def look(self, words: dict[str, str]) -> tuple[set[str], set[str]]:
        """Words in tables and indexes, and words in the log; after everything was written out."""
        self.connection.execute(text("CHECKPOINT"))
        tables = [p for p in self.base.iterdir() if p.is_file()]
        # By its time, not by its name: a checkpoint gives a file that is done with a later name.
        log = [p for p in self.log.iterdir() if p.is_file() and p.stat().st_mtime_ns >= self.began]
        assert len(tables) > 100
        assert log
        return (
            set().union(*(found_in(path, words) for path in tables)),
            set().union(*(found_in(path, words) for path in log)),
        )

    def _one(self, sql: str) -> object:
        return self.connection.scalar(text(sql))


async def uploaded(app: App, practice: UUID, database_url: str, redis_url: str) -> dict[str, str]:
    """A file that waits for its import, at the Practice Platform; read back before it is looked for."""
    platform = bootstrap(
        config=app.settings, clock=app.clock, database_url=database_url, redis_url=redis_url,
        role="cm_platform",
    )  # fmt: skip
    name = word()
    async with platform.uow(system(practice, "test")) as u:
        files = [("leads.csv", f"First Name;Email 1\n{name};a@example.com\n".encode())]
        batch = await imports.upload(u, kind="leads", files=files, uploaded_by="test")
        assert (await imports.get(u, batch.batch_id)).batch.sample[0][0] == name
    await platform.close()
    return {"file to import": name}


async def handed_over(app: App, practice: UUID, database_url: str, redis_url: str) -> dict[str, str]:
    """What was planned is relayed, and the Hub keeps words that came with it; read back before they are looked for."""
    while await app.relay.run_once(practice):
        pass
    words = {"sms": {"subject": "", "body": f"Hello {word()}", "preheader": ""}}
    async with hub_world(app, practice, database_url, redis_url) as hub:
        await hub.hear(hub.words(words))
        ref = hub.words(words).data["content_ref"]
        async with hub.hub.unit(practice) as u:
            assert (await words_of(u, [ref]))[ref].content == words
    return {"words at the Hub": words["sms"]["body"].removeprefix("Hello ")}


@pytest.mark.covers("GOV-6")
async def test_nothing_that_is_sealed_is_in_the_files_in_the_clear(
    app: App, practice: UUID, database_url: str, servers: Servers
):
    engine = create_engine(owner(database_url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        files = Files(connection)
        planted = (await one_of_everything(app, practice, database_url)).planted
        planted |= await uploaded(app, practice, database_url, servers.redis_url)
        planted |= await handed_over(app, practice, database_url, servers.redis_url)
        wanted = {
            "words at the Hub",
            "file to import",
            "journey",
            "template",
            "segment",
            "followup",
            "webhook secret",
            "authenticator",
        }
        assert wanted <= planted.keys()
        assert files.look(planted) == (set(), set())

        # The same look must see a row that is not sealed, also where the database compressed it.
        control = {"plain": word(), "compressed": word()}
        for day, label in enumerate((control["plain"], ("word and " * 500) + control["compressed"]), 1):
            run(
                database_url,
                f"INSERT INTO cm.holiday (practice_id, day, label) VALUES (:p, '2026-12-0{day}', :label)",
                {"p": practice, "label": label},
            )
        assert files.look(control) == (set(control), set(control))
    engine.dispose()
