"""What the Hub reports, taken in together: forward only, once, and counted once."""

from uuid import UUID

import pytest

from services.contracts.envelope import envelope
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact
from tests.factories.world import World

STATUS = (
    "SELECT status, channel, opened_at IS NOT NULL AS opened FROM cm.dispatch WHERE practice_id = :practice"
)
METRICS = "SELECT name, sum(value)::int AS n FROM cm.metric WHERE practice_id = :practice GROUP BY name"


async def report(world: World, dispatch, what: str, *, id: str, person: UUID) -> bytes:
    data = {
        "dispatch_id": str(dispatch.dispatch_id), "campaign_id": str(dispatch.campaign_id),
        "contact_id": str(person), "practice_id": str(world.practice_id), "channel": "email",
    }  # fmt: skip
    return envelope(
        id=id, source="hub", type=f"hub.message.{what}", time=world.clock.now(),
        practice_id=world.practice_id, data=data,
    ).wire()  # fmt: skip


@pytest.mark.covers("INS-1", "LIF-8", "EVT-1")
async def test_statuses_move_forward_and_count_once_however_often_they_come(world: World, database_url: str):
    person = make_contact(database_url, world.practice_id, world.clock.now())
    await launch(world.app, world.practice_id, journey(message("hello", "end")))
    await world.run()
    (dispatch,) = await world.rows(
        "SELECT dispatch_id, campaign_id FROM cm.dispatch WHERE practice_id = :practice"
    )
    order = [
        ("delivered", "3"),
        ("sent", "2"),
        ("accepted", "1"),
        ("opened", "4"),
        ("opened", "4"),
        ("opened", "5"),
    ]
    bodies = [await report(world, dispatch, what, id=id, person=person) for what, id in order]
    await world.app.bus.publish_raw("hub", bodies)
    await world.intake.drain()
    await world.app.bus.publish_raw("hub", bodies)
    await world.intake.drain()
    assert [tuple(r) for r in await world.rows(STATUS)] == [("delivered", "email", True)]
    counted = {r.name: r.n for r in await world.rows(METRICS)}
    assert {k: counted[k] for k in ("sent", "delivered", "opened")} == {
        "sent": 1,
        "delivered": 1,
        "opened": 1,
    }
    told = await world.one("SELECT count(*) FROM cm.message_event WHERE practice_id = :practice")
    assert told == 5
    assert world.intake.seen["duplicate"] == 7
