"""While a look at everything is slow the engine looks ahead of what it claimed, and nobody is left behind."""

import pytest

from services.contracts.journey import Wait, WaitFor
from services.engine import marks
from services.engine import service as engine_service
from services.engine.claim import due_steps
from services.engine.service import Engine
from services.kit.actor import system
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact, run
from tests.factories.world import World

BACK = "UPDATE cm.work SET step_id = 'hello', due_at = now + :after FROM (SELECT CAST(:now AS timestamptz) AS now) n"


@pytest.fixture
async def claimed(world: World, database_url: str) -> World:
    """Somebody was sent a message and waits for a day."""
    make_contact(database_url, world.practice_id, world.clock.now())
    pause = Wait(id="pause", until=WaitFor(minutes=1440), next="end")
    await launch(world.app, world.practice_id, journey(message("hello", "pause"), pause))
    await world.run()
    world.clock.advance(minutes=5)
    return world


async def looked(world: World, *, ahead: bool) -> list[str]:
    async with world.app.uow(system(world.practice_id, "engine")) as u:
        return [due.step_id for due in await due_steps(u, ahead=ahead)]


async def due_at(world: World, database_url: str, minutes: int) -> None:
    run(database_url, BACK.replace(":after", f"interval '{minutes} minutes'"), {"now": world.clock.now()})


@pytest.mark.covers("ENG-3")
async def test_ahead_are_later_people_and_steps_nobody_was_claimed_from(claimed: World, database_url: str):
    await due_at(claimed, database_url, -1)
    assert await looked(claimed, ahead=True) == ["hello"]
    await due_at(claimed, database_url, -60)
    assert await looked(claimed, ahead=True) == []
    assert await looked(claimed, ahead=False) == ["hello"]
    run(database_url, "UPDATE cm.work SET step_id = 'pause'", {})
    assert await looked(claimed, ahead=True) == ["pause"]


@pytest.mark.covers("ENG-3")
async def test_who_is_behind_is_found_when_nothing_is_ahead(
    claimed: World, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    """As if every look at everything were slow and its answer served for days."""
    monkeypatch.setattr(marks, "SHORT", -1.0)
    monkeypatch.setattr(engine_service, "PATIENCE", 1e12)
    monkeypatch.setattr(marks, "PATIENCE", 1e12)
    engine = Engine(claimed.app.uow)
    assert not await engine.run_once(claimed.practice_id)
    await due_at(claimed, database_url, -60)
    assert (await engine.run_once(claimed.practice_id)).moved == 1
    assert await looked(claimed, ahead=False) == []
