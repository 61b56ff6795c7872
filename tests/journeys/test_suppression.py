"""Every suppression and exit event, effective before any later step (000 §4.2-§4.5, §5.2)."""

import asyncio
from uuid import UUID

import pytest

from services.access.service import ROLES
from services.contracts.journey import Caps, Entry, SubCampaign, Wait, WaitFor
from services.kit.actor import Actor, system
from services.suppression.queries import LOCK_SUBJECTS
from services.suppression.service import resume_marketing, stop_marketing
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact
from tests.factories.world import World

RECORD = "0192b5a4-0000-7000-8000-00000000000a"
STATE = "SELECT state, coalesce(held_reason, exit_reason) AS why FROM cm.enrolment WHERE practice_id = :practice AND contact_id = :contact"
SENT = "SELECT status FROM cm.dispatch WHERE practice_id = :practice AND contact_id = :contact ORDER BY requested_at"


def nurture(**more):
    wait = Wait(id="pause", until=WaitFor(minutes=60 * 24), next="again")
    return journey(
        message("hello", "pause"), wait, message("again", "end"), caps=Caps(max_touches=99), **more
    )


@pytest.fixture
async def person(world: World, database_url: str) -> UUID:
    """Somebody in a nurture journey who has had its first message and waits for the second."""
    contact = make_contact(database_url, world.practice_id, world.clock.now(), kind="lead")
    await launch(world.app, world.practice_id, nurture())
    await world.run()
    assert len(await world.rows(SENT, contact=contact)) == 1
    return contact


async def later(world: World, person: UUID) -> tuple[str, str | None, int]:
    """A week later: (state, reason, messages requested and not taken back)."""
    await world.advance(days=7)
    (state,) = await world.rows(STATE, contact=person)
    sent = [r.status for r in await world.rows(SENT, contact=person)]
    return state.state, state.why, len(sent)


@pytest.mark.covers("SUP-1")
@pytest.mark.parametrize(
    ("type", "data", "why"),
    [
        ("appointment.booked", {"appointment_id": RECORD, "patient_id": "?"}, "APPOINTMENT_BOOKED"),
        ("pipeline.opportunity.converted", {"opportunity_id": RECORD, "lead_id": "?", "source_channel": "standard", "closed_at": "2026-06-01T10:00:00Z"}, "OPPORTUNITY_CLOSED"),
        ("pipeline.opportunity.withdrawn", {"opportunity_id": RECORD, "lead_id": "?", "source_channel": "standard", "closed_at": "2026-06-01T10:00:00Z"}, "OPPORTUNITY_CLOSED"),
        ("pipeline.opportunity.lost", {"opportunity_id": RECORD, "lead_id": "?", "source_channel": "standard", "lost_reason": "price", "lost_at_timestamp": "2026-06-01T10:00:00Z"}, "OPPORTUNITY_CLOSED"),
        ("consent.revoked", {"contact_id": "?", "channel": "all"}, "CONSENT_REVOKED"),
        ("pipeline.lead.opened", {"lead_id": "?", "source_channel": "Emergency"}, "EMERGENCY_STACK_EXCLUSION"),
        ("concierge.contact.declined", {"contact_id": "?"}, "CONCIERGE_DECLINED"),
    ],
)  # fmt: skip
async def test_the_journey_ends_before_any_later_step(
    world: World, person: UUID, type: str, data: dict, why: str
):
    await world.event(type, {k: person if v == "?" else v for k, v in data.items()})
    assert await later(world, person) == ("exited", why, 1)


@pytest.mark.covers("SUP-1", "GOV-5")
async def test_whoever_is_erased_gets_nothing_more_and_leaves_no_row(world: World, person: UUID):
    await world.event("contact.erased", {"contact_id": person})
    await world.advance(days=7)
    assert await world.rows(STATE, contact=person) == []
    ended = "SELECT exit_reason FROM cm.enrolment WHERE practice_id = :practice"
    assert [row.exit_reason for row in await world.rows(ended)] == ["CONTACT_ERASED"]
    assert await world.one("SELECT count(*) FROM cm.dispatch WHERE practice_id = :practice") == 1


@pytest.mark.covers("SUP-1")
async def test_what_the_relay_has_not_taken_is_taken_back(world: World, person: UUID):
    await world.event("appointment.booked", {"appointment_id": RECORD, "patient_id": person})
    assert [r.status for r in await world.rows(SENT, contact=person)] == ["cancelled"]
    waiting = (
        "SELECT count(*) FROM cm.outbox WHERE practice_id = :practice AND type = 'campaign.step.requested'"
    )
    assert await world.one(waiting) == 0


@pytest.mark.covers("SUP-1", "SUP-5")
@pytest.mark.parametrize(
    ("type", "data"),
    [
        ("appointment.booked", {"appointment_id": RECORD, "patient_id": "?"}),
        ("pipeline.lead.opened", {"lead_id": "?", "source_channel": "emergency"}),
        ("recall.patient.enrolled", {"patient_id": "?", "journey_id": "j", "enrolled_at": "2026-06-01T10:00:00Z"}),
    ],
)  # fmt: skip
async def test_the_last_message_of_a_finished_journey_is_taken_back_too(
    world: World, database_url: str, type: str, data: dict
):
    contact = make_contact(database_url, world.practice_id, world.clock.now(), kind="lead")
    await launch(world.app, world.practice_id, journey(message("only", "end")))
    await world.run()
    assert [r.state for r in await world.rows(STATE, contact=contact)] == ["completed"]
    await world.event(type, {k: contact if v == "?" else v for k, v in data.items()})
    assert [r.status for r in await world.rows(SENT, contact=contact)] == ["cancelled"]


@pytest.mark.covers("SUP-1", "EVT-2")
async def test_what_the_hub_holds_is_called_back(world: World, person: UUID):
    await world.app.relay.run_once(world.practice_id)
    await world.event("appointment.booked", {"appointment_id": RECORD, "patient_id": person})
    assert [r.status for r in await world.rows(SENT, contact=person)] == ["cancel_requested"]
    assert (
        await world.one(
            "SELECT count(*) FROM cm.outbox WHERE practice_id = :practice AND type = 'campaign.step.cancelled'"
        )
        == 1
    )


@pytest.mark.covers("SUP-2")
async def test_recall_holds_until_its_exit_and_the_journey_resumes(world: World, person: UUID):
    at = world.clock.now().isoformat()
    await world.event(
        "recall.patient.enrolled", {"patient_id": person, "journey_id": "r1", "enrolled_at": at}
    )
    assert await later(world, person) == ("held", "RECALL_RECONNECT_ENROLMENT", 1)
    await launch(world.app, world.practice_id, nurture())
    await world.run()  # nobody enters a conflicting type meanwhile
    assert (
        await world.one(
            "SELECT count(*) FROM cm.refusal WHERE practice_id = :practice AND reason = 'RECALL_RECONNECT_ENROLMENT'"
        )
        == 1
    )
    ended = {"patient_id": person, "journey_id": "r1", "ended_at": at}
    await world.event("recall.patient.exited", {**ended, "journey_id": "another"})
    assert (await later(world, person))[0] == "held"
    await world.event("recall.patient.exited", ended)
    assert await later(world, person) == ("completed", "END_OF_JOURNEY", 2)


@pytest.mark.covers("SUP-2")
async def test_recall_leaves_other_types_alone(world: World, database_url: str):
    contact = make_contact(database_url, world.practice_id, world.clock.now())
    await launch(world.app, world.practice_id, nurture(campaign_type="review_request"))
    await world.run()
    await world.event(
        "recall.patient.enrolled",
        {"patient_id": contact, "journey_id": "r1", "enrolled_at": world.clock.now().isoformat()},
    )
    assert (await later(world, contact))[0] == "completed"


@pytest.mark.covers("SUP-3")
class TestConcierge:
    @pytest.mark.parametrize("signal", ["concierge.recovery.started", "concierge.recovery.something_new"])
    async def test_any_recovery_signal_holds_and_accepted_releases(
        self, world: World, person: UUID, signal: str
    ):
        await world.event(signal, {"contact_id": person})
        await world.advance(days=1)
        assert [tuple(r) for r in await world.rows(STATE, contact=person)] == [
            ("held", "CONCIERGE_RECOVERY_HOLD")
        ]
        await world.event("concierge.contact.reached", {"contact_id": person})
        await world.event("concierge.contact.accepted", {"contact_id": person})
        assert (await later(world, person))[0] == "completed"

    async def test_the_hold_runs_out(self, world: World, person: UUID):
        from services.kit.actor import system
        from services.suppression.service import expire

        await world.event("concierge.recovery.started", {"contact_id": person})
        await world.advance(hours=71)
        assert [tuple(r) for r in await world.rows(STATE, contact=person)] == [
            ("held", "CONCIERGE_RECOVERY_HOLD")
        ]
        world.clock.advance(hours=2)
        async with world.app.uow(system(world.practice_id, "scheduler")) as u:
            assert await expire(u) == 1
        assert (await later(world, person))[0] == "completed"

    async def test_declined_suppresses_the_goal_for_new_campaigns(self, world: World, person: UUID):
        await world.event("concierge.contact.declined", {"contact_id": person, "goal": "booking"})
        await launch(world.app, world.practice_id, nurture())
        await world.run()
        assert (
            await world.one("SELECT reason FROM cm.refusal WHERE practice_id = :practice")
            == "CONCIERGE_DECLINED"
        )


@pytest.mark.covers("SUP-5")
async def test_emergency_outlasts_72_hours_and_ends_with_its_record_only(world: World, person: UUID):
    opened = {"lead_id": person, "opportunity_id": RECORD, "source_channel": "OUT_OF_HOURS"}
    await world.event(
        "pipeline.opportunity.deferred",
        {**opened, "deferred_until_date": "2026-07-01", "eligible_campaign_types": ["nurture"]},
    )
    await world.advance(days=30)
    await launch(world.app, world.practice_id, nurture())
    await world.run()
    refused = "SELECT count(*) FROM cm.refusal WHERE practice_id = :practice AND reason = 'EMERGENCY_STACK_EXCLUSION'"
    assert await world.one(refused) == 1
    lost = {**opened, "lost_reason": "resolved", "lost_at_timestamp": world.clock.now().isoformat()}
    await world.event(
        "pipeline.opportunity.lost", {**lost, "opportunity_id": "0192b5a4-0000-7000-8000-00000000000b"}
    )
    await launch(world.app, world.practice_id, nurture())
    await world.run()
    assert await world.one(refused) == 2
    await world.event("pipeline.opportunity.lost", lost)
    await launch(world.app, world.practice_id, nurture())
    assert (await world.run()).requested == 1


@pytest.mark.covers("SUP-6")
class TestChannels:
    @pytest.mark.parametrize(("status", "reason"), [("stop", "STOP"), ("bounced", "HARD_BOUNCE")])
    async def test_a_closed_channel_is_refused_and_the_journey_goes_on(
        self, world: World, person: UUID, status: str, reason: str
    ):
        sent = await world.rows(
            "SELECT dispatch_id, campaign_id FROM cm.dispatch WHERE practice_id = :practice"
        )
        data = {
            "dispatch_id": sent[0].dispatch_id,
            "campaign_id": sent[0].campaign_id,
            "contact_id": person,
            "channel": "email",
            "permanent": True,
        }
        await world.event(f"hub.message.{status}", data)
        assert (await later(world, person))[0] == "completed"
        assert await world.one("SELECT reason FROM cm.refusal WHERE practice_id = :practice") == reason

    @pytest.mark.parametrize("everything", [True, False])
    async def test_unsubscribing_ends_the_journey(self, world: World, person: UUID, everything: bool):
        sent = await world.rows(
            "SELECT dispatch_id, campaign_id FROM cm.dispatch WHERE practice_id = :practice"
        )
        data = {
            "dispatch_id": sent[0].dispatch_id,
            "campaign_id": sent[0].campaign_id,
            "contact_id": person,
            "all_topics": everything,
            "topic": "marketing",
        }
        await world.event("hub.message.unsubscribed", data)
        assert (await later(world, person))[:2] == ("exited", "UNSUBSCRIBED")


@pytest.mark.covers("SUP-9")
async def test_staff_stop_and_resume(world: World, person: UUID):
    fiona = Actor(world.practice_id, "person:f", ROLES["front_desk"])
    async with world.app.uow(fiona) as u:
        assert await stop_marketing(u, person, note="Asked at the desk") == 1
    assert await later(world, person) == ("held", "MANUAL_SUPPRESSION", 1)
    async with world.app.uow(fiona) as u:
        assert await resume_marketing(u, person, note="Changed their mind") == 1
    assert await later(world, person) == ("completed", "END_OF_JOURNEY", 2)


@pytest.mark.covers("SUP-4")
async def test_a_hold_that_ran_out_is_over_even_when_the_scheduler_is_late(world: World, person: UUID):
    await world.event("concierge.recovery.started", {"contact_id": person})
    world.clock.advance(hours=73)
    await world.event("concierge.recovery.started", {"contact_id": person})
    holds = await world.rows(
        "SELECT applied_at, lifted_at FROM cm.suppression WHERE practice_id = :practice ORDER BY applied_at"
    )
    now = world.clock.now()
    assert [(h.applied_at == now, h.lifted_at == now) for h in holds] == [(False, True), (True, False)]


@pytest.mark.covers("ENG-1")
async def test_handing_over_never_waits_for_a_contact_who_is_being_suppressed(
    world: World, database_url: str
):
    """It would hold the work that the suppression wants while it waits for the contact it holds."""
    contact = make_contact(database_url, world.practice_id, world.clock.now())
    other = await launch(
        world.app,
        world.practice_id,
        journey(message("there", "end"), entry=Entry(id="entry", how="event", next="there")),
        kind="event",
    )
    pause = Wait(id="pause", until=WaitFor(minutes=60), next="hand")
    hand = SubCampaign(id="hand", campaign_id=str(other.campaign_id), next="end")
    await launch(world.app, world.practice_id, journey(pause, hand))
    await world.run()
    await world.advance(minutes=59)
    async with world.app.uow(system(world.practice_id, "test")) as u:
        await u.execute(LOCK_SUBJECTS, practice=world.practice_id, contacts=[contact])
        world.clock.advance(minutes=1)
        await asyncio.wait_for(world.engine.run_once(world.practice_id), 10)
        await asyncio.wait_for(world.engine.run_once(world.practice_id), 10)
        assert await world.rows(SENT, contact=contact) == []
    await world.run()
    assert len(await world.rows(SENT, contact=contact)) == 1


@pytest.mark.covers("EVT-1", "EVT-4")
async def test_strange_events_stop_nothing(world: World, person: UUID):
    await world.app.bus.publish_raw("pipeline", [b"not json", b"{}", b'{"specversion":"1.0"}'])
    await world.event("pipeline.lead.cold", {"lead_id": person})  # fields missing
    await world.event("pipeline.lead.sneezed", {"lead_id": person})  # nobody knows it
    await world.event("appointment.booked", {"appointment_id": RECORD, "patient_id": person}, id="same")
    await world.event("appointment.booked", {"appointment_id": RECORD, "patient_id": person}, id="same")
    assert dict(world.intake.seen) == {"rejected": 4, "unknown": 1, "handled": 1, "duplicate": 1}
    assert await world.app.bus.redis.xlen("cm:dead") == 4
    assert await later(world, person) == ("exited", "APPOINTMENT_BOOKED", 1)
