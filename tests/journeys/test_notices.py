"""Whoever something came in about is left alone until it has been taken in (SUP-1, docs/decisions/0014)."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import create_engine

from services.audit.append import pseudonyms
from services.bootstrap import App, bootstrap
from services.engine import claim
from services.engine.service import Engine
from services.engine.why_not import why_not_now
from services.followups import service as followups
from services.followups.contracts import Drained, NewFollowup
from services.followups.jobs import drain
from services.intake.dead_letters import dead_letters, replay_for, set_aside
from services.intake.notices import Notices
from services.intake.rules import MORE_THAN_A_NUMBER
from services.invariants.service import check
from services.kit.actor import system
from services.kit.clock import SystemClock
from services.kit.db import owner
from services.kit.embedded import Servers
from services.kit.errors import Forbidden
from services.kit.ids import new_id
from services.kit.settings import Settings
from tests.factories.campaign import journey, launch, message
from tests.factories.journeys import person as staff
from tests.factories.practice import make_contact
from tests.factories.race import COMMON, ONE, event_of, prepare
from tests.factories.witness import Witness
from tests.factories.world import World
from tests.journeys.test_races import LOCKS, all_blocked, dispatching

pytestmark = pytest.mark.covers("SUP-1")
NOTICES = "SELECT contact_id FROM cm.notice WHERE practice_id = :practice ORDER BY contact_id"
REQUESTED = "SELECT contact_id FROM cm.dispatch WHERE practice_id = :practice ORDER BY contact_id"
(PROPOSAL, _, BOOKED, *_), (REVOKED, _) = COMMON, ONE


@pytest.fixture
async def reader(world: World) -> AsyncIterator[Notices]:
    notices = Notices(world.app.uow, world.app.bus, "notices")
    await notices.prepare()
    yield notices
    await notices.close()


@pytest.fixture
async def due(world: World, database_url: str) -> list[UUID]:
    """Three people who would get a message now."""
    people = sorted(
        make_contact(database_url, world.practice_id, world.clock.now(), email=f"p{n}@example.com")
        for n in range(3)
    )
    await launch(world.app, world.practice_id, journey(message("hello", "end")))
    return people


async def says(world: World, contact: UUID, *, kind=PROPOSAL) -> str:
    """An event about somebody is on the stream; its id."""
    event, _ = event_of(world.app, world.practice_id, contact, kind)
    # What a sender calls itself is not the name of the stream its events come on.
    await world.app.bus.publish(event.source, [event.model_copy(update={"source": "crm"})])
    return event.id


async def test_others_go_on_and_the_person_follows_once_it_is_taken_in(
    world: World, reader: Notices, due: list[UUID]
):
    await says(world, due[1])
    assert await reader.run_once() == 1
    assert [row.contact_id for row in await world.rows(NOTICES)] == [due[1]]
    await world.run()
    assert [row.contact_id for row in await world.rows(REQUESTED)] == [due[0], due[2]]
    async with world.app.uow(staff(world.practice_id, "read")) as u:
        (answer,) = await why_not_now(u, due[1])
    assert not answer.would_send
    assert any("has not been taken in" in line for line in answer.beside)

    await world.intake.drain()
    assert await world.rows(NOTICES) == []
    await world.run()
    assert [row.contact_id for row in await world.rows(REQUESTED)] == due
    async with world.app.uow(system(world.practice_id, "test")) as u:
        assert await check(u) == []


WRITTEN = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0'), pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')"


async def test_what_is_acknowledged_is_on_the_disk_and_what_is_not_is_put_up_again(
    world: World, reader: Notices, due: list[UUID], monkeypatch: pytest.MonkeyPatch
):
    async with world.app.uow(system(world.practice_id, "test")) as u:
        await pseudonyms(u, due)  # whoever is not known yet goes the slow way
    proven = []
    for n in range(20):  # a server that happens to write by itself does so five times a second
        await says(world, due[n % 3])
        await reader.step()
        (before,) = await world.rows(WRITTEN)
        assert await reader.prove() == 1
        (after,) = await world.rows(WRITTEN)
        proven.append(after[1] >= before[0])
    assert all(proven)

    await says(world, due[0])
    with monkeypatch.context() as away:

        async def gone(entries):
            if entries:
                raise OSError("planted")

        away.setattr(reader.consumer, "ack", gone)
        with pytest.raises(OSError, match="planted"):
            await reader.run_once()
    await world.rows("DELETE FROM cm.notice WHERE practice_id = :practice RETURNING 1")
    assert await reader.run_once() == 0  # nothing new, and what was in doubt is up again
    assert [row.contact_id for row in await world.rows(NOTICES)] == [due[0]]
    pending = await world.app.bus.redis.xpending("cm:events:proposals", "campaign-manager-notices")
    assert pending["pending"] == 0


async def test_a_suppression_that_waits_in_the_queue_is_in_effect(
    world: World, reader: Notices, due: list[UUID]
):
    for contact in due:
        await says(world, contact, kind=REVOKED)
    assert await reader.run_once() == 3
    await world.run()
    await world.intake.drain()
    await world.run()
    assert await world.rows(REQUESTED) == []


async def test_what_was_taken_in_needs_no_notice_and_numbers_never_do(
    world: World, reader: Notices, due: list[UUID]
):
    event, _ = event_of(world.app, world.practice_id, due[0], PROPOSAL)
    await world.app.bus.publish(event.source, [event, event])
    await world.intake.drain()
    await world.app.bus.publish(event.source, [event])
    assert await reader.run_once() == 3
    assert "delivered" not in MORE_THAN_A_NUMBER
    report = {
        "dispatch_id": new_id(), "contact_id": due[0], "campaign_id": new_id(), "channel": "email",
        "practice_id": world.practice_id,
    }  # fmt: skip
    await world.publish("hub.message.delivered", report)
    await world.publish("hub.message.unsubscribed", report)
    assert await reader.run_once() == 2
    assert [row.contact_id for row in await world.rows(NOTICES)] == [due[0]]


async def test_nothing_that_comes_in_stops_the_reader(world: World, reader: Notices, due: list[UUID]):
    event, _ = event_of(world.app, world.practice_id, due[0], PROPOSAL)
    stranger = event.model_copy(update={"id": str(new_id()), "practiceid": new_id()})
    odd = event.model_copy(update={"id": "a\0b"})
    await world.app.bus.publish_raw(event.source, [b"not json", stranger.wire(), odd.wire(), event.wire()])
    assert await reader.run_once() == 4
    assert [row.contact_id for row in await world.rows(NOTICES)] == [due[0]]
    assert await reader.run_once() == 0
    assert await reader.reclaim_once() == 0


@pytest.mark.covers("EVT-4")
async def test_an_event_that_cannot_be_handled_keeps_its_person_back_until_somebody_decides(
    world: World, reader: Notices, due: list[UUID], monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as broken:

        async def breaks(*_, **__):
            raise RuntimeError("planted")

        broken.setattr("services.intake.service._act", breaks)
        for contact in due[:2]:
            await says(world, contact)
        await reader.run_once()
        await world.intake.drain()
    assert [row.contact_id for row in await world.rows(NOTICES)] == due[:2]
    await world.run()
    assert [row.contact_id for row in await world.rows(REQUESTED)] == [due[2]]

    letters = await dead_letters(world.app.bus, practice_id=world.practice_id)
    first, second = sorted(letters, key=lambda x: x.at)
    assert "broke the handler (RuntimeError)" in first.reason
    with pytest.raises(Forbidden):
        await set_aside(world.app.uow, world.app.bus, staff(world.practice_id, "read"), [first.letter_id])
    ada = staff(world.practice_id, "administer")
    assert await set_aside(world.app.uow, world.app.bus, ada, [first.letter_id, "0-1"]) == 1
    assert await replay_for(world.app.uow, world.app.bus, ada, [second.letter_id]) == 1
    await world.intake.drain()
    assert await world.rows(NOTICES) == []
    assert await dead_letters(world.app.bus, practice_id=world.practice_id) == []
    assert (
        await world.one(
            "SELECT count(*) FROM cm.audit WHERE practice_id = :practice AND tag = 'event.set_aside'"
        )
        == 1
    )
    await world.run()
    assert [row.contact_id for row in await world.rows(REQUESTED)] == due


@pytest.mark.covers("EVT-8")
async def test_a_follow_up_waits_too(world: World, reader: Notices, due: list[UUID]):
    words = {"email": {"subject": "How are you?", "body": "Hello"}}
    async with world.app.uow(staff(world.practice_id, "author", "read")) as u:
        await followups.plan(
            u, NewFollowup(contact_id=due[0], channels=["email"], content=words, why="A crown")
        )
    await says(world, due[0])
    await reader.run_once()
    for taken, drained in (
        (False, Drained(sent=0, failed=0, waiting=1)),
        (True, Drained(sent=1, failed=0, waiting=0)),
    ):
        if taken:
            await world.intake.drain()
        async with world.app.uow(system(world.practice_id, "scheduler")) as u:
            assert await drain(u) == drained


async def test_a_notice_follows_a_record_that_is_merged(world: World, reader: Notices, due: list[UUID]):
    await says(world, due[0])
    await reader.run_once()
    await world.event("contact.merged", {"contact_id": due[1], "merged_id": due[0]})
    assert [row.contact_id for row in await world.rows(NOTICES)] in ([due[1]], [])
    await says(world, due[0])
    await reader.run_once()
    assert {row.contact_id for row in await world.rows(NOTICES)} == {due[1]}


@pytest.fixture
async def live(config: Settings, servers: Servers, database_url: str) -> AsyncIterator[App]:
    app = bootstrap(
        config=config, clock=SystemClock(), database_url=database_url, redis_url=servers.redis_url
    )
    await app.bus.redis.flushall()
    yield app
    await app.close()


async def test_a_notice_waits_for_the_batch_that_has_the_person_and_others_do_not(
    live: App, database_url: str
):
    practice, people = await prepare(live, database_url, people=3)
    witness = Witness(live, practice)
    reader = await witness.notices("one")
    async with asyncio.TaskGroup() as group, dispatching(live, practice):
        nobody = make_contact(database_url, practice, live.clock.now(), email="other@example.com")
        async with live.uow(system(practice, "test")) as u:
            await pseudonyms(u, [nobody])  # somebody known who is in no journey
        held, _ = event_of(live, practice, people[0], BOOKED)
        free, _ = event_of(live, practice, nobody, BOOKED)
        await live.bus.publish(held.source, [held, free])
        assert await reader.step() == 2
        assert set(witness.noticed) == {free.id}
        settling = group.create_task(reader.settle())
        await all_blocked(live, [settling])
        assert set(witness.noticed) == {free.id}
    assert set(witness.noticed) == {free.id, held.id}
    intake = await witness.reader("reader")
    await intake.run_once()
    assert await witness.slipped() == []
    await reader.close()


async def test_the_checker_convicts_a_dispatcher_that_does_not_look(
    live: App, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        claim, "LEFT_ALONE", "DELETE FROM pg_temp.claim WHERE false AND :practice IS NOT NULL"
    )
    practice, people = await prepare(live, database_url, people=2)
    witness = Witness(live, practice)
    reader, intake = await witness.notices("one"), await witness.reader("reader")
    await witness.publish([event_of(live, practice, people[0], BOOKED)])
    await reader.run_once()
    await Engine(witness.uow).drain(practice)
    await intake.run_once()
    assert {contact for _, contact in await witness.slipped()} == {str(people[0])}
    await reader.close()


async def test_the_checker_convicts_a_notice_without_locks(live: App, database_url: str):
    as_owner = create_engine(owner(database_url))
    with as_owner.begin() as connection:
        made = connection.exec_driver_sql(
            "SELECT pg_get_functiondef(CAST('cm.put_up_notices' AS regproc))"
        ).scalar_one()
        assert LOCKS.search(made)
        connection.exec_driver_sql(LOCKS.sub("", made))
    as_owner.dispose()
    practice, people = await prepare(live, database_url, people=2)
    witness = Witness(live, practice)
    reader, intake = await witness.notices("one"), await witness.reader("reader")
    async with dispatching(live, practice):
        await witness.publish([event_of(live, practice, people[0], BOOKED)])
        assert await reader.run_once() == 1
    await intake.run_once()
    assert {contact for _, contact in await witness.slipped()} == {str(people[0])}
    await reader.close()
