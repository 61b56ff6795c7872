"""The finer print of suppression: what lifts what, what does nothing, what never ends by itself."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.access.contracts import PLATFORM_EMERGENCY_STACKS, PracticeSettings
from services.access.service import practice_settings, save_settings
from services.bootstrap import bootstrap
from services.contracts.campaign_types import CAMPAIGN_TYPES
from services.contracts.journey import Caps, Entry, EventMatch, Wait, WaitFor
from services.engine.service import Engine
from services.gates.gates import GATES
from services.gates.reasons import Reason
from services.intake.consumer import Intake
from services.kit.actor import system
from services.kit.errors import Invalid, StepUpNeeded
from services.suppression.contracts import HOLDING
from services.suppression.service import expire, live_suppressions, resume_marketing, stop_marketing
from tests.factories.campaign import journey, launch, message
from tests.factories.journeys import person as staff
from tests.factories.practice import make_contact, run
from tests.factories.world import World

A, B = (f"0192b5a4-0000-7000-8000-00000000000{n}" for n in "ab")
STATE = "SELECT state, coalesce(held_reason, exit_reason) AS why FROM cm.enrolment WHERE practice_id = :practice AND contact_id = :contact ORDER BY enrolled_at"
LIVE = "SELECT reason, scope, goal FROM cm.suppression WHERE practice_id = :practice AND contact_id = :contact AND lifted_at IS NULL ORDER BY goal"
WHY = "SELECT reason FROM cm.refusal WHERE practice_id = :practice AND contact_id = :contact ORDER BY at"
SENT = "SELECT status FROM cm.dispatch WHERE practice_id = :practice AND contact_id = :contact AND status <> 'cancelled'"


def weekly(kind: str = "nurture", **more):
    pause = Wait(id="pause", until=WaitFor(minutes=60 * 24 * 7), next="again")
    more = {"campaign_type": kind, "caps": Caps(max_touches=99), **more}
    return journey(message("hello", "pause"), pause, message("again", "end"), **more)


@pytest.fixture
async def person(world: World, database_url: str) -> UUID:
    return make_contact(database_url, world.practice_id, world.clock.now(), kind="lead")


async def states(world: World, person: UUID) -> list[tuple[str, str | None]]:
    return [tuple(r) for r in await world.rows(STATE, contact=person)]


async def tries(world: World, person: UUID, kind: str = "nurture") -> str:
    """Launch a campaign of a type now: what becomes of this person in it."""
    before = len(await states(world, person))
    await launch(world.app, world.practice_id, journey(message("m", "end"), campaign_type=kind, caps=Caps(max_touches=99, min_gap_hours=0)))  # fmt: skip
    await world.run()
    if len(await states(world, person)) > before:
        return "entered"
    return [r.reason for r in await world.rows(WHY, contact=person)][-1]


def opportunity(person: UUID, record: str, stack: str = "Emergency", **more) -> dict:
    return {"lead_id": person, "opportunity_id": record, "source_channel": stack, **more}


async def closes(world: World, person: UUID, record: str, what: str = "withdrawn") -> None:
    await world.event(f"pipeline.opportunity.{what}", opportunity(person, record, closed_at=world.clock.now().isoformat()))  # fmt: skip


def test_every_reason_that_can_suppress_a_person_is_a_gate():
    """A suppression of a whole person that no gate asks about would stop nothing."""
    asked = {gate.reason for gate in GATES if gate.scope == "person"}
    applied = {
        Reason.EMERGENCY_STACK_EXCLUSION, Reason.RECALL_RECONNECT_ENROLMENT, Reason.CONCIERGE_RECOVERY_HOLD,
        Reason.CONCIERGE_DECLINED, Reason.MANUAL_SUPPRESSION, Reason.COMPLAINT, Reason.UNSUBSCRIBED,
        Reason.CONSENT_REVOKED, Reason.STOP, Reason.HARD_BOUNCE, Reason.CONTACT_ERASED, Reason.CONTACT_MERGED,
    }  # fmt: skip
    assert applied <= asked
    assert {g.reason for g in GATES if g.effect == "hold"} == set(HOLDING)


@pytest.mark.covers("SUP-6")
@pytest.mark.parametrize(
    ("what", "why"), [("stop", "STOP"), ("bounced", "HARD_BOUNCE"), ("complained", "COMPLAINT")]
)
async def test_without_a_channel_named_everything_closes(world: World, person: UUID, what: str, why: str):
    await launch(world.app, world.practice_id, weekly())
    await world.run()
    (sent,) = await world.rows(
        "SELECT dispatch_id, campaign_id FROM cm.dispatch WHERE practice_id = :practice"
    )
    data = {"dispatch_id": sent.dispatch_id, "campaign_id": sent.campaign_id, "contact_id": person}
    await world.event(f"hub.message.{what}", {**data, "permanent": True})
    assert await states(world, person) == [("exited", why)]
    assert await tries(world, person, "education") == why


@pytest.mark.covers("SUP-5", "EVT-1")
class TestEmergency:
    async def test_it_survives_time_restarts_imports_versions_and_settings(
        self, world: World, person: UUID, config, servers, database_url: str
    ):
        await world.event("pipeline.lead.opened", opportunity(person, A, "Urgent_CARE"))
        assert await tries(world, person) == "EMERGENCY_STACK_EXCLUSION"
        await world.advance(hours=73)
        async with world.app.uow(system(world.practice_id, "scheduler")) as u:
            assert await expire(u) == 0
        again = bootstrap(
            config=config,
            clock=world.clock,
            database_url=database_url,
            redis_url=servers.redis_url,
        )
        restarted = World(
            again, world.clock, world.practice_id, Engine(again.uow), Intake(again.uow, again.bus, "x")
        )
        for loose in (Caps(max_touches=99, min_gap_hours=0), Caps()):
            await launch(again, world.practice_id, weekly("drip", caps=loose, holdout_percent=0))
        assert (await restarted.run()).requested == 0
        await again.close()
        # The person comes in again: their record is written anew, another enquiry is opened.
        run(database_url, "UPDATE canonical.contact SET source_channel = 'website', lead_status = 'new' WHERE contact_id = :c", {"c": person})  # fmt: skip
        await world.event("pipeline.lead.opened", opportunity(person, B, "standard"))
        await closes(world, person, B)
        assert await tries(world, person, "keep_informed") == "EMERGENCY_STACK_EXCLUSION"
        async with world.app.uow(staff(world.practice_id)) as u:  # nor does saving settings lift it
            await save_settings(u, PracticeSettings(emergency_stacks=("our_own",)), stepped_up=True)
            kept = (await practice_settings(u)).emergency_stacks
            assert kept == (*PLATFORM_EMERGENCY_STACKS, "our_own")
            await resume_marketing(u, person, note="please")
        assert await tries(world, person) == "EMERGENCY_STACK_EXCLUSION"
        assert await tries(world, person, "promotion") == "entered"
        await closes(world, person, A, "converted")
        assert await tries(world, person) == "entered"

    async def test_types_marked_long_horizon_later_are_excluded_too(self, world: World, person: UUID):
        await world.event("pipeline.lead.opened", opportunity(person, A))
        assert await tries(world, person, "education") == "entered"
        async with world.app.uow(staff(world.practice_id)) as u:
            marked = PracticeSettings(long_horizon_types=("education",))
            with pytest.raises(StepUpNeeded):
                await save_settings(u, marked)
            await save_settings(u, marked, stepped_up=True)
        assert await tries(world, person, "education") == "EMERGENCY_STACK_EXCLUSION"
        assert {t.key for t in CAMPAIGN_TYPES if t.long_horizon} == {"nurture", "keep_informed", "drip"}

    async def test_two_records_are_two_exclusions_and_an_old_closing_lifts_nothing(
        self, world: World, person: UUID
    ):
        for record in (A, B):
            await world.event("pipeline.lead.opened", opportunity(person, record, "trauma"))
        await closes(world, person, A)
        assert await tries(world, person) == "EMERGENCY_STACK_EXCLUSION"
        late = world.clock.now() - timedelta(days=2)
        await world.event(
            "pipeline.opportunity.closed", opportunity(person, B, closed_at=late.isoformat()), time=late
        )
        assert await tries(world, person) == "EMERGENCY_STACK_EXCLUSION"
        await closes(world, person, B)
        assert await tries(world, person) == "entered"


@pytest.mark.covers("SUP-2")
async def test_recall_ends_with_its_last_journey_and_then_everything_is_asked_again(
    world: World, person: UUID, database_url: str
):
    await launch(world.app, world.practice_id, weekly())
    await world.run()
    for name in ("one", "two"):
        at = world.clock.now().isoformat()
        await world.event(
            "recall.patient.enrolled", {"patient_id": person, "journey_id": name, "enrolled_at": at}
        )
    ended = {"patient_id": person, "ended_at": world.clock.now().isoformat()}
    await world.event("recall.journey.completed", {**ended, "journey_id": "one"})
    assert await states(world, person) == [("held", "RECALL_RECONNECT_ENROLMENT")]
    assert await tries(world, person, "drip") == "RECALL_RECONNECT_ENROLMENT"
    await world.event("consent.revoked", {"contact_id": person, "channel": "email"})
    await world.event("recall.patient.exited", {**ended, "journey_id": "two"})
    assert await states(world, person) == [("live", None)]
    await world.advance(days=8)
    assert [r.reason for r in await world.rows(WHY, contact=person)][-1] == "CONSENT_REVOKED"
    assert len(await world.rows(SENT, contact=person)) == 0, "the first was called back, the second refused"


@pytest.mark.covers("SUP-3")
class TestConcierge:
    @pytest.mark.parametrize("hours", [1, 24 * 30])
    async def test_the_practice_sets_how_long_a_hold_lasts(self, world: World, person: UUID, hours: int):
        async with world.app.uow(staff(world.practice_id)) as u:
            await save_settings(u, PracticeSettings(concierge_hold_hours=hours))
        await launch(world.app, world.practice_id, weekly())
        await world.run()
        await world.event("concierge.recovery.taken_over_by_night_team", {"contact_id": person})
        world.clock.advance(hours=hours, seconds=-1)
        async with world.app.uow(system(world.practice_id, "scheduler")) as u:
            assert await expire(u) == 0
        world.clock.advance(seconds=1)
        async with world.app.uow(system(world.practice_id, "scheduler")) as u:
            assert await expire(u) == 1
        assert await states(world, person) == [("live", None)]
        for wrong in (0, 24 * 30 + 1):
            with pytest.raises(ValueError, match="concierge_hold_hours"):
                PracticeSettings(concierge_hold_hours=wrong)

    async def test_a_no_closes_its_goal_only_each_goal_for_itself_and_a_later_yes_reopens_it(
        self, world: World, person: UUID
    ):
        for goal in ("booking", "revenue"):
            await world.event("concierge.contact.declined", {"contact_id": person, "goal": goal})
        assert [r.goal for r in await world.rows(LIVE, contact=person)] == ["booking", "revenue"]
        assert await tries(world, person, "education") == "CONCIERGE_DECLINED"
        world.clock.advance(minutes=1)
        await world.event("concierge.contact.accepted", {"contact_id": person, "goal": "booking"})
        assert await tries(world, person, "education") == "entered"
        assert [r.goal for r in await world.rows(LIVE, contact=person)] == ["revenue"]

    async def test_a_no_without_a_goal_is_to_what_their_journeys_want(self, world: World, person: UUID):
        await launch(world.app, world.practice_id, weekly("education"))
        await world.run()
        await world.event("concierge.contact.declined", {"contact_id": person})
        assert await states(world, person) == [("exited", "CONCIERGE_DECLINED")]
        assert await tries(world, person, "education") == "CONCIERGE_DECLINED"

    async def test_no_answer_holds_nothing_and_may_start_a_follow_up(self, world: World, person: UUID):
        entry = Entry(
            id="entry", how="event", event=EventMatch(type="concierge.contact.no_answer"), next="hello"
        )
        await launch(world.app, world.practice_id, weekly("education", entry=entry), kind="event")
        await world.event("concierge.contact.reached", {"contact_id": person})
        assert await states(world, person) == []
        await world.event("concierge.contact.no_answer", {"contact_id": person})
        assert await states(world, person) == [("live", None)]
        assert await world.rows(LIVE, contact=person) == []


@pytest.mark.covers("SUP-1", "EVT-1")
@pytest.mark.parametrize(
    ("type", "data"),
    [
        ("appointment.rescheduled", {"appointment_id": A, "patient_id": "?"}),
        ("appointment.cancelled", {"appointment_id": A, "patient_id": "?"}),
        ("appointment.no_show", {"appointment_id": A, "patient_id": "?"}),
        ("pipeline.lead.opened", {"lead_id": "?", "source_channel": "standard"}),
        ("pipeline.lead.nurture_eligible", {"lead_id": "?", "source_channel": "standard", "nurture_reason": "x", "eligible_campaign_types": ["skydiving"]}),
        ("proposal.stalled", {"proposal_id": A, "patient_id": "?"}),
    ],
)  # fmt: skip
async def test_what_suppresses_nothing_lets_journeys_go_on(world: World, person: UUID, type: str, data: dict):
    await launch(world.app, world.practice_id, weekly())
    await world.run()
    await world.event(type, {k: person if v == "?" else v for k, v in data.items()})
    assert world.intake.seen["handled"] == 1
    assert await states(world, person) == [("live", None)]


@pytest.mark.covers("SUP-9")
async def test_staff_stop_until_a_day_and_the_longer_of_two_holds_counts(world: World, person: UUID):
    await launch(world.app, world.practice_id, weekly())
    await world.run()
    friday = world.clock.now() + timedelta(days=4)

    async def stop(until) -> None:
        async with world.app.uow(staff(world.practice_id, "suppress")) as u:
            await stop_marketing(u, person, note="On holiday", until=until)

    with pytest.raises(Invalid):
        await stop(world.clock.now())
    await stop(friday)
    await stop(friday - timedelta(days=2))
    async with world.app.uow(staff(world.practice_id, "suppress")) as u:
        (hold,) = await live_suppressions(u, person)
    assert (hold.reason, hold.expires_at) == ("MANUAL_SUPPRESSION", friday)
    world.clock.advance(days=5)
    async with world.app.uow(system(world.practice_id, "scheduler")) as u:
        assert await expire(u) == 1
    assert await states(world, person) == [("live", None)]
    for until in (None, world.clock.now() + timedelta(days=1)):  # one without an end stays without
        await stop(until)
    world.clock.advance(days=30)
    async with world.app.uow(system(world.practice_id, "scheduler")) as u:
        assert await expire(u) == 0
    assert await states(world, person) == [("held", "MANUAL_SUPPRESSION")]
    async with world.app.uow(staff(world.practice_id, "suppress")) as u:
        assert await resume_marketing(u, person, note="Back again") == 1
    reasons = "SELECT lift_reason FROM cm.suppression WHERE practice_id = :practice ORDER BY applied_at"
    assert [r.lift_reason for r in await world.rows(reasons)] == ["HOLD_TIMEOUT", "Back again"]
