"""One person's story, told from the rows that decided (SUP-8)."""

import httpx
import pytest

from cm_app.api.factory import api
from services.access import service as access
from services.contracts.journey import Caps, EventMatch, Wait, WaitEvent, WaitFor
from services.contracts.segment import Audience
from services.engine.plans import plan_of, policy_for
from services.engine.ticks import TICKS, run_tick
from services.engine.timeline import TimelineItem, campaigns_of, enrolments_of, timeline
from services.engine.why_not import why_not_now
from services.gates.contracts import Policy
from services.gates.reasons import SENTENCES, Reason
from services.gates.service import why_not as gates_why_not
from services.kit.actor import system
from services.kit.errors import Invalid, NotFound
from services.kit.uow import Unit
from services.suppression.service import resume_marketing, stop_marketing
from tests.factories.campaign import EVERYONE, Launched, journey, launch, message
from tests.factories.journeys import person as staff
from tests.factories.practice import make_contact, make_practice
from tests.factories.world import World


async def policy_of(u: Unit, made: Launched) -> Policy:
    plan = await plan_of(u, made.version_id)
    return await policy_for(u, made.campaign_id, made.version_id, plan, plan.steps["again"])


@pytest.mark.covers("SUP-8")
async def test_what_entered_was_sent_and_ended_is_told_with_its_reason(world: World, database_url: str):
    person = make_contact(database_url, world.practice_id, world.clock.now(), kind="lead")
    wait = Wait(id="pause", until=WaitFor(minutes=1440), next="again")
    definition = journey(
        message("hello", "pause", title="Hello"), wait, message("again", "end"), caps=Caps(max_touches=9)
    )
    await launch(world.app, world.practice_id, definition)
    await world.run()
    await world.advance(minutes=5)
    await world.event("appointment.booked", {"appointment_id": person, "patient_id": person})
    async with world.app.uow(system(world.practice_id, "test")) as u:
        told = (await timeline(u, person)).items
        (enrolment,) = await enrolments_of(u, person)
    # Requested messages and the entry share one moment; what came later is on top.
    assert {t.sentence for t in told[:2]} == {
        "Booked an appointment",
        "Left the journey: They booked an appointment.",
    }
    assert {t.kind for t in told[2:]} == {"requested", "entered"}
    assert "Hello" in {t.step for t in told}
    assert (enrolment.state, enrolment.why, enrolment.next_at) == (
        "exited",
        "They booked an appointment.",
        None,
    )


def facts(item: TimelineItem) -> dict[str, str]:
    return dict(item.facts)


@pytest.mark.covers("SUP-8")
async def test_every_item_rests_on_facts_its_version_and_the_event_that_caused_it(
    world: World, database_url: str
):
    now = world.clock.now()
    person = make_contact(database_url, world.practice_id, now, kind="lead", consent=("email",))
    silent = make_contact(database_url, world.practice_id, now, kind="lead", consent=())
    waits = WaitEvent(
        id="wait", event=EventMatch(type="proposal.created"), timeout_minutes=60, on_event="again"
    )
    steps = (
        message("hello", "wait", title="Hello", channels=["email", "sms"]),
        waits,
        message("again", "end"),
    )
    await launch(world.app, world.practice_id, journey(*steps, caps=Caps(max_touches=9)))
    await world.run()
    world.clock.advance(minutes=5)
    await world.event("proposal.created", {"proposal_id": person, "patient_id": person})
    await world.run()
    world.clock.advance(minutes=5)
    at = world.clock.now().isoformat()
    recall = {"patient_id": person, "journey_id": "r1"}
    await world.event("recall.patient.enrolled", {**recall, "enrolled_at": at}, id="recall-1")
    world.clock.advance(minutes=5)
    await world.event("recall.patient.exited", {**recall, "ended_at": world.clock.now().isoformat()})
    async with world.app.uow(system(world.practice_id, "test")) as u:
        told = (await timeline(u, person)).items
        (refused,) = (await timeline(u, silent, groups=["refusals"])).items
        kinds = {item.kind for item in told}
        assert {"entered", "moved", "requested", "suppressed", "lifted", "event"} <= kinds
        by_kind = {item.kind: item for item in reversed(told)}
        assert "Agreed 2 May 2026, 11:00 by form." in facts(by_kind["requested"])["Consent to email"]
        assert facts(by_kind["requested"])["Version"] == "Version 1 of the campaign"
        moved = [facts(t).get("Because of", "") for t in told if t.kind == "moved"]
        assert any("Proposal created (Smart Treatment Proposals" in because for because in moved)
        because = "Started a recall journey (Recall & Reconnect, 1 Jun 2026, 11:10)"
        assert facts(by_kind["suppressed"])["Because of"] == because
        assert "recall-1" in dict(by_kind["suppressed"].details)["Event"]
        assert "Left a recall journey" in facts(by_kind["lifted"])["Because of"]
        assert facts(refused)["Email"] == SENTENCES[Reason.NO_CONSENT]
        assert facts(refused)["Text message"] == SENTENCES[Reason.NO_ADDRESS]
        assert facts(refused)["Then"] == "This message was passed over; the journey went on."
        assert dict(refused.details)["Reason"] == refused.reason
        # Pages of two put together are the whole, and nothing comes twice.
        seen, after = [], None
        while True:
            page = await timeline(u, person, after=after, limit=2)
            seen += [item.item_id for item in page.items]
            after = page.older
            if after is None:
                break
        assert seen == [item.item_id for item in told]
        ((campaign, _),) = await campaigns_of(u, person)
        only = await timeline(u, person, groups=["stops", "messages"], campaign_id=campaign)
        assert {item.kind for item in only.items} == {"requested"}
        with pytest.raises(Invalid):
            await timeline(u, person, after="yesterday")


@pytest.mark.covers("SUP-8")
async def test_a_hold_and_its_release_stay_in_the_story_with_who_did_it(world: World, database_url: str):
    person = make_contact(database_url, world.practice_id, world.clock.now())
    wait = Wait(id="pause", until=WaitFor(minutes=1440), next="again")
    await launch(
        world.app, world.practice_id, journey(message("hello", "pause"), wait, message("again", "end"))
    )
    await world.run()
    desk = staff(world.practice_id, "suppress")
    for act in (stop_marketing, resume_marketing):
        world.clock.advance(minutes=1)
        async with world.app.uow(desk) as u:
            await act(u, person, note="asked at the desk")
    async with world.app.uow(system(world.practice_id, "test")) as u:
        told = (await timeline(u, person, groups=["journeys", "stops"])).items
    assert {t.kind for t in told[:2]} == {"released", "lifted"}
    assert {t.kind for t in told[2:4]} == {"held", "suppressed"}
    stop = next(t for t in told if t.kind == "suppressed")
    assert (facts(stop)["Note"], facts(stop)["By"]) == ("asked at the desk", "A member of staff")
    assert facts(stop)["What it covers"] == "All marketing"


@pytest.mark.covers("SUP-8", "SUP-10")
async def test_why_not_now_asks_every_gate_of_every_running_campaign(world: World, database_url: str):
    now = world.clock.now()
    person = make_contact(database_url, world.practice_id, now, email="a@example.com")
    wait = Wait(id="pause", until=WaitFor(minutes=60), next="again")
    definition = journey(
        message("hello", "pause"), wait, message("again", "end", title="Again", channels=["email", "sms"]),
        caps=Caps(max_touches=1, per_days=7, min_gap_hours=48),
    )  # fmt: skip
    made = await launch(world.app, world.practice_id, definition)
    outside = Audience(kinds=["partner"], include=EVERYONE.include)
    other = await launch(world.app, world.practice_id, journey(message("x", "end"), audience=outside))
    async with world.app.uow(system(world.practice_id, "test")) as u:
        found = {w.campaign_id: w for w in await why_not_now(u, person)}
    assert found[made.campaign_id].would_send
    assert found[made.campaign_id].place == "They have not entered this journey."
    assert found[other.campaign_id].beside == ("They do not belong to the people this campaign is for.",)
    await world.run()
    await world.app.relay.run_once(world.practice_id)  # the Hub has it: it counts
    world.clock.advance(minutes=30)
    async with world.app.uow(staff(world.practice_id, "suppress")) as u:
        await stop_marketing(u, person, note="too many letters")
    async with world.app.uow(system(world.practice_id, "test")) as u:
        (why,) = await why_not_now(u, person, campaign_id=made.campaign_id)
        (first,) = await why_not_now(u, person, campaign_id=made.campaign_id, step_id="hello")
        _, channels = await gates_why_not(u, person, await policy_of(u, made))
        with pytest.raises(NotFound):
            await why_not_now(u, person, campaign_id=made.campaign_id, step_id="pause")
        with pytest.raises(NotFound):
            await why_not_now(u, made.campaign_id)
    # The second message is asked about: that is where they are.
    assert (why.step, why.channels, first.step_id) == ("Again", ("email",), "hello")
    assert {a.reason for a in why.refusals} == {
        Reason.MANUAL_SUPPRESSION, Reason.FREQUENCY_CAP, Reason.MINIMUM_GAP,
    }  # fmt: skip
    said = {a.reason: a.facts for a in why.answers if a.channel is None}
    assert said[Reason.MANUAL_SUPPRESSION] == "Since 1 Jun 2026, 11:30. “too many letters”"
    assert said[Reason.FREQUENCY_CAP] == "1 of at most 1 in the last 7 days."
    assert said[Reason.MINIMUM_GAP] == "The last one went 1 Jun 2026, 11:00. 48 hours have to pass."
    by_sms = {a.reason: a for a in why.answers if a.channel == "sms"}
    assert by_sms[Reason.NO_ADDRESS].facts == "No mobile number on file."
    assert by_sms[Reason.NO_CONSENT].facts == "Nothing is on record, which counts as no."
    # The same answers as the engine's own question.
    assert {c for c, verdict in channels.items() if verdict == "ok"} == set(why.channels)


@pytest.mark.covers("SUP-8")
async def test_what_is_no_gate_is_said_beside_them(world: World, database_url: str):
    person = make_contact(database_url, world.practice_id, world.clock.now())
    made = await launch(world.app, world.practice_id, journey(message("hello", "end")))
    await world.run()
    async with world.app.uow(system(world.practice_id, "test")) as u:
        await u.execute("UPDATE cm.campaign SET state = 'paused' WHERE practice_id = :p", p=world.practice_id)
        await u.execute(
            "UPDATE cm.practice SET kill_switch_at = :now WHERE practice_id = :p",
            now=u.now,
            p=world.practice_id,
        )
    world.clock.advance(hours=11, minutes=30)
    async with world.app.uow(system(world.practice_id, "test")) as u:
        (why,) = await why_not_now(u, person, campaign_id=made.campaign_id)
    assert set(why.beside) == {
        "All sending is stopped for the whole practice.",
        "The campaign is paused.",
        "They have been through this journey, and nobody goes through it twice.",
    }
    assert why.quiet == "It is 22:30 where they are: messages wait until 08:00."
    assert not why.would_send


@pytest.mark.covers("SUP-8", "GOV-4")
async def test_timeline_and_why_not_over_the_api_are_audited_and_guarded(world: World, database_url: str):
    person = make_contact(database_url, world.practice_id, world.clock.now())
    wait = Wait(id="pause", until=WaitFor(minutes=60), next="end")
    await launch(world.app, world.practice_id, journey(message("hello", "pause"), wait))
    await world.run()
    cast = {p.role: p for p in await access.ensure_demo_people(world.app, world.practice_id)}
    other = make_practice(database_url, world.clock.now(), name="Another")
    stranger = make_contact(database_url, other, world.clock.now())
    transport = httpx.ASGITransport(api(world.app))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:3000") as client:
        fiona = {"login": cast["front_desk"].login, "password": cast["front_desk"].password}
        assert (await client.post("/api/session", json=fiona)).status_code == 200
        path = f"/api/v1/people/{person}"
        page = (await client.get(path + "/timeline?limit=1&group=journeys")).json()
        assert (len(page["rows"]), page["rows"][0]["kind"]) == (1, "entered")
        assert page["next"] is None
        everything = (await client.get(path + "/timeline?limit=1")).json()
        rest = (await client.get(path + f"/timeline?cursor={everything['next']}")).json()
        assert everything["rows"][0]["item_id"] not in {item["item_id"] for item in rest["rows"]}
        (why,) = (await client.get(path + "/why-not")).json()["rows"]
        assert {"reason", "label", "refuses", "sentence", "facts", "channel"} <= set(why["answers"][0])
        assert (await client.get(path + "/timeline?cursor=x")).status_code == 400
        for gone in ("timeline", "why-not"):
            assert (await client.get(f"/api/v1/people/{stranger}/{gone}")).status_code == 404
    reads = (
        "SELECT count(*) FROM cm.audit WHERE practice_id = :practice AND tag = 'privacy.personal_data_read'"
    )
    assert await world.one(reads) == 4


@pytest.mark.covers("OPS-2", "GOV-4")
async def test_ticks_do_their_work_for_every_practice_and_again_without_harm(world: World, database_url: str):
    make_contact(database_url, world.practice_id, world.clock.now())
    await launch(world.app, world.practice_id, journey(message("hello", "end")))
    await world.run()
    by_name = {tick.name: tick for tick in TICKS}
    assert await run_tick(world.app, by_name["seal"]) > 0
    assert await run_tick(world.app, by_name["seal"]) == 0
    for tick in TICKS:
        await run_tick(world.app, tick)
    await run_tick(world.app, by_name["seal"])  # what the ticks after it wrote
    open_batches = "SELECT count(*) FROM cm.audit_batch WHERE practice_id = :practice AND seal_no IS NULL"
    assert await world.one(open_batches) == 0
