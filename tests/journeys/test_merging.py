"""Two records of one person become one: nothing forbidden becomes allowed, nothing is said twice."""

from uuid import UUID

import pytest

from services.contracts.journey import Caps, Wait, WaitFor
from services.contracts.segment import Audience, Condition
from services.invariants.service import check
from services.kit.actor import system
from services.suppression.merging import HISTORY
from services.suppression.service import stop_marketing
from tests.factories.campaign import journey, launch, message
from tests.factories.journeys import person as staff
from tests.factories.practice import make_contact, run
from tests.factories.world import World

pytestmark = pytest.mark.covers("SUP-1", "EVT-1")
STATES = """SELECT e.campaign_id, e.contact_id, e.state, e.exit_reason, e.entry_no FROM cm.enrolment e
WHERE e.practice_id = :practice ORDER BY e.enrolled_at, e.entry_no"""
LIVE = "SELECT reason, scope, channel FROM cm.suppression WHERE practice_id = :practice AND contact_id = :contact AND lifted_at IS NULL"
SENT = "SELECT contact_id, status FROM cm.dispatch WHERE practice_id = :practice ORDER BY requested_at, contact_id"
LEADS = Audience(kinds=["lead"], include=[Condition(field="contact.kind", op="in", value=["lead"])])
RECORD = "0192b5a4-0000-7000-8000-00000000000a"


def weekly(kind: str = "nurture", **more):
    pause = Wait(id="pause", until=WaitFor(minutes=60 * 24 * 7), next="again")
    return journey(
        message("hello", "pause"), pause, message("again", "end"),
        **{"campaign_type": kind, "caps": Caps(max_touches=99), **more},
    )  # fmt: skip


@pytest.fixture
async def pair(world: World, database_url: str) -> tuple[UUID, UUID]:
    """(the record that will live on, its double)."""
    now = world.clock.now()
    return (
        make_contact(database_url, world.practice_id, now, kind="patient"),
        make_contact(database_url, world.practice_id, now, kind="lead"),
    )


async def merge(world: World, database_url: str, survivor: UUID, merged: UUID) -> None:
    run(
        database_url, "UPDATE canonical.contact SET merged_into = :into WHERE contact_id = :who",
        {"into": survivor, "who": merged},
    )  # fmt: skip
    await world.event("contact.merged", {"contact_id": survivor, "merged_id": merged})


async def balanced(world: World) -> None:
    async with world.app.uow(system(world.practice_id, "test")) as u:
        assert [f.name for f in await check(u) if f.rows] == []


async def test_journeys_go_on_with_the_survivor_but_never_twice(
    world: World, database_url: str, pair: tuple[UUID, UUID]
):
    survivor, double = pair
    both = await launch(world.app, world.practice_id, weekly())
    only = await launch(world.app, world.practice_id, weekly("education", audience=LEADS))
    await world.run()
    assert len(await world.rows(SENT)) == 2  # the minimum gap refused the double's second
    await merge(world, database_url, survivor, double)
    states = {
        (r.campaign_id, r.contact_id, r.state, r.exit_reason, r.entry_no) for r in await world.rows(STATES)
    }
    assert states == {
        (both.campaign_id, survivor, "live", None, 1),
        (both.campaign_id, survivor, "exited", "CONTACT_MERGED", 2),
        (only.campaign_id, survivor, "live", None, 1),
    }
    sent = await world.rows(SENT)
    assert {r.contact_id for r in sent} == {survivor}, "the survivor keeps the history of both"
    assert sorted(r.status for r in sent) == ["cancelled", "requested"]
    await world.advance(days=8)
    again = await world.rows(SENT)
    assert [r.contact_id for r in again[2:]] == [survivor], "one message, though two journeys are due"
    await world.event("contact.merged", {"contact_id": survivor, "merged_id": double})  # said twice
    await world.event("contact.merged", {"contact_id": double, "merged_id": survivor})  # and backwards
    assert len(await world.rows(STATES)) == 3
    await balanced(world)


@pytest.mark.covers("SUP-6", "SUP-9", "SUP-2", "SUP-5")
async def test_every_suppression_of_either_record_holds_for_the_survivor(
    world: World, database_url: str, pair: tuple[UUID, UUID]
):
    survivor, double = pair
    await launch(world.app, world.practice_id, weekly("education"))
    await world.run()
    (mine,) = await world.rows(
        "SELECT dispatch_id, campaign_id FROM cm.dispatch WHERE practice_id = :practice AND contact_id = :c",
        c=double,
    )
    stop = {
        "dispatch_id": mine.dispatch_id,
        "campaign_id": mine.campaign_id,
        "contact_id": double,
        "channel": "email",
    }
    await world.event("hub.message.stop", stop)
    await world.event(
        "pipeline.lead.opened", {"lead_id": double, "opportunity_id": RECORD, "source_channel": "Trauma"}
    )
    at = world.clock.now().isoformat()
    await world.event("recall.patient.enrolled", {"patient_id": double, "journey_id": "r", "enrolled_at": at})
    async with world.app.uow(staff(world.practice_id, "suppress")) as u:
        await stop_marketing(u, double, note="Asked at the desk")
    await merge(world, database_url, survivor, double)
    assert {(r.reason, r.scope, r.channel) for r in await world.rows(LIVE, contact=survivor)} == {
        ("STOP", "channel", "email"), ("EMERGENCY_STACK_EXCLUSION", "types", None),
        ("RECALL_RECONNECT_ENROLMENT", "types", None), ("MANUAL_SUPPRESSION", "all", None),
    }  # fmt: skip
    assert {(r.state, r.exit_reason) for r in await world.rows(STATES)} == {
        ("held", None), ("exited", "CONTACT_MERGED"),
    }  # fmt: skip
    await launch(world.app, world.practice_id, weekly("drip"))
    await world.advance(days=8)
    assert {r.status for r in await world.rows(SENT)} == {"cancelled"}
    # Later events name the record that is gone, and still mean the person.
    lost = {"lead_id": double, "opportunity_id": RECORD, "source_channel": "trauma", "lost_reason": "x"}
    await world.event(
        "pipeline.opportunity.lost", lost | {"lost_at_timestamp": world.clock.now().isoformat()}
    )
    assert "EMERGENCY_STACK_EXCLUSION" not in {r.reason for r in await world.rows(LIVE, contact=survivor)}
    await world.event("consent.revoked", {"contact_id": double, "channel": "all"})
    assert "CONSENT_REVOKED" in {r.reason for r in await world.rows(LIVE, contact=survivor)}
    await balanced(world)


@pytest.mark.covers("SUP-7", "ENG-7")
async def test_caps_and_reentry_count_for_the_person_and_not_for_the_record(
    world: World, database_url: str, pair: tuple[UUID, UUID]
):
    survivor, double = pair
    run(database_url, "DELETE FROM canonical.consent WHERE contact_id = :c", {"c": survivor})
    first = await launch(world.app, world.practice_id, journey(message("only", "end")))
    await world.run()
    await world.rows(  # the Hub has sent it: it is out, and counts
        "UPDATE cm.dispatch SET status = 'delivered' WHERE practice_id = :practice RETURNING 1"
    )
    await merge(world, database_url, survivor, double)
    await world.event("consent.granted", {"contact_id": survivor, "channel": "email"})
    run(
        database_url,
        "INSERT INTO canonical.consent (practice_id, contact_id, channel, purpose, state, effective_at)"
        " VALUES (:p, :c, 'email', 'marketing', 'granted', :now)",
        {"p": world.practice_id, "c": survivor, "now": world.clock.now()},
    )
    await launch(world.app, world.practice_id, journey(message("more", "end"), caps=Caps(max_touches=1)))
    await world.run()
    why = await world.rows("SELECT reason FROM cm.refusal WHERE practice_id = :practice AND contact_id = :c ORDER BY at", c=survivor)  # fmt: skip
    assert [r.reason for r in why][-1] == "FREQUENCY_CAP"
    entries = await world.one(
        "SELECT count(*) FROM cm.enrolment WHERE practice_id = :practice AND contact_id = :c AND campaign_id = :k",
        c=survivor, k=first.campaign_id,
    )  # fmt: skip
    assert entries == 2
    await balanced(world)


async def test_what_the_hub_says_later_about_the_merged_record_counts_for_the_survivor(
    world: World, database_url: str, pair: tuple[UUID, UUID]
):
    survivor, double = pair
    await launch(world.app, world.practice_id, weekly("education"))
    await world.run()
    (sent,) = await world.rows(
        "SELECT dispatch_id, campaign_id FROM cm.dispatch WHERE practice_id = :practice AND contact_id = :c",
        c=double,
    )
    await merge(world, database_url, survivor, double)
    data = {"dispatch_id": sent.dispatch_id, "campaign_id": sent.campaign_id, "contact_id": double}
    await world.event("hub.message.stop", data)  # no channel named: everything closes
    assert ("STOP", "all", None) in {tuple(r) for r in await world.rows(LIVE, contact=survivor)}
    await launch(world.app, world.practice_id, weekly("promotion"))
    await world.advance(days=8)
    assert {r.status for r in await world.rows(SENT)} <= {"cancelled"}


async def test_every_table_about_people_is_either_moved_or_answered_for(world: World):
    """A new table with contacts in it must decide what a merge does to it."""
    answered = {
        "subject": "points to the survivor", "work": "follows the enrolment", "followup": "moved before anything is taken back",
        "webhook_delivery": "a copy of what was said, under the name it was said with", "suppression": "inherited, with audit and announcement",
        "enrolment": "moved with its entries counted anew", "outbox": "taken back or already said",
        "care_plan_standing": "compared again for both", "blocked_destination": "about an address",
    }  # fmt: skip
    rows = await world.rows(
        "SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'contact_id'"
        " WHERE n.nspname = 'cm' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND :practice IS NOT NULL"
    )
    assert {r.name for r in rows} == answered.keys() | set(HISTORY)
