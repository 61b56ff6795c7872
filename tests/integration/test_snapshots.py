"""One question in several sessions that see the same moment (services.kit.snapshots)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from services.bootstrap import App
from services.kit import snapshots
from services.kit.snapshots import at_once, same_view
from services.kit.uow import Unit, UnitOfWork
from tests.factories.journeys import person
from tests.factories.practice import make_contact, make_practice

Pooled = Callable[[int], AbstractAsyncContextManager[UnitOfWork]]
PEOPLE = "SELECT count(*) FROM canonical.contact"
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
FOR_EVER = "SELECT pg_advisory_xact_lock(7)"


@pytest.fixture
def pooled(app: App) -> Pooled:
    """The product's way into the database with so many connections and not one more."""

    @asynccontextmanager
    async def limited(connections: int) -> AsyncIterator[UnitOfWork]:
        engine = create_async_engine(app.uow.engine.url, pool_size=connections, max_overflow=0)
        try:
            yield replace(app.uow, engine=engine)
        finally:
            await engine.dispose()

    return limited


async def number(u: Unit, sql: str = PEOPLE) -> int:
    return int((await u.execute(sql)).scalar_one())


async def test_parts_see_one_moment_and_one_practice(
    app: App, practice: UUID, database_url: str, pooled: Pooled
):
    now = app.clock.now()
    elsewhere = make_practice(database_url, now, name="Hill Dental")
    for _ in range(3):
        make_contact(database_url, elsewhere, now)
    make_contact(database_url, practice, now)
    async with pooled(3) as uow:
        async with uow(person(practice, "read")) as u, same_view(u, 2) as parts:
            assert len(parts) == 2
            assert not any(part is u for part in parts)
            assert {part.now for part in parts} == {u.now}
            assert await at_once(number(part) for part in parts) == [1, 1]
            make_contact(database_url, practice, now)
            assert await at_once(number(part) for part in parts) == [1, 1]
            assert await number(u) == 2
            await at_once(part.execute("CREATE TEMP TABLE mine (n int) ON COMMIT DROP") for part in parts)
        assert uow.engine.pool.checkedout() == 0
        async with uow(person(practice, "read")) as u, same_view(u, 2) as parts:
            assert await at_once(number(part) for part in parts) == [2, 2]


async def test_a_part_that_fails_and_a_caller_who_leaves_stop_every_part(
    app: App, practice: UUID, pooled: Pooled
):
    async def ask(uow: UnitOfWork, *questions: str) -> list[int]:
        async with uow(person(practice, "read")) as u, same_view(u, len(questions)) as parts:
            assert len(parts) == len(questions)
            return await at_once(number(part, sql) for part, sql in zip(parts, questions, strict=True))

    async with pooled(4) as uow, app.uow(person(practice)) as holder, asyncio.timeout(20):
        await holder.execute(FOR_EVER)
        with pytest.raises(DBAPIError, match="division by zero"):
            await ask(uow, FOR_EVER, "SELECT 1 / 0")
        assert await number(holder, WAITING) == 0
        asked = asyncio.create_task(ask(uow, FOR_EVER, FOR_EVER, FOR_EVER))
        while await number(holder, WAITING) < 3:
            assert not asked.done()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert await number(holder, WAITING) == 0
        assert uow.engine.pool.checkedout() == 0
        assert await ask(uow, PEOPLE, PEOPLE) == [0, 0]


async def test_where_parts_cannot_be_had_one_session_does_it(
    app: App, practice: UUID, pooled: Pooled, monkeypatch: pytest.MonkeyPatch
):
    async with pooled(1) as uow, uow(person(practice, "read")) as u, same_view(u, 2) as parts:
        assert parts == [u]
    async with pooled(3) as uow:
        async with uow(person(practice, "read")) as u, same_view(u, 5) as parts:
            assert len(parts) == 2
        async with uow(person(practice, "read")) as u:
            async with same_view(u, 1) as parts:
                assert parts == [u]
            await u.execute("CREATE TEMP TABLE mine (n int) ON COMMIT DROP")
            async with same_view(u, 2) as parts:
                assert parts == [u], "what this unit has written, no other would see"
    monkeypatch.setattr(snapshots, "_spare", lambda engine, wanted: wanted)
    monkeypatch.setattr(snapshots, "PATIENCE", 0.05)
    async with pooled(2) as uow, uow(person(practice, "read")) as u, same_view(u, 2) as parts:
        assert parts == [u], "somebody else was quicker"
        assert uow.engine.pool.checkedout() == 1
        assert await number(u) == 0


async def test_a_part_keeps_nothing_and_says_so(app: App, practice: UUID):
    async with app.uow(person(practice)) as u:
        with pytest.raises(RuntimeError, match="parts only read"):
            async with same_view(u, 2) as parts:
                parts[1].emit("campaign.metric.updated", {})
        async with same_view(u, 2) as parts:
            await parts[0].execute(
                "UPDATE cm.practice SET label = 'Another' WHERE practice_id = :practice", practice=practice
            )
        assert await number(u, "SELECT count(*) FROM cm.practice WHERE label = 'Another'") == 0
