"""Care Plan Subscriptions hears who is suppressed, courted by others, or in our campaigns (000 §4.5)."""

from uuid import UUID

import pytest

from services.contracts.events import OUTBOUND, source_of
from services.contracts.journey import Caps, Entry, EventMatch, Wait, WaitFor
from services.kit.actor import system
from services.suppression.service import tell_care_plans
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact
from tests.factories.world import World

pytestmark = pytest.mark.covers("EVT-2")
TOLD = "SELECT type, data FROM cm.outbox WHERE practice_id = :practice AND type LIKE 'careplan.%' ORDER BY outbox_id"
NUDGE = "careplan.enrolment_nudge"


@pytest.fixture
async def person(world: World, database_url: str) -> UUID:
    return make_contact(database_url, world.practice_id, world.clock.now())


def lasting(kind: str, **more):
    wait = Wait(id="pause", until=WaitFor(minutes=60 * 24), next="end")
    return journey(message("hello", "pause"), wait, campaign_type=kind, caps=Caps(max_touches=99), **more)


async def heard(world: World) -> list[tuple[str, bool]]:
    """What was said, once each: (type, active or enrolled). Checks every event's contract."""
    rows = await world.rows(TOLD.replace("SELECT type, data", "SELECT outbox_id, type, data"))
    await world.rows(
        "DELETE FROM cm.outbox WHERE practice_id = :practice AND outbox_id = ANY (:ids) RETURNING 1",
        ids=[row.outbox_id for row in rows],
    )
    for row in rows:
        assert source_of(row.type) == "campaigns"
        OUTBOUND[row.type].model_validate(row.data)
    return [(r.type.removeprefix("careplan."), r.data.get("active", r.data.get("enrolled"))) for r in rows]


async def tick(world: World) -> int:
    async with world.app.uow(system(world.practice_id, "scheduler")) as u:
        return await tell_care_plans(u)


async def test_entering_and_leaving_a_care_plan_campaign_is_reported(world: World, person: UUID):
    await launch(world.app, world.practice_id, lasting("care_plan"))
    await launch(world.app, world.practice_id, lasting("promotion"))
    await world.run()
    assert await heard(world) == [("segmentation", True)]
    await world.advance(days=2)
    assert await heard(world) == [("segmentation", False)]


async def test_a_nudge_starts_a_journey_and_a_booking_ends_it(world: World, person: UUID):
    entry = Entry(id="entry", how="event", event=EventMatch(type=NUDGE), next="hello")
    await launch(world.app, world.practice_id, lasting("care_plan", entry=entry), kind="event")
    await world.event(NUDGE, {"patient_id": person})
    assert await heard(world) == [("segmentation", True)]
    await world.event("appointment.booked", {"appointment_id": person, "patient_id": person})
    assert await heard(world) == [("segmentation", False)]


async def test_a_cancelled_campaign_reports_everyone_who_was_in_it(world: World, person: UUID):
    made = await launch(world.app, world.practice_id, lasting("care_plan"))
    await world.run()
    await heard(world)
    await world.rows(
        "UPDATE cm.campaign SET state = 'cancelled' WHERE practice_id = :practice AND campaign_id = :id RETURNING 1",
        id=made.campaign_id,
    )
    await world.run()
    assert await heard(world) == [("segmentation", False)]


async def test_a_suppressed_person_is_held_off_until_it_is_lifted(world: World, person: UUID):
    everything = {"contact_id": person, "channel": "all"}
    await world.event("consent.revoked", everything)
    assert await heard(world) == [("suppression", True)]
    await world.event("concierge.recovery.started", {"contact_id": person})
    assert await heard(world) == []
    world.clock.advance(minutes=1)
    await world.event("consent.granted", everything)
    said = await world.rows(TOLD)
    assert said[0].data["until"].startswith("2026-06-04T10:00:00")
    assert await heard(world) == [("suppression", True)]
    await world.event("concierge.contact.accepted", {"contact_id": person})
    assert await heard(world) == [("suppression", False)]
    assert await tick(world) == 0


async def test_other_outreach_holds_off_whom_they_court(world: World, person: UUID):
    await launch(world.app, world.practice_id, lasting("promotion"))
    await world.run()
    assert await heard(world) == []  # they never named this person
    await world.event(NUDGE, {"patient_id": person})
    assert await heard(world) == [("suppression", True)]
    await world.event(NUDGE, {"patient_id": person})
    assert await tick(world) == 0
    await world.advance(days=2)
    assert await tick(world) == 1
    assert await heard(world) == [("suppression", False)]
    await launch(world.app, world.practice_id, lasting("promotion"))
    await world.run()
    assert await tick(world) == 1
    assert await heard(world) == [("suppression", True)]
