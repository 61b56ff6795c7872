"""One practice's load does not delay another's, and nobody waits for a poll (ENG-3)."""

import asyncio
import re
from uuid import UUID

import pytest

from cm_app.workers.engine import Loops
from services.bootstrap import App
from services.contracts.envelope import envelope
from services.contracts.events import source_of
from services.contracts.journey import Entry, EventMatch
from services.engine.claim import DUE_STEPS
from services.engine.service import Engine
from services.kit.actor import system
from services.kit.bus import STREAM
from services.kit.ids import new_id
from services.kit.practices import practices_with
from tests.factories.campaign import Launched, journey, launch, message
from tests.factories.practice import make_contact, make_practice, run
from tests.factories.world import World

WAITING_PEOPLE = """
WITH people AS MATERIALIZED (
  SELECT uuidv7() AS enrolment_id, uuidv7() AS contact_id, uuidv7() AS pseudonym FROM generate_series(1, :people)),
entered AS (
  INSERT INTO cm.enrolment (practice_id, enrolment_id, campaign_id, version_id, contact_id, pseudonym, state,
    enrolled_at, moved_at)
  SELECT :practice, enrolment_id, :campaign, :version, contact_id, pseudonym, 'live', :now, :now FROM people)
INSERT INTO cm.work (practice_id, enrolment_id, version_id, step_id, due_at, contact_id, move_no, enrolled_at, pseudonym, lane)
SELECT :practice, enrolment_id, :version, 'hello', :now, contact_id, 0, :now, pseudonym, cm.lane(contact_id) FROM people
"""
LEFT = "SELECT count(*) FROM cm.work WHERE practice_id = :practice AND due_at <= :now"


async def crowd(app: App, database_url: str, practice: UUID, people: int) -> Launched:
    """A practice with so many due for one message. Their records are gone, so each is refused."""
    made = await launch(app, practice, journey(message("hello", "end")), kind="event")
    bind = {
        "practice": practice, "people": people, "campaign": made.campaign_id, "version": made.version_id,
        "now": app.clock.now(),
    }  # fmt: skip
    run(database_url, WAITING_PEOPLE, bind)
    return made


async def left(app: App, practice: UUID) -> int:
    async with app.uow(system(practice, "test")) as u:
        return int((await u.execute(LEFT, practice=practice, now=u.now)).scalar_one())


@pytest.mark.covers("ENG-3")
async def test_ten_people_of_a_small_practice_do_not_wait_for_fifty_thousand_of_another(
    app: App, database_url: str
):
    big = make_practice(database_url, app.clock.now())
    await crowd(app, database_url, big, 50_000)
    first, second = Engine(app.uow, name="one"), Engine(app.uow, name="two")
    await first.run_once(big)  # the big one is under way when the small one's work arrives
    async with app.uow(system(big, "test")) as u:
        await u.execute("INSERT INTO cm.turn VALUES (:p, nextval('cm.turn_no'))", p=big)
    small = make_practice(database_url, app.clock.now())
    await crowd(app, database_url, small, 10)
    await asyncio.gather(first.serve(), second.serve())
    assert await left(app, small) == 0
    assert await left(app, big) > 0


@pytest.mark.covers("ENG-3")
async def test_only_practices_with_work_are_looked_at_the_longest_unserved_first(app: App, database_url: str):
    practices = [make_practice(database_url, app.clock.now()) for _ in range(5)]
    for practice in practices[:3]:
        await crowd(app, database_url, practice, 1)

    async def waiting() -> list[UUID]:
        found = await practices_with(app.uow.engine, "engine", app.clock.now())
        return [one.practice_id for one in found]

    assert await waiting() == practices[:3]
    stopped, resting, big = practices[:3]
    run(database_url, "UPDATE cm.practice SET kill_switch_at = :now WHERE practice_id = :p",
        {"p": stopped, "now": app.clock.now()})  # fmt: skip
    run(database_url, "UPDATE cm.campaign SET state = 'paused' WHERE practice_id = :p", {"p": resting})
    assert await waiting() == [big]
    run(database_url, "UPDATE cm.practice SET kill_switch_at = NULL WHERE practice_id = :p", {"p": stopped})
    run(database_url, "INSERT INTO cm.turn VALUES (:p, 7)", {"p": stopped})
    assert await waiting() == [big, stopped]
    assert set(await Engine(app.uow).serve()) == {big, stopped}
    assert await waiting() == []
    run(database_url, "UPDATE cm.platform_control SET kill_switch_at = :now", {"now": app.clock.now()})
    run(database_url, "UPDATE cm.campaign SET state = 'active' WHERE practice_id = :p", {"p": resting})
    assert await waiting() == []


@pytest.mark.covers("ENG-3")
async def test_two_workers_share_the_turns_and_each_turn_is_taken_once(app: App, database_url: str):
    practices = [make_practice(database_url, app.clock.now()) for _ in range(4)]
    for practice in practices:
        await crowd(app, database_url, practice, 1)
    seen = await practices_with(app.uow.engine, "engine", app.clock.now())
    first, second = Engine(app.uow, name="one"), Engine(app.uow, name="two")
    taken = [await first._take_turn(one) for one in seen] + [await second._take_turn(one) for one in seen]
    assert taken == [True] * 4 + [False] * 4


@pytest.mark.covers("EVT-3", "ENG-3")
async def test_an_event_is_a_request_at_the_hub_without_anybody_polling(world: World, database_url: str):
    """Every loop would rest for an hour: only signals can bring the request out."""
    person = make_contact(database_url, world.practice_id, world.clock.now())
    entry = Entry(id="entry", how="event", event=EventMatch(type="proposal.stalled"), next="hello")
    await launch(world.app, world.practice_id, journey(message("hello", "end"), entry=entry), kind="event")
    loops = Loops(world.app, "worker", idle=3600.0)
    running = asyncio.create_task(loops.run())
    body = envelope(
        id=new_id(), source="proposals", type="proposal.stalled", time=world.clock.now(),
        practice_id=world.practice_id,
        data={"patient_id": str(person), "proposal_id": str(new_id()), "practice_id": str(world.practice_id)},
    )  # fmt: skip
    await world.app.bus.publish("proposals", [body])
    stream = STREAM + source_of("campaign.step.requested")
    async with asyncio.timeout(30):
        answer = await world.app.bus.redis.xread({stream: "0"}, block=30_000, count=1)
        assert b"campaign." in answer[0][1][0][1][b"event"]
        loops.stopping.set()
        await running


@pytest.mark.covers("ENG-3")
async def test_due_work_is_looked_for_lane_by_lane_in_the_index(world: World, database_url: str):
    await crowd(world.app, database_url, world.practice_id, 3_000)
    run(database_url, "ANALYZE cm.work", {})
    async with world.app.uow(system(world.practice_id, "engine")) as u:
        found = await u.execute(
            f"EXPLAIN (COSTS off) {DUE_STEPS}", practice=u.practice_id, now=u.now, since="{}"
        )
        plan = "\n".join(found.scalars())
    assert re.search(r"Index Cond: .*step_id = .*lane = l\.n\) AND \(due_at <= ", plan), plan
