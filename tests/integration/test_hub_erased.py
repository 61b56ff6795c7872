"""The bundled Hub forgets a person when their record is erased (D27)."""

import pytest

from services.kit.ids import new_id
from tests.factories.hub import WORDS, HubWorld, Recorder, content_ref, hub_world
from tests.factories.practice import make_contact, run

NOBODY = "00000000-0000-0000-0000-000000000000"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'hub'"


@pytest.fixture
async def world(app, practice, database_url, servers):
    adapters = dict.fromkeys(("email", "sms", "whatsapp", "in_app"), Recorder())
    async with hub_world(app, practice, database_url, servers.redis_url, adapters=adapters) as made:
        yield made


async def left(world: HubWorld, contact) -> set[str]:
    """Tables in which the contact's reference stands, in whatever column."""
    async with world.hub.unit(world.practice) as u:
        tables = list((await u.execute(TABLES)).scalars())
        sql = "SELECT count(*) FROM hub.{} x WHERE CAST(x AS text) LIKE '%' || :what || '%'"
        return {t for t in tables if (await u.execute(sql.format(t), what=str(contact))).scalar_one()}


@pytest.mark.covers("GOV-5", "HUB-1")
async def test_words_waiting_messages_and_the_way_back_go(world: HubWorld, database_url: str):
    contact, other = (make_contact(database_url, world.practice, world.app.clock.now()) for _ in range(2))
    own = {"email": {"subject": "About you", "body": "https://practice.example/you", "preheader": ""}}
    sent, letter = world.request(contact), world.request(contact, channels=["in_app"])
    alone = world.request(contact, content_ref=content_ref(own), campaign_id=NOBODY)
    theirs = world.request(other)
    await world.hear(world.words(), world.words(own), sent, letter, alone, theirs)
    await world.send()
    run(
        database_url,
        "INSERT INTO hub.in_app_message SELECT practice_id, dispatch_id, contact_id, 'Hello', 'Dear you', accepted_at"
        " FROM hub.message WHERE dispatch_id = :id",
        {"id": letter.data["dispatch_id"]},
    )
    waiting = world.request(contact)
    await world.hear(waiting)
    assert {"message", "outbox"} <= await left(world, contact)

    erased = world.event("contact.erased", {"contact_id": str(contact), "practice_id": str(world.practice)})
    await world.hear(erased)
    assert await left(world, contact) == {"closed"}
    assert (await world.message(waiting.data["dispatch_id"])).state == "cancelled"
    async with world.hub.unit(world.practice) as u:
        refs = set((await u.execute("SELECT content_ref FROM hub.content")).scalars())
        assert refs == {content_ref(WORDS)}  # what others still get stays
        links = "SELECT dispatch_id FROM hub.link"
        assert {str(d) for d in (await u.execute(links)).scalars()} <= {str(theirs.data["dispatch_id"])}
    assert (await world.message(theirs.data["dispatch_id"])).contact_id == other

    late = world.request(contact, dispatch_id=new_id())
    await world.hear(late, erased)
    await world.send()
    assert (await world.message(late.data["dispatch_id"])).state == "failed"
    run(database_url, "DELETE FROM hub.message WHERE dispatch_id = :id", {"id": late.data["dispatch_id"]})
    assert await left(world, contact) <= {"closed", "outbox"}
