"""Suppression wins every race: real workers, real events, commits in the order the database knows.

The checker is checked, too: a suppression that only inserts its row, and trusts the dispatcher's
anti-join to see it, must be convicted. That race is not left to chance: the dispatcher is held
between its snapshot and its commit.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.bootstrap import App, bootstrap
from services.contracts.envelope import Envelope
from services.engine.service import Engine
from services.kit.actor import Actor, system
from services.kit.clock import SystemClock
from services.kit.embedded import Servers
from services.kit.ids import new_id
from services.kit.settings import Settings
from services.kit.uow import Unit, UnitOfWork
from tests.factories.history import violations
from tests.factories.race import ALL, COMMON, ONE, event_of, judge, prepare, race
from tests.factories.witness import Told, Witness

EVENTS, PEOPLE, OPERATIONS = 400, 140, 1_800
KINDS = [kind for kind in (*COMMON, *ALL, *ONE) if kind.told.what == "suppress"]
REQUESTED_HERE = (
    "SELECT count(*) FROM cm.audit WHERE practice_id = :practice AND tag = 'step.requested'"
    " AND xmin = CAST(CAST(pg_current_xact_id() AS text) AS xid)"
)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
REMEMBER = (
    "INSERT INTO cm.inbound_event (practice_id, source, event_id, type, contact_id, occurred_at, received_at, outcome)"
    " VALUES (:practice, :source, :id, :type, :contact, :at, :now, 'handled')"
)
INSERT = (
    "INSERT INTO cm.suppression (practice_id, suppression_id, contact_id, reason, scope, event_id, applied_by, applied_at)"
    " VALUES (:practice, :id, :contact, 'CONSENT_REVOKED', 'all', :event_id, 'test', :now)"
)
LOCKS = re.compile(r"FOR (UPDATE|SHARE)( OF [a-z]+(, ?[a-z]+)*)?( SKIP LOCKED| NOWAIT)?")


@pytest.fixture
async def live(config: Settings, servers: Servers, database_url: str) -> AsyncIterator[App]:
    """Pooled connections and the machine's clock."""
    app = bootstrap(
        config=config, clock=SystemClock(), database_url=database_url, redis_url=servers.redis_url
    )
    await app.bus.redis.flushall()
    yield app
    await app.close()


@dataclass(frozen=True)
class Held(UnitOfWork):
    """Units that requested something wait before their commit until `go`."""

    requested: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def __call__(self, actor: Actor, *, now: datetime | None = None) -> AsyncIterator[Unit]:
        async with super().__call__(actor, now=now) as u:
            yield u
            u.before_commit(self._wait)

    async def _wait(self, u: Unit) -> None:
        if (await u.execute(REQUESTED_HERE, practice=u.practice_id)).scalar_one():
            self.requested.set()
            await self.go.wait()


@asynccontextmanager
async def dispatching(app: App, practice: UUID) -> AsyncIterator[Held]:
    """An engine whose first batch of requests is written and not committed; at the end it may go on."""
    held = Held(app.uow.engine, app.uow.clock, app.uow.keyring, app.uow.schema)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(Engine(held).drain(practice))
        await held.requested.wait()
        yield held
        held.go.set()


async def naively(witness: Witness, contact: UUID, event: Envelope, told: Told) -> None:
    """The obvious way: write the row. The dispatcher's anti-join reads it, and no lock is held."""
    await witness.announce([(event, told)])
    async with witness.uow(system(witness.practice_id, "intake")) as u:
        await u.execute(
            REMEMBER, practice=u.practice_id, source=event.source, id=event.id, type=event.type, contact=contact,
            at=event.time, now=u.now,
        )  # fmt: skip
        await u.execute(
            INSERT, practice=u.practice_id, id=new_id(), contact=contact, event_id=event.id, now=u.now
        )
    await witness.acknowledge([event.id])


async def all_blocked(app: App, taking: list[asyncio.Task[int]]) -> None:
    """Until PostgreSQL says that every one of them waits for somebody's lock; none may get through."""
    async with app.uow.engine.connect() as connection:
        while (await connection.execute(text(WAITING))).scalar_one() < len(taking):
            assert not any(task.done() for task in taking), "a suppression did not wait"
            await connection.rollback()


@pytest.mark.covers("SUP-1")
async def test_the_naive_way_is_convicted(live: App, database_url: str):
    practice, people = await prepare(live, database_url, people=3)
    witness, (revoked, _) = Witness(live, practice), ALL
    async with dispatching(live, practice):
        await naively(witness, people[0], *event_of(live, practice, people[0], revoked))
    for by in ("commit", "acknowledged"):
        found = violations(await witness.history(by))
        assert {v.contact for v in found} == {str(people[0])}
        assert {v.what for v in found} == {"late"}


@pytest.fixture
def lockless(monkeypatch: pytest.MonkeyPatch) -> None:
    """The product's own readers, without a single row lock."""
    execute = Unit.execute

    async def without(u: Unit, sql: str, **values: Any) -> Any:
        return await execute(u, LOCKS.sub("", sql) if u.actor.ref == "intake" else sql, **values)

    monkeypatch.setattr(Unit, "execute", without)


@pytest.mark.covers("SUP-1")
async def test_the_product_without_its_locks_is_convicted(live: App, database_url: str, lockless: None):
    practice, people = await prepare(live, database_url, people=3)
    witness, (revoked, _) = Witness(live, practice), ONE
    reader = await witness.reader("reader")
    async with dispatching(live, practice):
        await witness.publish([event_of(live, practice, people[0], revoked)])
        assert await reader.run_once() == 1
        assert len(witness.acknowledged) == 1
    for by in ("commit", "acknowledged"):
        found = violations(await witness.history(by))
        assert ("late", str(people[0])) in {(v.what, v.contact) for v in found}


@pytest.mark.covers("SUP-1")
async def test_a_suppression_waits_for_the_batch_that_has_the_person(live: App, database_url: str):
    practice, people = await prepare(live, database_url, people=len(KINDS))
    witness = Witness(live, practice)
    events = [event_of(live, practice, who, kind) for who, kind in zip(people, KINDS, strict=True)]
    readers = [await witness.reader(f"reader-{n}", most=1) for n in range(len(events))]
    async with asyncio.TaskGroup() as group, dispatching(live, practice):
        taking: list[asyncio.Task[int]] = []
        for event, reader in zip(events, readers, strict=True):
            await witness.publish([event])
            taking.append(group.create_task(reader.run_once()))
            await all_blocked(live, taking)
        assert witness.acknowledged == {}, "acknowledged while a request was about to commit"
    judged = await judge(witness)
    assert judged.violations == judged.invariants == ()
    assert judged.events == len(KINDS)
    assert judged.taken_back >= len(KINDS)


@pytest.mark.covers("SUP-1", "SUP-3", "ENG-1")
async def test_no_order_of_events_lets_a_late_request_through(live: App, database_url: str):
    practice, people = await prepare(live, database_url, people=PEOPLE)
    judged = await judge(await race(live, practice, people, events=EVENTS))
    print(f"{judged.operations:,} operations: {judged}")
    assert judged.violations == judged.invariants == judged.slipped == ()
    assert judged.events == EVENTS
    assert judged.noticed == EVENTS
    assert judged.operations >= OPERATIONS
    assert judged.taken_back > 0, "nothing raced"
