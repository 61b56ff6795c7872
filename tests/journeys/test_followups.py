"""EVT-8: one message to one person, planned, and settled by the same gates as every other."""

from datetime import timedelta
from uuid import UUID

import orjson
import pytest

from services.contracts.events import FollowupChanged, StepRequested
from services.contracts.journey import Caps
from services.engine.offers import offer_again
from services.engine.ticks import TICKS, run_tick
from services.engine.timeline import timeline
from services.followups import service as followups
from services.followups.contracts import Drained, FollowupChange, FollowupFilter, NewFollowup
from services.followups.errors import TooMany
from services.followups.jobs import drain
from services.followups.rules import PER_PERSON
from services.invariants.service import check
from services.kit.actor import Actor, system
from services.kit.bus import STREAM
from services.kit.errors import Forbidden, Invalid, NotFound, TransitionError
from services.kit.ids import new_id
from services.suppression.service import stop_marketing
from tests.factories.campaign import journey, launch, message
from tests.factories.journeys import person as staff
from tests.factories.practice import make_contact, run
from tests.factories.world import World

pytestmark = pytest.mark.covers("EVT-8")
WORDS = {"subject": "How are you?", "body": "Hello {{ contact.first_name }}, how is the new crown?"}
OUT = "SELECT type, data FROM cm.outbox WHERE practice_id = :practice AND contact_id = :contact ORDER BY outbox_id"


def wanted(contact: UUID, **more) -> NewFollowup:
    channels = more.pop("channels", ["email"])
    content = dict.fromkeys(channels, WORDS)
    value = {
        "contact_id": contact,
        "channels": channels,
        "content": content,
        "why": "After the crown",
        **more,
    }
    return NewFollowup.model_validate(value)


async def plan(world: World, contact: UUID, *, who: Actor | None = None, **more):
    async with world.app.uow(who or staff(world.practice_id, "author", "read")) as u:
        return await followups.plan(u, wanted(contact, **more))


async def settle(world: World) -> Drained:
    async with world.app.uow(system(world.practice_id, "scheduler")) as u:
        return await drain(u)


async def look(world: World, followup_id: UUID):
    async with world.app.uow(staff(world.practice_id, "read")) as u:
        return await followups.one(u, followup_id)


@pytest.fixture
def contact(world: World, database_url: str) -> UUID:
    return make_contact(database_url, world.practice_id, world.clock.now())


async def sound(world: World) -> None:
    """The books balance with follow-ups in them."""
    async with world.app.uow(system(world.practice_id, "test")) as u:
        assert await check(u) == []


async def test_it_goes_to_the_hub_at_its_time_and_not_before(world: World, contact: UUID):
    planned = await plan(world, contact, due_at=world.clock.now() + timedelta(days=2))
    assert (planned.followup.state, planned.against) == ("pending", [])
    assert await settle(world) == Drained(sent=0, failed=0, waiting=0)
    world.clock.advance(days=2)
    (tick,) = [t for t in TICKS if t.name == "followups"]
    assert await run_tick(world.app, tick) == 1
    row = await look(world, planned.followup.followup_id)
    assert (row.state, row.message_status) == ("sent", "requested")

    out = {o.type: o.data for o in await world.rows(OUT, contact=contact)}
    assert out.keys() == {
        "campaign.followup.planned", "campaign.step.requested", "campaign.followup.sent",
    }  # fmt: skip
    request = StepRequested.model_validate(out["campaign.step.requested"])
    assert request.idempotency_key == f"{row.followup_id}/0"
    assert (request.dispatch_id, request.channels, request.content_ref) == (
        row.dispatch_id, ["email"], row.content_ref,
    )  # fmt: skip
    assert FollowupChanged.model_validate(out["campaign.followup.sent"]).state == "sent"
    closed = await world.one(
        "SELECT data FROM cm.outbox WHERE practice_id = :practice AND type = 'campaign.content.published'"
    )
    assert closed.keys() == {"practice_id", "content_ref", "sealed"}, "no words in the clear"
    while await world.app.relay.run_once(world.practice_id):
        pass
    entries = await world.app.bus.redis.xrange(STREAM + "campaigns")
    (words,) = [e["data"] for e in (orjson.loads(f[b"event"]) for _, f in entries) if "content" in e["data"]]
    assert words["content_ref"] == row.content_ref
    assert words["content"]["email"]["subject"] == WORDS["subject"]
    await sound(world)


async def test_what_the_hub_reports_is_shown_with_it(world: World, contact: UUID):
    planned = await plan(world, contact)
    await settle(world)
    row = await look(world, planned.followup.followup_id)
    await world.event(
        "hub.message.delivered",
        {
            "dispatch_id": row.dispatch_id,
            "contact_id": contact,
            "campaign_id": UUID(int=0),
            "channel": "email",
        },
    )
    row = await look(world, planned.followup.followup_id)
    assert (row.state, row.message_status, row.message_channel) == ("sent", "delivered", "email")
    async with world.app.uow(staff(world.practice_id)) as u:
        told = [item.sentence for item in (await timeline(u, contact)).items]
    assert "A message was planned: After the crown" in told
    assert "The email was delivered" in told


async def test_a_refusal_is_recorded_and_shown_with_its_reason(world: World, database_url: str):
    contact = make_contact(database_url, world.practice_id, world.clock.now(), consent=())
    planned = await plan(world, contact)
    assert planned.against == ["email: They have not agreed to marketing on this channel."]
    assert await settle(world) == Drained(sent=0, failed=1, waiting=0)
    row = await look(world, planned.followup.followup_id)
    assert (row.state, row.reason, row.dispatch_id) == ("failed", "NO_CONSENT", None)
    (refusal,) = await world.rows(
        "SELECT reason, inputs FROM cm.refusal WHERE practice_id = :practice AND contact_id = :contact",
        contact=contact,
    )
    assert (refusal.reason, refusal.inputs) == ("NO_CONSENT", {"channels": {"email": "NO_CONSENT"}})
    async with world.app.uow(staff(world.practice_id)) as u:
        told = [item.sentence for item in (await timeline(u, contact)).items]
    assert "Not sent: They have not agreed to marketing on this channel." in told
    tags = await world.rows(
        "SELECT tag FROM cm.audit WHERE practice_id = :practice AND tag LIKE 'followup.%' ORDER BY at, seq"
    )
    assert [t.tag for t in tags] == ["followup.planned", "followup.failed"]
    await sound(world)


async def test_channels_that_are_closed_are_left_out(world: World, database_url: str):
    contact = make_contact(database_url, world.practice_id, world.clock.now(), consent=("in_app",))
    planned = await plan(world, contact, channels=["email", "in_app"])
    assert planned.against == []
    await settle(world)
    assert await world.one("SELECT channels FROM cm.dispatch WHERE practice_id = :practice") == ["in_app"]


async def test_the_practices_caps_count_it_and_stop_it(world: World, contact: UUID, database_url: str):
    caps = orjson.dumps({"caps": Caps(max_touches=1, per_days=7).model_dump()}).decode()
    run(
        database_url,
        "UPDATE cm.practice SET settings = CAST(:s AS jsonb) WHERE practice_id = :p",
        {"s": caps, "p": world.practice_id},
    )
    first, second = await plan(world, contact), await plan(world, contact)
    assert await settle(world) == Drained(sent=1, failed=0, waiting=1), "one a person and drain"
    assert await settle(world) == Drained(sent=0, failed=1, waiting=0)
    assert (await look(world, first.followup.followup_id)).state == "sent"
    assert (await look(world, second.followup.followup_id)).reason == "FREQUENCY_CAP"
    # And a campaign's message sees it too.
    await launch(world.app, world.practice_id, journey(message("hello", "end")))
    assert (await world.run()).refused == 1


@pytest.mark.parametrize(
    ("type", "data", "why"),
    [
        ("appointment.booked", {"appointment_id": "0192b5a4-0000-7000-8000-00000000000a", "patient_id": "?"}, "APPOINTMENT_BOOKED"),
        ("consent.revoked", {"contact_id": "?", "channel": "email"}, "CONSENT_REVOKED"),
        ("recall.patient.enrolled", {"patient_id": "?", "journey_id": "r", "enrolled_at": "2026-06-01T10:00:00Z"}, "RECALL_RECONNECT_ENROLMENT"),
        ("concierge.recovery.started", {"contact_id": "?"}, "CONCIERGE_RECOVERY_HOLD"),
        ("pipeline.lead.opened", {"lead_id": "?", "source_channel": "emergency"}, "EMERGENCY_STACK_EXCLUSION"),
        ("contact.erased", {"contact_id": "?"}, "CONTACT_ERASED"),
    ],
)  # fmt: skip
async def test_a_suppression_cancels_what_is_planned_and_takes_back_what_was_asked_for(
    world: World, contact: UUID, type: str, data: dict, why: str
):
    asked = await plan(world, contact)
    await settle(world)
    later = await plan(world, contact, due_at=world.clock.now() + timedelta(days=3))
    await world.event(type, {k: contact if v == "?" else v for k, v in data.items()})
    assert (await look(world, later.followup.followup_id)).state == "cancelled"
    assert (await look(world, later.followup.followup_id)).reason == why
    assert (await look(world, asked.followup.followup_id)).message_status == "cancelled"
    left = [o.type for o in await world.rows(OUT, contact=contact)]
    assert "campaign.step.requested" not in left
    assert "campaign.step.cancelled" in left
    world.clock.advance(days=4)
    assert await settle(world) == Drained(sent=0, failed=0, waiting=0)
    await sound(world)


async def test_staff_who_stop_marketing_cancel_it(world: World, contact: UUID):
    planned = await plan(world, contact, due_at=world.clock.now() + timedelta(days=3))
    async with world.app.uow(staff(world.practice_id, "suppress")) as u:
        await stop_marketing(u, contact, note="asked at the desk")
    assert (await look(world, planned.followup.followup_id)).reason == "MANUAL_SUPPRESSION"


async def test_a_stop_on_one_channel_leaves_a_message_with_another(world: World, contact: UUID):
    both = await plan(
        world, contact, channels=["email", "in_app"], due_at=world.clock.now() + timedelta(days=1)
    )
    await world.event("consent.revoked", {"contact_id": contact, "channel": "email"})
    assert (await look(world, both.followup.followup_id)).state == "pending"


async def test_a_kill_switch_keeps_it_waiting(world: World, contact: UUID, database_url: str):
    await plan(world, contact)
    stop = "UPDATE cm.practice SET kill_switch_at = :at WHERE practice_id = :p"
    run(database_url, stop, {"at": world.clock.now(), "p": world.practice_id})
    assert await settle(world) == Drained(sent=0, failed=0, waiting=1)
    run(database_url, stop, {"at": None, "p": world.practice_id})
    assert await settle(world) == Drained(sent=1, failed=0, waiting=0)


async def test_one_key_is_planned_once(world: World, contact: UUID):
    first = await plan(world, contact, external_key="crown-7")
    again = await plan(world, contact, external_key="crown-7", why="Another reason")
    assert (again.fresh, again.followup) == (False, first.followup)
    assert await world.one("SELECT count(*) FROM cm.followup WHERE practice_id = :practice") == 1


async def test_it_can_be_moved_and_cancelled_until_it_goes(world: World, contact: UUID):
    marketer, desk = staff(world.practice_id, "author", "read"), staff(world.practice_id, "suppress")
    planned = (await plan(world, contact)).followup
    async with world.app.uow(marketer) as u:
        later = u.now + timedelta(days=1)
        moved = await followups.change(u, planned.followup_id, FollowupChange(due_at=later))
    assert moved.due_at == later
    assert (await settle(world)).sent == 0
    off = FollowupChange(state="cancelled", note="She came in today")
    for _ in range(2):  # the same wish again is a no-op
        async with world.app.uow(desk) as u:
            gone = await followups.change(u, planned.followup_id, off)
        assert (gone.state, gone.note) == ("cancelled", "She came in today")
    sent = (await plan(world, contact)).followup
    await settle(world)
    for change in (off, FollowupChange(due_at=world.clock.now() + timedelta(days=1))):
        with pytest.raises(TransitionError, match="sent"):
            async with world.app.uow(staff(world.practice_id)) as u:
                await followups.change(u, sent.followup_id, change)


async def test_what_cannot_be_planned_says_why(world: World, contact: UUID):
    now = world.clock.now()
    for problem, more in (
        ("passed", {"due_at": now - timedelta(hours=1)}),
        ("next year", {"due_at": now + timedelta(days=400)}),
        ("Choose a template, or write", {"content": {}}),
        ("no words for sms", {"channels": ["email", "sms"], "content": {"email": WORDS}}),
        ("still to be filled in", {"content": {"email": {"subject": "Hi", "body": "Hello [NAME]"}}}),
        ("not a merge field", {"content": {"email": {"subject": "Hi", "body": "{{ contact.iban }}"}}}),
    ):
        with pytest.raises(Invalid, match=problem):
            await plan(world, contact, **more)
    with pytest.raises(NotFound):
        await plan(world, new_id())
    with pytest.raises(Forbidden, match="plan a message"):
        await plan(world, contact, who=staff(world.practice_id, "read", "suppress"))
    for _ in range(PER_PERSON):
        await plan(world, contact, due_at=now + timedelta(days=1))
    with pytest.raises(TooMany, match="Cancel one first"):
        await plan(world, contact)


async def test_the_list_turns_its_pages(world: World, contact: UUID, database_url: str):
    other = make_contact(database_url, world.practice_id, world.clock.now())
    for days in range(5):
        await plan(world, contact, due_at=world.clock.now() + timedelta(days=days))
    await plan(world, other)
    seen, cursor = [], None
    async with world.app.uow(staff(world.practice_id, "read")) as u:
        while True:
            page = await followups.page(u, FollowupFilter(contact_id=contact, limit=2, cursor=cursor))
            seen += [row.due_at for row in page.rows]
            cursor = page.next
            if cursor is None:
                break
        assert len((await followups.page(u, FollowupFilter(states=["sent"]))).rows) == 0
        with pytest.raises(Invalid):
            await followups.page(u, FollowupFilter(cursor="bm9uc2Vuc2U="))
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 5


async def test_what_the_bus_lost_is_offered_again_with_the_same_key(world: World, contact: UUID):
    await plan(world, contact)
    await settle(world)
    first = [o.data for o in await world.rows(OUT, contact=contact) if o.type == "campaign.step.requested"]
    await world.app.relay.run_once(world.practice_id)
    await world.app.bus.redis.flushall()
    world.clock.advance(minutes=11)
    async with world.app.uow(system(world.practice_id, "scheduler")) as u:
        assert await offer_again(u) == 1
    (again,) = [o.data for o in await world.rows(OUT, contact=contact) if o.type == "campaign.step.requested"]
    one, two = (StepRequested.model_validate(data) for data in (first[0], again))
    assert (one.idempotency_key, one.dispatch_id, one.caps) == (
        two.idempotency_key,
        two.dispatch_id,
        two.caps,
    )


KEPT = """
SELECT content, why, note, state FROM cm.followup WHERE practice_id = :practice AND contact_id = :contact ORDER BY due_at
"""
WHOSE = "SELECT contact_id FROM cm.followup WHERE practice_id = :practice AND followup_id = :followup"
UNPUBLISHED = """
SELECT data->>'content_ref' FROM cm.outbox WHERE practice_id = :practice AND type = 'campaign.content.published'
"""


@pytest.mark.covers("GOV-5")
async def test_erasing_a_person_leaves_no_words_of_their_messages(
    world: World, contact: UUID, database_url: str
):
    other = make_contact(database_url, world.practice_id, world.clock.now())
    own = {"email": {"subject": "About you", "body": "Only for this person"}}
    await plan(world, contact)
    await settle(world)  # sent
    off = (await plan(world, contact, due_at=world.clock.now() + timedelta(days=1))).followup
    async with world.app.uow(staff(world.practice_id, "author", "read", "suppress")) as u:
        await followups.change(u, off.followup_id, FollowupChange(state="cancelled", note="Moved to Leeds"))
    await plan(world, contact, due_at=world.clock.now() + timedelta(days=2), content=own)  # pending
    shared = (await plan(world, other)).followup
    before = await world.rows(KEPT, contact=contact)
    assert len(before) == 3
    assert all(row.content and row.why for row in before)

    await world.event("contact.erased", {"contact_id": contact})
    assert await world.rows(KEPT, contact=contact) == []
    nobody = await world.one(WHOSE, followup=off.followup_id)
    after = await world.rows(KEPT, contact=nobody)
    assert [(bytes(row.content), row.why, row.note) for row in after] == [(b"", "", "")] * 3
    assert [row.state for row in after] == ["sent", "cancelled", "cancelled"]
    # Words that wait to be published: those for this person alone are gone, others' are not.
    assert {row[0] for row in await world.rows(UNPUBLISHED)} == {shared.content_ref}
    kept = await world.rows(KEPT, contact=other)
    assert kept[0].content
    audited = "SELECT detail FROM cm.audit WHERE practice_id = :practice AND tag = 'privacy.erased'"
    assert orjson.loads(await world.one(audited))["followups"] == 3
    # The list still opens, and a second erasure finds nothing.
    assert (await look(world, off.followup_id)).note == ""
    await world.event("contact.erased", {"contact_id": contact})
    assert len(await world.rows(audited)) == 1
