"""Runs as people see them: who began them, how they went and why, and what the Hub kept to itself."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from services.contracts.hub_api import ASKED
from services.contracts.journey import Entry, EventMatch, Pace
from services.engine.runs import RunDetail, RunFilter, RunRow, detail, page
from services.kit.actor import Actor
from services.kit.errors import Forbidden, NotFound
from services.kit.ids import new_id
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact
from tests.factories.world import World

READER = frozenset({"read"})


async def shown(world: World, **wanted) -> list[RunRow]:
    async with world.app.uow(Actor(world.practice_id, "person:1", READER)) as u:
        return await page(u, RunFilter(**wanted))


async def one(world: World, run_id: UUID) -> RunDetail:
    async with world.app.uow(Actor(world.practice_id, "person:1", READER)) as u:
        return await detail(u, run_id)


@pytest.mark.covers("LIF-8")
async def test_a_run_tells_its_numbers_and_the_reasons_behind_them(world: World, database_url: str):
    for _ in range(3):
        make_contact(database_url, world.practice_id, world.clock.now())
    make_contact(database_url, world.practice_id, world.clock.now(), consent=())
    made = await launch(
        world.app, world.practice_id, journey(message("hello", "end", one_per_household=False), pace=Pace())
    )
    (row,) = await shown(world)
    assert (row.outcome, row.began, row.number, row.requested) == ("running", "schedule", 1, 0)
    await world.run()
    sent = await world.rows(
        "SELECT dispatch_id, contact_id FROM cm.dispatch WHERE practice_id = :practice ORDER BY contact_id"
    )
    for message_row, what, reason in zip(
        sent, ("failed", "delivered", "sent"), ("No such mailbox", "", ASKED), strict=True
    ):
        await world.event(
            f"hub.message.{what}",
            {"dispatch_id": message_row.dispatch_id, "contact_id": message_row.contact_id,
             "campaign_id": made.campaign_id, "channel": "email", "reason": reason},
        )  # fmt: skip
    found = await one(world, made.execution_id)
    assert (found.row.version, found.completed, found.live, found.row.enrolled) == (1, 4, 0, 4)
    assert [(r.reason, r.count, r.at_entry) for r in found.refused] == [("NO_CONSENT", 1, False)]
    assert [(f.reason, f.count) for f in found.failed] == [("No such mailbox", 1)]
    silence = found.silence
    assert (silence.waiting, silence.unanswered, silence.by_asking) == (1, 0, 1)
    assert silence.asks_until == world.clock.now() + timedelta(minutes=30)
    world.clock.advance(minutes=31)
    silence = (await one(world, made.execution_id)).silence
    assert (silence.waiting, silence.unanswered, silence.asks_until) == (1, 1, None)


@pytest.mark.covers("LIF-8")
async def test_people_who_come_in_on_an_event_are_one_run_and_filters_narrow(world: World, database_url: str):
    person = make_contact(database_url, world.practice_id, world.clock.now())
    once = await launch(world.app, world.practice_id, journey(message("hello", "end")))
    await world.run()
    world.clock.advance(minutes=1)
    entry = Entry(id="entry", how="event", event=EventMatch(type="proposal.stalled"), next="hello")
    every = await launch(
        world.app, world.practice_id, journey(message("hello", "end"), entry=entry), kind="event"
    )
    await world.event("proposal.stalled", {"patient_id": person, "proposal_id": new_id()})
    await world.run()

    both = await shown(world)
    assert [r.campaign_id for r in both] == [every.campaign_id, once.campaign_id]
    assert (both[0].number, both[0].began, both[0].enrolled, both[0].outcome) == (None, "event", 1, "running")
    assert (await one(world, every.campaign_id)).row == both[0]
    first = RunFilter(most=1)
    assert await shown(world, most=1) == both[:1]
    async with world.app.uow(Actor(world.practice_id, "person:1", READER)) as u:
        rest = await page(u, replace(first, before=(both[0].started_at, both[0].run_id)))
    assert rest == both[1:]
    assert await shown(world, began="event") == both[:1]
    assert await shown(world, outcome="delivered") == both[1:]
    assert await shown(world, campaign_id=once.campaign_id, until=once_started(both)) == []
    with pytest.raises(NotFound):
        await one(world, new_id())
    async with world.app.uow(Actor(world.practice_id, "person:1")) as u:
        with pytest.raises(Forbidden):
            await page(u, first)


def once_started(rows: list[RunRow]):
    return rows[1].started_at
