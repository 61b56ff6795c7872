"""Two campaigns want the same loyal patient: settled by rule, the loser on record (000 §4.4, D15)."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.contracts.journey import Caps, Entry, EventMatch, Wait, WaitFor
from tests.factories.campaign import Launched, journey, launch, message
from tests.factories.practice import make_contact
from tests.factories.world import World

pytestmark = pytest.mark.covers("SUP-4")
HANDOFF = "loyalty.handoff.campaign_eligible"
STATES = """SELECT e.campaign_id, e.state, e.exit_reason FROM cm.enrolment e
WHERE practice_id = :practice AND contact_id = :contact"""
RULES = """SELECT a.campaign_id, a.reason, a.detail::jsonb->>'rule' AS rule FROM cm.audit a
WHERE practice_id = :practice AND tag = 'loyalty.handoff_collision'"""
IGNORED = "SELECT reason FROM cm.audit WHERE practice_id = :practice AND tag = 'loyalty.handoff_ignored'"
REFUSED = "SELECT reason FROM cm.refusal WHERE practice_id = :practice"


def offer(kind: str = "loyalty", **more):
    pause = Wait(id="pause", until=WaitFor(minutes=60 * 24 * 10), next="hello")
    entry = Entry(id="entry", how="event", event=EventMatch(type=HANDOFF), next="pause")
    return journey(pause, message("hello", "end"), entry=entry, campaign_type=kind, **more)


def running(**more):
    """A campaign that everyone is in already; its first message comes in two days."""
    pause = Wait(id="pause", until=WaitFor(minutes=60 * 24 * 2), next="hello")
    return journey(pause, message("hello", "end"), campaign_type="promotion", **more)


@pytest.fixture
async def patient(world: World, database_url: str) -> UUID:
    return make_contact(database_url, world.practice_id, world.clock.now())


async def hand_over(
    world: World, patient: UUID, *, kind: str = "loyalty", priority: int = 5, hours: int = 24
):
    expires = (world.clock.now() + timedelta(hours=hours)).isoformat()
    data = {"handoff_id": "h", "patient_id": patient, "campaign_type": kind, "priority": priority}
    await world.event(HANDOFF, {**data, "expires_at": expires})


async def states(world: World, patient: UUID) -> dict[UUID, tuple[str, str | None]]:
    return {r.campaign_id: (r.state, r.exit_reason) for r in await world.rows(STATES, contact=patient)}


async def rivals(world: World, **more) -> tuple[Launched, Launched]:
    """(the running campaign, the one that waits for handoffs)."""
    rival = await launch(world.app, world.practice_id, running())
    await world.run()
    return rival, await launch(world.app, world.practice_id, offer(**more), kind="event")


async def test_without_a_rival_the_handoff_enrols(world: World, patient: UUID):
    wanted = await launch(world.app, world.practice_id, offer(), kind="event")
    await launch(world.app, world.practice_id, offer("birthday"), kind="event")
    await hand_over(world, patient)
    assert await states(world, patient) == {wanted.campaign_id: ("live", None)}
    assert await world.rows(RULES) == []


async def test_the_higher_priority_wins_and_the_rival_ends(world: World, patient: UUID):
    rival, wanted = await rivals(world)
    await hand_over(world, patient, priority=1)
    assert await states(world, patient) == {
        rival.campaign_id: ("exited", "LOYALTY_HANDOFF_COLLISION"),
        wanted.campaign_id: ("live", None),
    }
    (row,) = await world.rows(RULES)
    assert tuple(row) == (rival.campaign_id, "LOYALTY_HANDOFF_COLLISION", "priority")


@pytest.mark.parametrize(("priority", "rule"), [(0, "first_come"), (-1, "priority")])
async def test_whoever_came_first_stays_at_the_same_priority(
    world: World, patient: UUID, priority: int, rule: str
):
    rival, wanted = await rivals(world)
    await hand_over(world, patient, priority=priority)
    assert await states(world, patient) == {rival.campaign_id: ("live", None)}
    (row,) = await world.rows(RULES)
    assert tuple(row) == (wanted.campaign_id, "LOYALTY_HANDOFF_COLLISION", rule)
    assert [r.reason for r in await world.rows(REFUSED)] == ["LOYALTY_HANDOFF_COLLISION"]


async def test_caps_come_before_priority(world: World, patient: UUID):
    wait = Wait(id="pause", until=WaitFor(minutes=60 * 24 * 10), next="end")
    rival = await launch(
        world.app, world.practice_id, journey(message("hello", "pause"), wait, campaign_type="promotion")
    )
    await world.run()
    await launch(
        world.app, world.practice_id, offer(caps=Caps(max_touches=1)), kind="event"
    )  # fmt: skip
    await hand_over(world, patient, priority=99)
    assert await states(world, patient) == {rival.campaign_id: ("live", None)}
    assert [r.rule for r in await world.rows(RULES)] == ["fatigue_and_caps"]


async def test_a_second_handoff_meets_the_first_with_its_priority(world: World, patient: UUID):
    first = await launch(world.app, world.practice_id, offer(), kind="event")
    second = await launch(world.app, world.practice_id, offer("birthday"), kind="event")
    await hand_over(world, patient, priority=5)
    await hand_over(world, patient, kind="birthday", priority=4)
    assert set(await states(world, patient)) == {first.campaign_id}
    await hand_over(world, patient, kind="birthday", priority=6)
    assert (await states(world, patient))[second.campaign_id] == ("live", None)
    assert [r.rule for r in await world.rows(RULES + " ORDER BY at, seq")] == ["priority", "priority"]


async def test_a_handoff_never_overrides_suppression(world: World, patient: UUID):
    rival, _ = await rivals(world)
    await world.event("consent.revoked", {"contact_id": patient, "channel": "all"})
    await hand_over(world, patient, priority=99)
    assert await states(world, patient) == {rival.campaign_id: ("exited", "CONSENT_REVOKED")}
    assert [r.reason for r in await world.rows(REFUSED)] == ["CONSENT_REVOKED"]


async def test_who_may_not_enter_displaces_nobody(world: World, patient: UUID):
    rival, _ = await rivals(world)
    await world.event("concierge.contact.declined", {"contact_id": patient, "goal": "revenue"})
    await launch(world.app, world.practice_id, offer("win_back", goal={"objective": "revenue"}), kind="event")
    await hand_over(world, patient, kind="win_back", priority=99)
    assert await states(world, patient) == {rival.campaign_id: ("live", None)}


@pytest.mark.parametrize(
    ("kind", "hours", "why"),
    [
        ("loyalty", 0, "HANDOFF_EXPIRED"),
        ("skydiving", 24, "TYPE_NOT_REGISTERED"),
        ("birthday", 24, "NO_CAMPAIGN_LISTENS"),
    ],
)
async def test_what_cannot_be_used_is_ignored_and_said_so(
    world: World, patient: UUID, kind: str, hours: int, why: str
):
    await launch(world.app, world.practice_id, offer(), kind="event")
    await hand_over(world, patient, kind=kind, hours=hours)
    assert await states(world, patient) == {}
    assert [r.reason for r in await world.rows(IGNORED)] == [why]
    assert world.intake.seen["ignored"] == 1
