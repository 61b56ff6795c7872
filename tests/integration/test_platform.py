"""The simulator, the Hub's reports and the relay of the bundled Practice Platform."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from services.bootstrap import App, bootstrap
from services.contracts.envelope import Envelope, envelope
from services.contracts.events import contract_for
from services.contracts.platform_api import HAPPENING_LABELS, HAPPENINGS, Simulate
from services.imports.client import PlatformClient
from services.kit.actor import system
from services.kit.bus import DEAD, Consumer
from services.kit.chance import seeded
from services.kit.errors import Conflict, Invalid, NotFound
from services.neighbours.platform.ambient import WEIGHTS, ambient_once
from services.neighbours.platform.api import create_api
from services.neighbours.platform.consumer import HubReports
from services.neighbours.platform.records import grant
from services.neighbours.platform.running import Loops
from services.neighbours.platform.simulator.service import PLAYS, simulate
from tests.factories.practice import make_contact


@pytest.fixture
async def platform(app: App, database_url: str, servers) -> AsyncIterator[App]:
    wired = bootstrap(
        config=app.settings, clock=app.clock, database_url=database_url,
        redis_url=servers.redis_url, role="cm_platform",
    )  # fmt: skip
    yield wired
    await wired.close()


async def rows(platform: App, practice: UUID, sql: str) -> list:
    async with platform.uow(system(practice, "test")) as u:
        return (await u.execute(sql)).all()


async def play(platform: App, practice: UUID, contact: UUID, what: str, **more):
    asked = Simulate.model_validate({"practice_id": practice, "contact_id": contact, "what": what, **more})
    async with platform.uow(system(practice, "platform")) as u:
        return await simulate(u, asked)


@pytest.mark.covers("EVT-1")
async def test_everything_that_can_happen_says_so_by_its_contract(
    platform: App, practice: UUID, database_url: str
):
    assert set(PLAYS) == set(HAPPENINGS) == set(HAPPENING_LABELS)
    contact = make_contact(database_url, practice, platform.clock.now(), kind="lead")
    for what in sorted(HAPPENINGS, key=lambda name: (name == "contact_erased", name == "proposal_accepted")):
        if what == "contact_merged":
            continue
        done = await play(platform, practice, contact, what)
        assert done.event_types, what
    for event in await rows(platform, practice, "SELECT type, contact_id, data FROM platform.outbox"):
        assert event.contact_id == contact
        contract = contract_for(event.type)
        assert contract is not None, event.type
        contract.model_validate(event.data)
    (left,) = await rows(platform, practice, "SELECT * FROM canonical.contact")
    assert (left.first_name, left.email, left.do_not_contact) == ("", None, True)


async def test_a_booking_moves_through_its_states(platform: App, practice: UUID, database_url: str):
    contact = make_contact(database_url, practice, platform.clock.now())

    async def visit():
        (row,) = await rows(platform, practice, "SELECT status, starts_at FROM canonical.appointment")
        return row

    await play(platform, practice, contact, "book", days=10)
    first = await visit()
    assert (first.status, first.starts_at > platform.clock.now()) == ("booked", True)
    await play(platform, practice, contact, "reschedule", days=3)
    assert (await visit()).starts_at == first.starts_at + timedelta(days=3)
    await play(platform, practice, contact, "attend")
    assert ((await visit()).status, (await visit()).starts_at) == ("attended", platform.clock.now())


async def test_merging_moves_history_to_the_record_that_lives_on(
    platform: App, practice: UUID, database_url: str
):
    now = platform.clock.now()
    double, kept = (make_contact(database_url, practice, now) for _ in range(2))
    await play(platform, practice, double, "book")
    await play(platform, practice, double, "contact_merged", other_id=kept)
    assert await rows(platform, practice, "SELECT contact_id FROM canonical.appointment") == [(kept,)]
    (event,) = await rows(
        platform, practice, "SELECT data FROM platform.outbox WHERE type = 'contact.merged'"
    )
    assert (event.data["contact_id"], event.data["merged_id"]) == (str(kept), str(double))
    with pytest.raises(NotFound, match="live on"):
        await play(platform, practice, kept, "contact_merged", other_id=double)


async def test_pipeline_records_open_and_close(platform: App, practice: UUID, database_url: str):
    contact = make_contact(database_url, practice, platform.clock.now(), kind="lead")
    await play(platform, practice, contact, "emergency_lead")
    await play(platform, practice, contact, "opportunity_closed")
    (record,) = await rows(platform, practice, "SELECT * FROM canonical.opportunity")
    assert (record.stack, record.outcome, record.closed_at) == ("emergency", "won", platform.clock.now())
    said = await rows(platform, practice, "SELECT type, data FROM platform.outbox ORDER BY outbox_id")
    assert [e.type for e in said] == ["pipeline.lead.opened", "pipeline.opportunity.closed"]
    assert {e.data["source_channel"] for e in said} == {"emergency"}
    with pytest.raises(Conflict, match="no open proposal"):
        await play(platform, practice, contact, "proposal_accepted")


@pytest.mark.covers("SUP-6")
async def test_withdrawn_consent_is_recorded_with_its_history(
    platform: App, practice: UUID, database_url: str
):
    contact = make_contact(database_url, practice, platform.clock.now(), consent=("email",))
    await play(platform, practice, contact, "consent_revoke", channel="email")
    (consent,) = await rows(platform, practice, "SELECT state, method FROM canonical.consent")
    assert consent == ("revoked", "reception")
    await play(platform, practice, contact, "consent_revoke", channel="email")
    (history,) = await rows(platform, practice, "SELECT count(*) n FROM canonical.consent_history")
    assert history.n == 1
    await play(platform, practice, contact, "consent_grant", channel="sms")
    granted = await rows(platform, practice, "SELECT channel FROM canonical.consent WHERE state = 'granted'")
    assert granted == [("sms",)]


def report(platform: App, practice: UUID, contact: UUID, what: str, **more) -> Envelope:
    data = {
        "dispatch_id": str(uuid4()), "contact_id": str(contact), "practice_id": str(practice),
        "campaign_id": str(uuid4()), "channel": "email", **more,
    }  # fmt: skip
    return envelope(
        id=uuid4(), source="hub", type=f"hub.message.{what}", time=platform.clock.now(),
        practice_id=practice, data=data, subject=contact,
    )  # fmt: skip


@pytest.mark.covers("EVT-1")
async def test_hub_reports_become_engagement_once(platform: App, practice: UUID, database_url: str):
    contact = make_contact(database_url, practice, platform.clock.now())
    events = [report(platform, practice, contact, w) for w in ("sent", "opened", "clicked", "replied")]
    strange = [
        report(platform, practice, uuid4(), "sent"),
        report(platform, practice, contact, "sent", test=True),
    ]
    await platform.bus.publish("hub", [*events, *strange, events[1]])
    await platform.bus.publish_raw("hub", [b"{not json"])
    reports = HubReports(platform.uow, platform.bus, platform.clock, name="one")
    await reports.prepare()
    assert await reports.run_once() == 8
    await platform.bus.publish("hub", events)
    assert await reports.run_once() == 4
    kinds = await rows(platform, practice, "SELECT kind FROM canonical.engagement ORDER BY kind")
    assert kinds == [("clicked",), ("messaged",), ("opened",), ("replied",)]
    assert await platform.bus.redis.xlen(DEAD) == 1


async def test_what_a_dead_reader_took_is_handled_by_the_next(
    platform: App, practice: UUID, database_url: str
):
    contact = make_contact(database_url, practice, platform.clock.now())
    await platform.bus.publish("hub", [report(platform, practice, contact, "sent")])
    dead = Consumer(platform.bus, "platform", "dead", ["hub"])
    await dead.prepare()
    assert len(await dead.read(block_ms=0, count=10)) == 1
    reports = HubReports(platform.uow, platform.bus, platform.clock, name="two")
    assert await reports.run_once(stale_ms=0) == 1
    assert len(await rows(platform, practice, "SELECT 1 FROM canonical.engagement")) == 1


@pytest.mark.covers("EVT-1", "SUP-6")
async def test_a_grant_that_took_effect_before_a_withdrawal_does_not_undo_it(
    platform: App, practice: UUID, database_url: str
):
    now = platform.clock.now()
    contact = make_contact(database_url, practice, now, consent=())
    await play(platform, practice, contact, "consent_revoke", channel="email")
    proof = {"purpose": "marketing", "method": "form", "evidence": "paper"}
    async with platform.uow(system(practice, "platform")) as u:
        await grant(u, [(contact, "email")], **proof, effective_at=now - timedelta(days=1))
        await grant(u, [(contact, "email")], **proof, effective_at=now)
    held = "SELECT state FROM canonical.consent WHERE channel = 'email'"
    granted = "SELECT 1 FROM platform.outbox WHERE type = 'consent.granted'"
    assert [tuple(row) for row in await rows(platform, practice, held)] == [("revoked",)]
    assert await rows(platform, practice, granted) == []
    async with platform.uow(system(practice, "platform")) as u:
        await grant(u, [(contact, "email")], **proof, effective_at=now + timedelta(seconds=1))
    assert [tuple(row) for row in await rows(platform, practice, held)] == [("granted",)]
    assert len(await rows(platform, practice, granted)) == 1


@pytest.mark.covers("SUP-6")
@pytest.mark.parametrize(
    ("what", "more", "revoked", "said"),
    [
        ("stop", {"channel": "sms"}, {("sms", "marketing"), ("sms", "service")}, ("sms", "all")),
        (
            "unsubscribed", {"all_topics": True},
            {(c, "marketing") for c in ("in_app", "email", "sms", "whatsapp")}, ("all", "marketing"),
        ),
        (
            "unsubscribed", {"topic": "newsletter"},
            {(c, "newsletter") for c in ("in_app", "email", "sms", "whatsapp")}, ("all", "newsletter"),
        ),
    ],
)  # fmt: skip
async def test_opt_outs_close_what_the_person_chose(
    platform: App, practice: UUID, database_url: str, what: str, more: dict, revoked: set, said: tuple
):
    contact = make_contact(database_url, practice, platform.clock.now(), consent=("email", "sms"))
    await play(platform, practice, contact, "consent_grant", channel="sms", purpose="service")
    await platform.bus.publish("hub", [report(platform, practice, contact, what, **more)])
    reports = HubReports(platform.uow, platform.bus, platform.clock, name="one")
    await reports.prepare()
    await reports.run_once()
    held = await rows(
        platform, practice, "SELECT channel, purpose FROM canonical.consent WHERE state = 'revoked'"
    )
    assert {tuple(row) for row in held} == revoked
    (event,) = await rows(
        platform, practice, "SELECT data FROM platform.outbox WHERE type = 'consent.revoked'"
    )
    assert (event.data["channel"], event.data["purpose"]) == said


@pytest.mark.covers("EVT-1")
async def test_the_portal_makes_things_happen_over_http(platform: App, practice: UUID, database_url: str):
    contact = make_contact(database_url, practice, platform.clock.now(), last_name="Lovelace")
    woken: list[bool] = []
    transport = httpx.ASGITransport(create_api(platform.uow, wake=lambda: woken.append(True)))
    client = PlatformClient("http://platform", platform.keyring, practice, transport=transport)
    (hit,) = await client.search("love")
    assert hit.contact_id == contact
    assert await client.search("ada love", kind="lead") == []
    assert await client.search("100%_") == []
    done = await client.simulate(contact, "book")
    assert (done.sentence, done.event_types, woken) == (
        "Ada Lovelace: books an appointment.", ["appointment.booked"], [True],
    )  # fmt: skip
    with pytest.raises(NotFound, match="no such person"):
        await client.simulate(uuid4(), "book")
    with pytest.raises(Invalid):
        await client._call("POST", "/simulate", json={"what": "explode"})
    await client.close()


async def test_the_loops_publish_what_was_written_and_stop(platform: App, practice: UUID, database_url: str):
    contact = make_contact(database_url, practice, platform.clock.now())
    probe = Consumer(platform.bus, "probe", "one", ["appointments"])
    await probe.prepare()
    loops = Loops(platform.uow, platform.bus, platform.relay, platform.clock, "one")
    running = asyncio.create_task(loops.run())
    await play(platform, practice, contact, "book")
    loops.wake()
    (received,) = await probe.read(block_ms=5_000)
    assert Envelope.model_validate_json(received.raw).type == "appointment.booked"
    loops.end()
    await asyncio.wait_for(running, 10)


async def test_ambient_activity_is_ordinary_and_repeatable(platform: App, practice: UUID, database_url: str):
    assert await ambient_once(platform.uow, practice, seeded("x")) is None
    make_contact(
        database_url, practice, platform.clock.now(), contact_id=UUID("ffffffff-ffff-7fff-bfff-ffffffffffff")
    )
    done = await ambient_once(platform.uow, practice, seeded("x"))
    assert done is not None
    assert done.what in WEIGHTS["patient"]
