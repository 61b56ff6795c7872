"""An awaited event is never lost: not during a hold, not while a worker has the person in hand."""

import asyncio

import pytest

from services.contracts.journey import EventMatch, Wait, WaitEvent, WaitFor
from services.engine.claim import claim, due_steps
from services.engine.moves import move
from services.engine.plans import plan_of
from services.gates.reasons import Reason
from services.intake.consumer import Intake
from services.kit.actor import system
from services.suppression.contracts import Suppress
from services.suppression.service import apply, lift
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact
from tests.factories.world import World

MILESTONE = EventMatch(type="loyalty.milestone.reached")
SENT = "SELECT step_id FROM cm.dispatch WHERE practice_id = :practice AND contact_id = :contact ORDER BY requested_at"


def waiting(*before, minutes: int = 60):
    wait = WaitEvent(id="wait", event=MILESTONE, timeout_minutes=minutes, on_event="yes", on_timeout="no")
    return journey(
        *before,
        wait,
        message("yes", "later"),
        message("no", "later"),
        Wait(id="later", until=WaitFor(minutes=4320), next="end"),
    )


async def sent(world: World, person) -> list[str]:
    return [row.step_id for row in await world.rows(SENT, contact=person)]


@pytest.mark.covers("EVT-1", "SUP-5")
@pytest.mark.parametrize("when", ["during", "before"])
async def test_an_awaited_event_counts_once_the_hold_is_over(world: World, database_url: str, when: str):
    person = make_contact(database_url, world.practice_id, world.clock.now())
    await launch(world.app, world.practice_id, waiting())
    await world.run()
    hold = Suppress(contact_id=person, reason=Reason.CONCIERGE_RECOVERY_HOLD, effect="hold")
    if when == "before":  # it came, and the hold began before the engine could act on it
        await world.event("loyalty.milestone.reached", {"patient_id": person})
    async with world.app.uow(system(world.practice_id, "test")) as u:
        await apply(u, hold)
    if when == "during":
        await world.event("loyalty.milestone.reached", {"patient_id": person})
    await world.advance(hours=3)
    assert await sent(world, person) == []
    async with world.app.uow(system(world.practice_id, "test")) as u:
        await lift(u, person, [hold.reason], why="test")
    await world.run()
    assert await sent(world, person) == ["yes"]
    kept = await world.one("SELECT held_signal FROM cm.enrolment WHERE practice_id = :practice")
    assert kept is None


@pytest.mark.covers("EVT-1", "ENG-1")
async def test_an_event_that_comes_while_a_worker_moves_the_person_into_the_wait_is_heard(
    world: World, database_url: str
):
    person = make_contact(database_url, world.practice_id, world.clock.now())
    pause = Wait(id="pause", until=WaitFor(minutes=10), next="wait")
    await launch(world.app, world.practice_id, waiting(pause))
    await world.run()
    world.clock.advance(minutes=11)
    await _while_in_hand(world, person)
    await world.run()
    assert await sent(world, person) == ["yes"]


@pytest.mark.covers("EVT-1", "ENG-1")
async def test_an_event_that_comes_while_a_worker_ends_the_wait_wakes_no_later_step(
    world: World, database_url: str
):
    person = make_contact(database_url, world.practice_id, world.clock.now())
    wait = WaitEvent(id="wait", event=MILESTONE, timeout_minutes=60, on_event="end", on_timeout="later")
    later = Wait(id="later", until=WaitFor(minutes=4320), next="no")
    await launch(world.app, world.practice_id, journey(wait, later, message("no", "end")))
    await world.run()
    world.clock.advance(minutes=61)
    await _while_in_hand(world, person)
    await world.run()
    assert await sent(world, person) == []
    assert await world.one("SELECT step_id FROM cm.whereabouts WHERE practice_id = :practice") == "later"
    await world.advance(days=3, minutes=1)
    assert await sent(world, person) == ["no"]


async def _while_in_hand(world: World, person) -> None:
    """A worker has claimed and moved everybody, and has not committed, when the event arrives."""
    async with world.app.uow(system(world.practice_id, "engine")) as u:
        (due,) = await due_steps(u)
        plan = await plan_of(u, due.version_id)
        size = await claim(u, due)
        await move(u, due, plan, plan.steps[due.step_id], size)
        other = World(world.app, world.clock, world.practice_id, world.engine,
                      Intake(world.app.uow, world.app.bus, "other"))  # fmt: skip
        arriving = asyncio.create_task(other.event("loyalty.milestone.reached", {"patient_id": person}))
        async with asyncio.timeout(30):
            blocked = 0
            while not blocked:  # until the event waits for our lock
                blocked = await world.one(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                    " AND datname = current_database() AND :practice IS NOT NULL"
                )
    await arriving
