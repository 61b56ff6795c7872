"""Whatever comes over the bus has a defined outcome, and none stops the consumer (EVT-1, EVT-4).

The table in docs/operate/events.md is this file in words.
"""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from services.contracts.envelope import envelope
from services.contracts.journey import Caps, Entry, EventMatch, Wait, WaitFor
from services.kit.bus import DEAD
from services.kit.ids import new_id
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact, make_practice
from tests.factories.world import World

RECORD = "0192b5a4-0000-7000-8000-00000000000a"
STATE = "SELECT state FROM cm.enrolment WHERE practice_id = :practice AND contact_id = :contact"
OUTCOME = "SELECT outcome FROM cm.inbound_event WHERE practice_id = :practice AND event_id = :id"
LIVE = "SELECT reason FROM cm.suppression WHERE practice_id = :practice AND contact_id = :contact AND lifted_at IS NULL"


def listening(event: str = "loyalty.milestone.reached"):
    """A journey that begins with `event` and lasts for weeks."""
    wait = Wait(id="pause", until=WaitFor(minutes=60 * 24 * 20), next="again")
    return journey(
        message("hello", "pause"),
        wait,
        message("again", "end"),
        entry=Entry(id="entry", how="event", event=EventMatch(type=event), next="hello"),
        caps=Caps(max_touches=99),
        campaign_type="nurture",
    )


@pytest.fixture
async def person(world: World, database_url: str) -> UUID:
    await launch(world.app, world.practice_id, listening(), kind="event")
    return make_contact(database_url, world.practice_id, world.clock.now())


async def reached(world: World, person: UUID, *, at: datetime | None = None, id: str = "milestone") -> str:
    """A milestone, taken in; its outcome."""
    at = at or world.clock.now()
    await world.event("loyalty.milestone.reached", {"patient_id": person}, id=id, time=at)
    return await world.one(OUTCOME, id=id)


def wire(world: World, person: UUID, **changes) -> bytes:
    values = {
        "id": new_id(), "source": "loyalty", "type": "loyalty.milestone.reached", "time": world.clock.now(),
        "practice_id": world.practice_id,
        "data": {"patient_id": str(person), "practice_id": str(world.practice_id)},
    }  # fmt: skip
    return envelope(**(values | changes)).wire()


@pytest.mark.covers("EVT-1", "EVT-4")
async def test_what_cannot_be_understood_is_kept_with_why_and_the_next_is_handled(
    world: World, person: UUID, database_url: str
):
    stranger, theirs = new_id(), make_practice(database_url, world.clock.now(), name="Another")
    mine = {"patient_id": str(person), "practice_id": str(world.practice_id)}
    poison = {
        b"not json": "envelope",
        b"[" * 100_000: "envelope",
        b"\xff\xfe\x00": "envelope",
        b'{"specversion":"1.0"}': "id: Field required",
        wire(world, person, data={"practice_id": str(world.practice_id)}): "patient_id: Field required",
        wire(world, person, data={**mine, "name": "x" * 300_000}): "larger than 256 kB",
        wire(world, person, practice_id=stranger, data={**mine, "practice_id": str(stranger)}): "knows",
        wire(world, person, practice_id=theirs): "different practices",
        wire(world, person, data={**mine, "name": "a\0b"}): "database refused it",
    }
    await world.app.bus.publish_raw("loyalty", list(poison))
    await world.app.bus.publish_raw(
        "proposals",
        [
            wire(
                world, person, type="proposal.accepted", data={**mine, "proposal_id": RECORD, "value": 1}
            ).replace(b'"value":1', b'"value":NaN')
        ],
    )
    await reached(world, person)
    letters = await world.app.bus.redis.xrange(DEAD)
    by_body = {fields[b"event"]: fields[b"reason"].decode() for _, fields in letters}
    for body, why in poison.items():
        assert why in by_body[body]
    assert len(letters) == len(poison) + 1
    assert dict(world.intake.seen) == {"rejected": len(poison) + 1, "handled": 1}
    assert [r.state for r in await world.rows(STATE, contact=person)] == ["live"]
    pending = await world.app.bus.redis.xpending("cm:events:loyalty", "campaign-manager")
    assert pending["pending"] == 0


@pytest.mark.covers("EVT-1")
async def test_unknown_is_kept_and_counted_and_a_duplicate_changes_nothing(world: World, person: UUID):
    await world.event("loyalty.sneezed", {"patient_id": person}, id="odd")
    await world.event("weather.changed", {}, id="rain")
    assert [await world.one(OUTCOME, id=id) for id in ("odd", "rain")] == ["unknown", "unknown"]
    for _ in range(2):
        assert await reached(world, person) == "handled"
    assert world.intake.seen["duplicate"] == 1
    assert len(await world.rows(STATE, contact=person)) == 1


@pytest.mark.covers("EVT-1")
async def test_late_news_is_kept_starts_nothing_and_still_stops(world: World, person: UUID):
    now = world.clock.now()
    assert await reached(world, person, at=now - timedelta(days=31), id="old") == "late"
    assert await world.rows(STATE, contact=person) == []
    assert await reached(world, person, at=now - timedelta(days=29), id="recent") == "handled"
    booked = {"appointment_id": RECORD, "patient_id": person}
    await world.event("appointment.booked", booked, id="b", time=now - timedelta(days=40))
    assert await world.one(OUTCOME, id="b") == "late"
    assert [r.state for r in await world.rows(STATE, contact=person)] == ["exited"]


@pytest.mark.covers("EVT-1")
async def test_news_from_the_future_is_dated_now(world: World, person: UUID):
    now = world.clock.now()
    assert await reached(world, person, at=now + timedelta(days=365)) == "handled"
    kept = await world.one("SELECT occurred_at FROM cm.inbound_event WHERE practice_id = :practice")
    assert kept == now + timedelta(minutes=5)
    assert len(await world.rows(STATE, contact=person)) == 1
    # A revocation from the future does not outlast the agreement that follows it.
    revoked = {"contact_id": person, "channel": "all"}
    await world.event("consent.revoked", revoked, time=now + timedelta(days=365))
    world.clock.advance(minutes=10)
    await world.event("consent.granted", revoked)
    assert await world.rows(LIVE, contact=person) == []


@pytest.mark.covers("EVT-1", "SUP-6")
@pytest.mark.parametrize(
    ("opens", "ends", "data"),
    [
        ("consent.revoked", "consent.granted", {"contact_id": "?", "channel": "all"}),
        ("consent.revoked", "consent.granted", {"contact_id": "?", "channel": "email"}),
        ("recall.patient.enrolled", "recall.patient.exited", {"patient_id": "?", "journey_id": "r1", "enrolled_at": "2026-06-01T10:00:00Z", "ended_at": "2026-06-01T10:00:00Z"}),
        ("concierge.recovery.started", "concierge.contact.accepted", {"contact_id": "?"}),
        ("pipeline.lead.opened", "pipeline.opportunity.lost", {"lead_id": "?", "opportunity_id": RECORD, "source_channel": "emergency", "lost_reason": "x", "lost_at_timestamp": "2026-06-01T10:00:00Z"}),
    ],
)  # fmt: skip
async def test_order_is_by_when_it_happened_not_by_when_we_heard(
    world: World, person: UUID, opens: str, ends: str, data: dict
):
    values = {key: person if value == "?" else value for key, value in data.items()}
    now = world.clock.now()
    monday, tuesday = now - timedelta(days=2), now - timedelta(days=1)
    await world.event(opens, values, time=tuesday)
    assert len(await world.rows(LIVE, contact=person)) == 1
    await world.event(ends, values, time=monday)  # older than what suppressed: lifts nothing
    assert len(await world.rows(LIVE, contact=person)) == 1
    await world.event(ends, values, time=now)
    assert await world.rows(LIVE, contact=person) == []
    await world.event(opens, values, time=tuesday)  # ended since, as we know: begins nothing
    assert await world.rows(LIVE, contact=person) == []


@pytest.mark.covers("SUP-6")
async def test_an_older_agreement_does_not_undo_a_stop(world: World, person: UUID):
    await reached(world, person)
    await world.run()
    sent = await world.rows("SELECT dispatch_id, campaign_id FROM cm.dispatch WHERE practice_id = :practice")
    stop = {**sent[0]._mapping, "contact_id": person, "channel": "email"}
    await world.event("hub.message.stop", stop)
    granted = {"contact_id": person, "channel": "email"}
    await world.event("consent.granted", granted, time=world.clock.now() - timedelta(hours=1))
    assert [r.reason for r in await world.rows(LIVE, contact=person)] == ["STOP"]
    world.clock.advance(minutes=1)
    narrower = {"contact_id": person, "channel": "sms"}
    await world.event("consent.granted", narrower)
    assert [r.reason for r in await world.rows(LIVE, contact=person)] == ["STOP"]
    await world.event("consent.granted", granted)
    assert await world.rows(LIVE, contact=person) == []


@pytest.mark.covers("EVT-1")
async def test_another_practices_person_is_out_of_reach(world: World, person: UUID, database_url: str):
    await reached(world, person)
    other = make_practice(database_url, world.clock.now(), name="Another")
    await world.event(
        "appointment.booked",
        {"appointment_id": RECORD, "patient_id": person, "practice_id": other},
        practice_id=other,
    )
    assert [r.state for r in await world.rows(STATE, contact=person)] == ["live"]
