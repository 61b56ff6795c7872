"""May somebody come again? Never, after leaving, after a period, or at any time (ENG-7)."""

import asyncio

import pytest

from services.contracts.journey import Entry, EventMatch, Reentry, Wait, WaitFor
from services.engine.signals import enter_one
from services.gates.reasons import Reason
from services.kit.actor import system
from services.suppression.contracts import Suppress
from services.suppression.service import apply, lift
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact
from tests.factories.world import World

STALLED = EventMatch(type="proposal.stalled")
STATES = (
    "SELECT state FROM cm.enrolment WHERE practice_id = :practice AND contact_id = :contact ORDER BY entry_no"
)


def staying(rule: Reentry, **more):
    entry = Entry(id="entry", how="event", event=STALLED, limit_hours=0, reentry=rule, next="hello", **more)
    stay = Wait(id="stay", until=WaitFor(minutes=60 * 24 * 5), next="end")
    return journey(message("hello", "stay"), stay, entry=entry)


async def stall(world: World, person) -> list[str]:
    await world.event(
        "proposal.stalled",
        {"patient_id": person, "proposal_id": "0192b5a4-0000-7000-8000-000000000001"},
    )
    await world.run()
    return [row.state for row in await world.rows(STATES, contact=person)]


@pytest.mark.covers("ENG-7")
@pytest.mark.parametrize(
    ("rule", "while_in", "after_exit", "after_period"),
    [
        (Reentry(rule="never"), 1, 1, 1),
        (Reentry(rule="after_exit"), 1, 2, 3),
        (Reentry(rule="after_period", days=10), 1, 1, 2),
        (Reentry(rule="concurrent"), 2, 3, 4),
    ],
    ids=lambda value: value.rule if isinstance(value, Reentry) else "",
)
async def test_reentry(
    world: World, database_url: str, rule: Reentry, while_in: int, after_exit: int, after_period: int
):
    person = make_contact(database_url, world.practice_id, world.clock.now())
    await launch(world.app, world.practice_id, staying(rule), kind="event")
    await stall(world, person)
    assert len(await stall(world, person)) == while_in
    # Held is not left: who waits in a hold is still in the journey.
    async with world.app.uow(system(world.practice_id, "test")) as u:
        await apply(u, Suppress(contact_id=person, reason=Reason.MANUAL_SUPPRESSION, effect="hold"))
    assert await stall(world, person) == ["held"] * while_in
    async with world.app.uow(system(world.practice_id, "test")) as u:
        await lift(u, person, [Reason.MANUAL_SUPPRESSION], why="test")
    await world.run()
    assert [r.state for r in await world.rows(STATES, contact=person)] == ["live"] * while_in
    await world.advance(days=6)
    assert len(await stall(world, person)) == after_exit
    await world.advance(days=11)
    assert len(await stall(world, person)) == after_period


@pytest.mark.covers("ENG-7", "EVT-3")
async def test_two_events_at_once_let_a_person_in_once(world: World, database_url: str):
    person = make_contact(database_url, world.practice_id, world.clock.now())
    made = await launch(world.app, world.practice_id, staying(Reentry(rule="never")), kind="event")

    async def enter() -> int:
        async with world.app.uow(system(world.practice_id, "test")) as u:
            entered = await enter_one(u, made.version_id, made.campaign_id, person, trigger=STALLED.type)
            return entered.enrolled

    assert sorted(await asyncio.gather(*(enter() for _ in range(4)))) == [0, 0, 0, 1]


@pytest.mark.covers("ENG-7")
async def test_nobody_enters_a_campaign_that_has_ended(world: World, database_url: str):
    person = make_contact(database_url, world.practice_id, world.clock.now())
    made = await launch(world.app, world.practice_id, staying(Reentry(rule="concurrent")), kind="event")
    await stall(world, person)
    await world.rows("UPDATE cm.campaign SET state = 'cancelled' WHERE practice_id = :practice RETURNING 1")
    await world.run()
    async with world.app.uow(system(world.practice_id, "test")) as u:
        entered = await enter_one(u, made.version_id, made.campaign_id, person, trigger=STALLED.type)
    assert entered.enrolled == 0
    assert [r.state for r in await world.rows(STATES, contact=person)] == ["exited"]
    assert await world.one("SELECT emptied_at IS NOT NULL FROM cm.campaign WHERE practice_id = :practice")
