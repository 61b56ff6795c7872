"""Journeys through the production statements on a virtual clock."""

import pytest

from services.contracts.journey import (
    Arm,
    Branch,
    Caps,
    Entry,
    EventMatch,
    GoalStep,
    Path,
    SendWindow,
    Split,
    Wait,
    WaitEvent,
    WaitFor,
)
from services.contracts.segment import Condition
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact
from tests.factories.world import World

DAY = WaitFor(minutes=60 * 24)
SENT = "SELECT step_id FROM cm.dispatch WHERE practice_id = :practice AND contact_id = :contact ORDER BY requested_at"
ENROLMENT = "SELECT state, exit_reason, step_id FROM cm.whereabouts WHERE practice_id = :practice AND contact_id = :contact"


def two_messages(**more):
    return journey(
        message("hello", "pause"), Wait(id="pause", until=DAY, next="again"), message("again", "end"), **more
    )


@pytest.mark.covers("ENG-1", "ENG-2", "AUD-3", "HUB-1")
class TestRun:
    async def test_everyone_walks_to_the_end_and_each_step_is_requested_once(
        self, world: World, database_url: str
    ):
        people = [make_contact(database_url, world.practice_id, world.clock.now()) for _ in range(3)]
        made = await launch(world.app, world.practice_id, two_messages(caps=Caps(max_touches=99)))
        first = await world.run()
        assert (first.enrolled, first.requested) == (3, 3)
        await world.run()
        assert (
            await world.one(
                "SELECT count(*) FROM cm.outbox WHERE practice_id = :practice AND type = 'campaign.step.requested'"
            )
            == 3
        )
        await world.advance(days=1, minutes=1)
        for person in people:
            assert [r.step_id for r in await world.rows(SENT, contact=person)] == ["hello", "again"]
            assert [tuple(r) for r in await world.rows(ENROLMENT, contact=person)] == [
                ("completed", "END_OF_JOURNEY", "end")
            ]
        assert await world.one("SELECT state FROM cm.campaign WHERE practice_id = :practice") == "completed"
        outcome = await world.one(
            "SELECT outcome FROM cm.execution WHERE execution_id = :id AND practice_id = :practice",
            id=made.execution_id,
        )
        assert outcome == "delivered"

    async def test_without_consent_each_message_is_refused_and_says_so(self, world: World, database_url: str):
        person = make_contact(database_url, world.practice_id, world.clock.now(), consent=())
        await launch(world.app, world.practice_id, two_messages())
        await world.run()
        await world.advance(days=2)
        refusals = await world.rows(
            "SELECT step_id, reason FROM cm.refusal WHERE practice_id = :practice ORDER BY at"
        )
        assert [tuple(r) for r in refusals] == [("hello", "NO_CONSENT"), ("again", "NO_CONSENT")]
        assert await world.rows(SENT, contact=person) == []

    async def test_a_paused_campaign_waits_and_goes_on(self, world: World, database_url: str):
        person = make_contact(database_url, world.practice_id, world.clock.now())
        await launch(world.app, world.practice_id, two_messages())
        await world.run()
        await world.rows("UPDATE cm.campaign SET state = 'paused' WHERE practice_id = :practice RETURNING 1")
        await world.advance(days=3)
        assert len(await world.rows(SENT, contact=person)) == 1
        await world.rows("UPDATE cm.campaign SET state = 'active' WHERE practice_id = :practice RETURNING 1")
        await world.run()
        assert len(await world.rows(SENT, contact=person)) == 2

    @pytest.mark.covers("LIF-7")
    async def test_the_kill_switch_stops_everything(self, world: World, database_url: str):
        make_contact(database_url, world.practice_id, world.clock.now())
        await launch(world.app, world.practice_id, two_messages())
        await world.rows(
            "UPDATE cm.practice SET kill_switch_at = :now WHERE practice_id = :practice RETURNING 1",
            now=world.clock.now(),
        )
        assert not await world.run()

    @pytest.mark.covers("SUP-7")
    async def test_caps_refuse_with_their_reason(self, world: World, database_url: str):
        make_contact(database_url, world.practice_id, world.clock.now())
        await launch(world.app, world.practice_id, two_messages(caps=Caps(max_touches=1, per_days=7)))
        await world.run()
        await world.advance(days=2)
        assert (
            await world.one("SELECT reason FROM cm.refusal WHERE practice_id = :practice") == "FREQUENCY_CAP"
        )


@pytest.mark.covers("BLD-2")
class TestSteps:
    async def test_branch_takes_the_first_path_that_holds(self, world: World, database_url: str):
        now = world.clock.now()
        lead = make_contact(database_url, world.practice_id, now, kind="lead")
        patient = make_contact(database_url, world.practice_id, now, kind="patient")
        fork = Branch(
            id="fork",
            paths=[Path(when=Condition(field="contact.kind", op="is", value="lead"), next="for_leads")],
            otherwise="for_rest",
        )
        await launch(
            world.app,
            world.practice_id,
            journey(fork, message("for_leads", "end"), message("for_rest", "end")),
        )
        await world.run()
        assert [r.step_id for r in await world.rows(SENT, contact=lead)] == ["for_leads"]
        assert [r.step_id for r in await world.rows(SENT, contact=patient)] == ["for_rest"]

    async def test_split_is_sticky_and_near_its_shares(self, world: World, database_url: str):
        for _ in range(60):
            make_contact(database_url, world.practice_id, world.clock.now())
        split = Split(id="split", arms=[Arm(percent=50, next="a"), Arm(percent=50, control=True, next="end")])
        await launch(world.app, world.practice_id, journey(split, message("a", "end")))
        done = await world.run()
        assert 15 <= done.requested <= 45

    async def test_wait_for_event_goes_both_ways(self, world: World, database_url: str):
        now = world.clock.now()
        came = make_contact(database_url, world.practice_id, now)
        silent = make_contact(database_url, world.practice_id, now)
        wait = WaitEvent(
            id="wait",
            event=EventMatch(type="loyalty.milestone.reached"),
            timeout_minutes=60,
            on_event="yes",
            on_timeout="no",
        )
        await launch(world.app, world.practice_id, journey(wait, message("yes", "end"), message("no", "end")))
        await world.run()
        await world.event("loyalty.milestone.reached", {"patient_id": came})
        await world.run()
        await world.advance(hours=2)
        assert [r.step_id for r in await world.rows(SENT, contact=came)] == ["yes"]
        assert [r.step_id for r in await world.rows(SENT, contact=silent)] == ["no"]

    async def test_goal_step_ends_with_the_goal(self, world: World, database_url: str):
        person = make_contact(database_url, world.practice_id, world.clock.now())
        await launch(world.app, world.practice_id, journey(message("hello", "won"), GoalStep(id="won")))
        await world.run()
        assert [r.exit_reason for r in await world.rows(ENROLMENT, contact=person)] == ["GOAL_REACHED"]

    @pytest.mark.covers("ENG-4")
    async def test_a_window_is_the_recipients_local_time(self, world: World, database_url: str):
        person = make_contact(database_url, world.practice_id, world.clock.now(), timezone="Pacific/Auckland")
        window = SendWindow()
        await launch(world.app, world.practice_id, journey(message("hello", "end", window=window)))
        await world.run()  # 22:00 on Monday in Auckland
        assert await world.rows(SENT, contact=person) == []
        await world.advance(hours=11, minutes=1)  # 09:01 on Tuesday there
        assert len(await world.rows(SENT, contact=person)) == 1

    @pytest.mark.covers("EVT-3", "LIF-3")
    async def test_an_event_lets_one_person_in(self, world: World, database_url: str):
        person = make_contact(database_url, world.practice_id, world.clock.now())
        make_contact(database_url, world.practice_id, world.clock.now())
        entry = Entry(id="entry", how="event", event=EventMatch(type="proposal.stalled"), next="hello")
        await launch(
            world.app, world.practice_id, journey(message("hello", "end"), entry=entry), kind="event"
        )
        data = {"patient_id": person, "proposal_id": "0192b5a4-0000-7000-8000-000000000001"}
        await world.event("proposal.stalled", data, id="one")
        await world.event("proposal.stalled", data, id="one")  # delivered twice by the bus
        done = await world.run()
        assert done.requested == 1
        assert len(await world.rows(SENT, contact=person)) == 1


@pytest.mark.covers("AUD-5", "LIF-3")
async def test_a_dynamic_audience_is_sealed_when_it_brings_somebody_not_every_minute(
    world: World, database_url: str
):
    make_contact(database_url, world.practice_id, world.clock.now())
    make_contact(
        database_url, world.practice_id, world.clock.now(), do_not_contact=True
    )  # met again each time
    entry = Entry(id="entry", how="dynamic", next="hello")
    await launch(world.app, world.practice_id, journey(message("hello", "end"), entry=entry), kind="dynamic")
    snapshots = "SELECT count(*) FROM cm.audience_snapshot WHERE practice_id = :practice"
    size = "SELECT audience_size FROM cm.execution WHERE practice_id = :practice"
    await world.run()
    assert (await world.one(snapshots), await world.one(size)) == (1, 2)
    for _ in range(3):
        await world.advance(minutes=2)
    assert (await world.one(snapshots), await world.one(size)) == (1, 2)
    make_contact(database_url, world.practice_id, world.clock.now())
    await world.advance(minutes=2)
    assert await world.one(snapshots) == 2
