"""What leaves us (000 §10.4, §11.2; 001): each event by its contract, in order per contact."""

import asyncio
from typing import Any
from uuid import UUID

import orjson
import pytest

from services.audit.service import record, seal_once, verify
from services.audit.tags import KEPT_HERE, AuditTag
from services.contracts.envelope import Envelope
from services.contracts.events import OUTBOUND
from services.insights.publishing import publish_metrics
from services.insights.service import totals
from services.kit.actor import system
from services.kit.bus import STREAM
from services.kit.outbox import Relay
from services.suppression.service import lock_contact
from tests.factories.campaign import journey, launch, message
from tests.factories.journeys import person as staff
from tests.factories.practice import make_contact
from tests.factories.world import World

pytestmark = pytest.mark.covers("EVT-2")
RECORD = "0192b5a4-0000-7000-8000-00000000000a"


async def said(world: World, stream: str) -> list[Envelope]:
    """What is on one of our streams, after everything was relayed. Each fits its contract."""
    while await world.app.relay.run_once(world.practice_id):
        pass
    entries = await world.app.bus.redis.xrange(STREAM + stream)
    events = [Envelope.model_validate_json(fields[b"event"]) for _, fields in entries]
    for event in events:
        OUTBOUND[event.type].model_validate(event.data)
        assert set(event.data) <= set(OUTBOUND[event.type].model_fields), event.type
    return events


async def hub(world: World, dispatch: Any, *statuses: str, **more: Any) -> None:
    for status in statuses:
        world.clock.advance(seconds=1)
        data = {
            "dispatch_id": dispatch.dispatch_id, "contact_id": dispatch.contact_id,
            "campaign_id": dispatch.campaign_id, "channel": "email", **more,
        }  # fmt: skip
        await world.event(f"hub.message.{status}", data)


@pytest.fixture
async def sent(world: World, database_url: str) -> Any:
    """One message, requested."""
    make_contact(database_url, world.practice_id, world.clock.now())
    await launch(world.app, world.practice_id, journey(message("hello", "end")))
    await world.run()
    (row,) = await world.rows(
        "SELECT dispatch_id, contact_id, campaign_id FROM cm.dispatch WHERE practice_id = :practice"
    )
    return row


@pytest.mark.covers("INS-5")
async def test_what_becomes_of_a_message_is_told_to_dashboards_in_order(world: World, sent: Any):
    await hub(world, sent, "accepted", "sent", "delivered", "opened", "clicked", link="https://x.example/a")
    await world.event(
        "appointment.booked", {"appointment_id": RECORD, "patient_id": sent.contact_id, "value": 60}
    )
    await hub(world, sent, "bounced", permanent=True, reason="5.1.1 unknown")
    await hub(world, sent, "stop")
    await hub(world, sent, "sent", test=True)
    events = await said(world, "campaign_telemetry")
    assert [e.type.removeprefix("campaign.message.") for e in events] == [
        "queued", "sent", "delivered", "opened", "clicked", "converted", "bounced", "unsubscribed",
    ]  # fmt: skip
    assert {e.subject for e in events} == {str(sent.contact_id)}
    assert {e.data["message_id"] for e in events} == {str(sent.dispatch_id)}
    by_type = {e.type.rsplit(".", 1)[-1]: e.data for e in events}
    assert by_type["clicked"]["link"] == "https://x.example/a"
    assert (by_type["converted"]["conversion_event"], by_type["converted"]["value"]) == ("booking", 60)
    assert (by_type["bounced"]["bounce_type"], by_type["bounced"]["reason"]) == ("hard", "5.1.1 unknown")
    assert by_type["unsubscribed"]["reason"] == "STOP"


@pytest.mark.covers("INS-5")
async def test_a_number_is_told_when_it_changed_and_then_not_again(world: World, sent: Any):
    async def tick() -> int:
        async with world.app.uow(system(world.practice_id, "scheduler")) as u:
            return await publish_metrics(u)

    assert await tick() == 1
    await hub(world, sent, "sent", "delivered")
    assert (await tick(), await tick()) == (2, 0)
    await hub(world, sent, "opened")
    assert await tick() == 1
    told = {e.data["metric"]: e.data["value"] for e in await said(world, "campaign_telemetry") if e.type == "campaign.metric.updated"}  # fmt: skip
    async with world.app.uow(staff(world.practice_id)) as u:
        shown = (await totals(u, [sent.campaign_id]))[sent.campaign_id]
    assert told == {name: getattr(shown, name) for name in ("requested", "sent", "delivered", "opened")}


@pytest.mark.covers("GOV-4")
async def test_the_audit_is_told_in_the_order_of_its_chain_with_its_head(world: World, sent: Any):
    await world.event("consent.revoked", {"contact_id": sent.contact_id, "channel": "all"})
    for n in range(3):
        async with world.app.uow(staff(world.practice_id)) as u:
            await record(u, AuditTag.SETTINGS_CHANGED, reason=f"{n}a")
            await record(u, AuditTag.SETTINGS_CHANGED, reason=f"{n}b", changes={"caps": 1})
    async with world.app.uow(system(world.practice_id, "scheduler")) as u:
        await seal_once(u)
        await seal_once(u)
    events = await said(world, "campaign_audit")
    acts = [e.data for e in events if e.type == "audit.event"]
    assert not {a["tag"] for a in acts} & {tag.value for tag in KEPT_HERE}
    assert [a["reason"] for a in acts if a["tag"] == "settings.changed"] == [
        "0a",
        "0b",
        "1a",
        "1b",
        "2a",
        "2b",
    ]
    assert [a["seal_no"] for a in acts] == sorted(a["seal_no"] for a in acts)
    assert "suppression.applied" in {a["tag"] for a in acts}
    assert str(sent.contact_id) not in orjson.dumps(acts).decode(), "people are pseudonyms there"
    leaves = {r.leaf for r in await world.rows("SELECT encode(leaf, 'hex') AS leaf FROM cm.audit WHERE practice_id = :practice")}  # fmt: skip
    assert {a["leaf"] for a in acts} <= leaves
    (head,) = [e.data for e in events if e.type == "audit.sealed"]
    now = await world.rows("SELECT seal_no, encode(seal, 'hex') AS seal FROM cm.audit_batch WHERE practice_id = :practice ORDER BY seal_no DESC LIMIT 1")  # fmt: skip
    assert (head["seal_no"], head["seal"]) == tuple(now[0])
    async with world.app.uow(staff(world.practice_id)) as u:
        assert (await verify(u)).ok


@pytest.mark.covers("SUP-1")
async def test_events_leave_in_order_per_contact_however_many_write_and_relay(
    world: World, database_url: str
):
    """Writers race for the contacts' locks; four relays race for the outbox; the bus has every
    contact's events in the order in which their transactions had the contact."""
    people = [make_contact(database_url, world.practice_id, world.clock.now()) for _ in range(4)]
    taken: dict[UUID, int] = dict.fromkeys(people, 0)
    done = asyncio.Event()

    async def write(contact: UUID) -> None:
        async with world.app.uow(system(world.practice_id, "test")) as u:
            await lock_contact(u, contact)
            taken[contact] += 1
            for part in "ab":
                data = {"contact_id": str(contact), "practice_id": str(world.practice_id)}
                u.emit("campaign.suppression.applied", {**data, "reason": f"{taken[contact]:03}{part}"}, contact_id=contact)  # fmt: skip

    async def relay() -> None:
        mine = Relay(world.app.uow.engine, world.app.bus, world.app.keyring, batch=7)
        while True:
            last = done.is_set()
            if not await mine.run_once(world.practice_id) and last:
                return
            await asyncio.sleep(0)

    relays = [asyncio.create_task(relay()) for _ in range(4)]
    await asyncio.gather(*(write(people[n % 4]) for n in range(60)))
    done.set()
    await asyncio.gather(*relays)
    events = await said(world, "campaigns")
    for contact in people:
        reasons = [e.data["reason"] for e in events if e.subject == str(contact)]
        assert reasons == [f"{n:03}{part}" for n in range(1, 16) for part in "ab"]


@pytest.mark.covers("LIF-8")
async def test_our_own_events_are_no_business_of_our_intake(world: World, sent: Any):
    """They are on streams of their own, so that neither telemetry nor the audit crowds out requests."""
    await hub(world, sent, "sent")
    async with world.app.uow(system(world.practice_id, "scheduler")) as u:
        await seal_once(u)
    await said(world, "campaigns")
    assert await world.intake.drain() == 0
