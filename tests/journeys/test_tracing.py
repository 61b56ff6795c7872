"""One trace from an event through the decision to the Hub and back (OPS-1)."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.contracts.journey import Entry, EventMatch
from services.kit import tracing
from tests.factories.campaign import journey, launch, message
from tests.factories.hub import WORDS, Recorder, hub_world
from tests.factories.practice import make_contact
from tests.factories.world import World

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def recorded():
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider)
    yield exporter
    tracing.use(None)
    provider.shutdown()


async def play(world: World, database_url: str, servers) -> None:
    """A proposal stalls, the journey it starts asks for a message, the Hub sends it and says so."""
    contact = make_contact(database_url, world.practice_id, world.clock.now())
    entry = Entry(id="entry", how="event", event=EventMatch(type="proposal.stalled"), next="hello")
    plan = journey(message("hello", "end"), entry=entry)
    await launch(world.app, world.practice_id, plan, kind="event")
    adapters = dict.fromkeys(("email", "sms", "whatsapp", "in_app"), Recorder())
    async with hub_world(
        world.app, world.practice_id, database_url, servers.redis_url, adapters=adapters
    ) as hub:
        stalled = {"patient_id": contact, "proposal_id": contact}
        await world.event("proposal.stalled", stalled, traceparent=PARENT)
        await world.run()
        ref = await world.one("SELECT content_ref FROM cm.dispatch WHERE practice_id = :practice")
        words = {"content_ref": ref, "practice_id": str(world.practice_id), "content": WORDS}
        await hub.hear(hub.event("campaign.content.published", words))
        while await world.app.relay.run_once(world.practice_id):
            pass
        while await hub.intake.run_once():
            pass
        await hub.send()
        while await hub.hub.relay.run_once(world.practice_id):
            pass
        await world.intake.drain()


@pytest.mark.covers("OPS-1")
async def test_one_trace_from_the_event_to_the_hub_and_back(
    world: World, database_url: str, servers, recorded: InMemorySpanExporter
):
    await play(world, database_url, servers)
    mine = [s for s in recorded.get_finished_spans() if f"{s.context.trace_id:032x}" == TRACE]
    names = [span.name for span in sorted(mine, key=lambda s: s.start_time)]
    assert names[:4] == ["take in proposal.stalled", "decide", "hub accept", "hub send"]
    assert {"take in hub.message.accepted", "take in hub.message.sent"} <= set(names), names
    first = next(span for span in mine if span.name == "take in proposal.stalled")
    assert f"{first.parent.span_id:016x}" == PARENT.split("-")[2]
    decided = next(span for span in mine if span.name == "decide")
    assert decided.parent.span_id == first.context.span_id
    said = str([dict(span.attributes) for span in mine])
    person = await world.one("SELECT contact_id FROM cm.enrolment WHERE practice_id = :practice")
    assert str(person) not in said


@pytest.mark.covers("OPS-1")
async def test_the_thread_is_handed_on_when_nobody_records(world: World, database_url: str, servers):
    await play(world, database_url, servers)
    entries = await world.app.bus.redis.xrange("cm:events:hub")
    assert entries
    assert all(f'"traceparent":"{PARENT}"'.encode() in fields[b"event"] for _, fields in entries)
