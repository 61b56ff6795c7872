"""What the Integrations page and `cm replay` say about the events that come in (EVT-4)."""

from datetime import timedelta
from uuid import UUID

import pytest

from cm_app import dead_letters as command
from services.intake.dead_letters import dead_letters, replay_for
from services.intake.status import roll_up, sources, unknown_types
from services.kit.actor import system
from services.kit.errors import Forbidden
from tests.factories.journeys import person as staff
from tests.factories.practice import make_contact, make_practice
from tests.factories.world import World

RECORD = "0192b5a4-0000-7000-8000-00000000000a"


@pytest.fixture
async def patient(world: World, database_url: str) -> UUID:
    return make_contact(database_url, world.practice_id, world.clock.now())


@pytest.mark.covers("EVT-1")
async def test_each_source_says_how_much_came_how_late_and_what_waits(world: World, patient: UUID):
    booked = {"appointment_id": RECORD, "patient_id": patient}
    now = world.clock.now()
    await world.event("appointment.booked", booked, time=now - timedelta(seconds=4))
    await world.event("appointment.booked", booked, time=now - timedelta(seconds=2))
    await world.event("appointment.sneezed", booked)
    world.clock.advance(hours=2)
    await world.event("proposal.created", {"proposal_id": RECORD, "patient_id": patient})
    await world.app.bus.publish_raw("proposals", [b"{}", b"{}"])
    async with world.app.uow(staff(world.practice_id, "read")) as u:
        found = {s.source: s for s in await sources(u, world.app.bus)}
        (odd,) = await unknown_types(u)
    visits, offers = found["appointments"], found["proposals"]
    assert (visits.hour, visits.day, visits.last_at, visits.worst_seconds) == (0, 3, now, 4)
    assert visits.lag_seconds == 2
    assert (offers.hour, offers.day, offers.waiting) == (1, 1, 2)
    assert (found["hub"].day, found["hub"].lag_seconds) == (0, None)
    assert (odd.type, odd.times) == ("appointment.sneezed", 1)
    async with world.app.uow(staff(world.practice_id, "author")) as u:
        with pytest.raises(Forbidden):
            await sources(u, world.app.bus)


@pytest.mark.covers("EVT-1")
async def test_the_rates_say_the_same_as_the_events_whenever_they_were_counted(world: World, patient: UUID):
    booked = {"appointment_id": RECORD, "patient_id": patient}

    async def look() -> tuple[int, int, tuple[int, ...], float | None]:
        async with world.app.uow(staff(world.practice_id, "read")) as u:
            (found,) = [s for s in await sources(u, world.app.bus) if s.source == "appointments"]
        return found.hour, found.day, found.minutes, found.lag_seconds

    async def count() -> None:
        async with world.app.uow(system(world.practice_id, "scheduler")) as u:
            await roll_up(u)

    for n in range(4):
        before = world.clock.now() - timedelta(seconds=3 * n)
        await world.event("appointment.booked", booked, time=before)
        uncounted = await look()
        await count()
        await count()
        assert await look() == uncounted
        world.clock.advance(minutes=20, seconds=15)
    hour, day, minutes, lag = await look()
    assert (hour, day, lag) == (2, 4, 4.5)
    assert (len(minutes), sum(minutes), minutes[-1], minutes[-22]) == (60, 2, 0, 1)
    world.clock.advance(days=31)
    await world.event("appointment.booked", booked)
    await count()
    assert await world.one("SELECT count(*) FROM cm.event_rate WHERE practice_id = :practice") == 1


@pytest.mark.covers("EVT-4")
async def test_dead_letters_are_ours_only_and_replay_is_on_record(
    world: World, patient: UUID, database_url: str
):
    other = make_practice(database_url, world.clock.now(), name="Another")
    broken = {"lead_id": patient}
    await world.event("pipeline.lead.cold", broken)
    await world.event("pipeline.lead.cold", {**broken, "practice_id": other}, practice_id=other)
    await world.app.bus.publish_raw("pipeline", [b"not json"])
    await world.intake.drain()
    mine = await dead_letters(world.app.bus, practice_id=world.practice_id)
    assert [x.type for x in mine] == ["not readable", "pipeline.lead.cold"]
    everything = [x.letter_id for x in await dead_letters(world.app.bus)]
    assert len(everything) == 3

    with pytest.raises(Forbidden):
        await replay_for(world.app.uow, world.app.bus, staff(world.practice_id, "read"), everything)
    admin = staff(world.practice_id, "administer")
    assert await replay_for(world.app.uow, world.app.bus, admin, everything) == 2
    audited = "SELECT count(*) FROM cm.audit WHERE practice_id = :practice AND tag = 'event.replayed'"
    assert await world.one(audited) == 2
    assert len(await dead_letters(world.app.bus)) == 1
    assert await world.intake.drain() == 2  # still not understood: dead letters again
    assert len(await dead_letters(world.app.bus)) == 3


@pytest.mark.covers("EVT-4")
async def test_the_command_puts_everything_back(world: World, patient: UUID):
    await world.event("pipeline.lead.cold", {"lead_id": patient})
    assert await command.replay(world.app) == 1
    assert await dead_letters(world.app.bus) == []
    assert await world.one(
        "SELECT actor FROM cm.audit WHERE practice_id = :practice AND tag = 'event.replayed'"
    ) == ("operator")
