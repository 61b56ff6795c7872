"""What survives when a relay dies half-way, or the bus loses everything it had."""

from uuid import UUID

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from services.bootstrap import App
from services.engine.offers import SILENCE, offer_again
from services.invariants.service import check
from services.kit.actor import system
from services.kit.bus import Consumer
from services.kit.outbox import Relay
from tests.factories.campaign import journey, launch, message
from tests.factories.hub import Recorder, hub_world
from tests.factories.practice import make_contact

STATUS = "SELECT status FROM cm.dispatch WHERE practice_id = :practice"


class Dies(Relay):
    """Publishes, and is killed before it can strike out what it published."""

    async def _publish(self, practice_id, rows) -> None:
        await super()._publish(practice_id, rows)
        raise RedisConnectionError("killed here")


@pytest.fixture
def out() -> Recorder:
    return Recorder()


@pytest.fixture
async def hub(world, database_url, servers, out):
    adapters = dict.fromkeys(("email", "sms", "whatsapp", "in_app"), out)
    async with hub_world(
        world.app, world.practice_id, database_url, servers.redis_url, adapters=adapters
    ) as made:
        yield made


@pytest.fixture
def person(world, database_url) -> UUID:
    return make_contact(database_url, world.practice_id, world.clock.now())


async def hears(hub) -> None:
    while await hub.intake.run_once():
        pass
    await hub.send()


async def offers(app: App, practice: UUID) -> int:
    async with app.uow(system(practice, "scheduler")) as u:
        return await offer_again(u)


@pytest.mark.covers("SUP-1", "ENG-1")
async def test_what_a_dying_relay_published_is_taken_back_at_the_hub(world, hub, out, person):
    """Its rows are back in the outbox, and a booking takes them out: the Hub has them all the same."""
    await launch(world.app, world.practice_id, journey(message("hello", None)))
    await world.run()
    relay = world.app.relay
    with pytest.raises(RedisConnectionError):
        await Dies(relay.engine, relay.bus, relay.keyring).run_once(world.practice_id)
    booking = {"appointment_id": person, "patient_id": person}
    await world.event("appointment.booked", booking)
    await relay.run_once(world.practice_id)
    await hears(hub)
    assert out.taken == []
    assert await world.one(STATUS) == "cancelled"


@pytest.mark.covers("EVT-5", "ENG-1")
async def test_a_request_without_an_answer_is_offered_again(world, hub, out, person):
    await launch(world.app, world.practice_id, journey(message("hello", None)))
    await hub.hear(hub.words())
    await world.run()
    await world.rows(
        "UPDATE cm.dispatch SET content_ref = :ref WHERE practice_id = :practice RETURNING 1",
        ref=hub.words().data["content_ref"],
    )
    world.clock.advance(seconds=SILENCE.total_seconds() + 1)
    assert await offers(world.app, world.practice_id) == 0, "still in the outbox: not silent but unheard"
    await world.app.relay.run_once(world.practice_id)
    await world.app.bus.redis.flushall()
    await hears(hub)
    assert out.taken == [], "the bus lost the request"
    assert await offers(world.app, world.practice_id) == 1
    assert await offers(world.app, world.practice_id) == 0, "once in ten minutes"
    await world.app.relay.run_once(world.practice_id)
    await hears(hub)
    assert len(out.taken) == 1
    await hub.statuses()
    await world.intake.drain()
    assert await world.one(STATUS) == "delivered"
    world.clock.advance(seconds=SILENCE.total_seconds() + 1)
    assert await offers(world.app, world.practice_id) == 0, "it was answered"
    assert await world.rows("SELECT 1 FROM cm.audit WHERE tag = 'step.offered_again'") == [(1,)]
    async with world.app.uow(system(world.practice_id, "test")) as u:
        assert await check(u) == []


@pytest.mark.covers("SUP-1", "LIF-3")
async def test_nothing_is_offered_again_that_was_stopped_since(world, person):
    made = await launch(world.app, world.practice_id, journey(message("hello", None)))
    await world.run()
    await world.app.relay.run_once(world.practice_id)
    world.clock.advance(seconds=SILENCE.total_seconds() + 1)
    state = (
        "UPDATE cm.campaign SET state = :state WHERE practice_id = :practice AND campaign_id = :c RETURNING 1"
    )
    await world.rows(state, state="paused", c=made.campaign_id)
    assert await offers(world.app, world.practice_id) == 0
    await world.rows(state, state="active", c=made.campaign_id)
    await world.event("consent.revoked", {"contact_id": person})
    assert await offers(world.app, world.practice_id) == 0


@pytest.mark.covers("EVT-1")
async def test_a_reader_begins_again_on_a_bus_that_lost_everything(world, person):
    await world.app.bus.redis.flushall()
    await world.event("concierge.recovery.started", {"contact_id": person})
    assert await world.one("SELECT count(*) FROM cm.inbound_event WHERE practice_id = :practice") == 1
    reader = Consumer(world.app.bus, "somebody", "else", ["hub"])
    assert await reader.reclaim() == []


@pytest.mark.covers("EVT-5")
async def test_events_count_as_published_only_when_they_are_on_the_disk(world, monkeypatch):
    monkeypatch.setattr("services.kit.bus._check_durable", _refuse)
    await launch(world.app, world.practice_id, journey(message("hello", None)))
    async with world.app.uow(system(world.practice_id, "test")) as u:
        u.emit("campaign.started", {"campaign_id": "x"})
    before = await world.one("SELECT count(*) FROM cm.outbox WHERE practice_id = :practice")
    with pytest.raises(RedisConnectionError):
        await world.app.relay.run_once(world.practice_id)
    assert await world.one("SELECT count(*) FROM cm.outbox WHERE practice_id = :practice") == before > 0


def _refuse(answer) -> None:
    assert list(answer) == [1, 0], "one disk, no copy"
    raise RedisConnectionError("not on the disk")
