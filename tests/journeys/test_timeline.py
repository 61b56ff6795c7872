"""One person's story, told from the rows that decided (SUP-8)."""

import pytest

from services.contracts.journey import Caps, Wait, WaitFor
from services.engine.ticks import TICKS, run_tick
from services.engine.timeline import enrolments_of, timeline
from services.kit.actor import system
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact
from tests.factories.world import World


@pytest.mark.covers("SUP-8")
async def test_what_entered_was_sent_and_ended_is_told_with_its_reason(world: World, database_url: str):
    person = make_contact(database_url, world.practice_id, world.clock.now(), kind="lead")
    wait = Wait(id="pause", until=WaitFor(minutes=1440), next="again")
    definition = journey(
        message("hello", "pause", title="Hello"), wait, message("again", "end"), caps=Caps(max_touches=9)
    )
    await launch(world.app, world.practice_id, definition)
    await world.run()
    await world.advance(minutes=5)
    await world.event("appointment.booked", {"appointment_id": person, "patient_id": person})
    async with world.app.uow(system(world.practice_id, "test")) as u:
        told = await timeline(u, person)
        (enrolment,) = await enrolments_of(u, person)
    # Requested messages and the entry share one moment; what came later is on top.
    assert {t.sentence for t in told[:2]} == {
        "Booked an appointment",
        "Left the journey: They booked an appointment.",
    }
    assert {t.kind for t in told[2:]} == {"requested", "entered"}
    assert "Hello" in {t.step for t in told}
    assert (enrolment.state, enrolment.why, enrolment.next_at) == (
        "exited",
        "They booked an appointment.",
        None,
    )


@pytest.mark.covers("OPS-2", "GOV-4")
async def test_ticks_do_their_work_for_every_practice_and_again_without_harm(world: World, database_url: str):
    make_contact(database_url, world.practice_id, world.clock.now())
    await launch(world.app, world.practice_id, journey(message("hello", "end")))
    await world.run()
    by_name = {tick.name: tick for tick in TICKS}
    assert await run_tick(world.app, by_name["seal"]) > 0
    assert await run_tick(world.app, by_name["seal"]) == 0
    for tick in TICKS:
        await run_tick(world.app, tick)
    open_batches = "SELECT count(*) FROM cm.audit_batch WHERE practice_id = :practice AND seal_no IS NULL"
    assert await world.one(open_batches) == 0
