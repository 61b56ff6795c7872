"""What lets one person in: the event's properties, its delay, the audience, how often (EVT-3)."""

from typing import Any
from uuid import UUID

import pytest

from services.contracts.journey import Entry, EventCondition, EventMatch, Reentry
from services.contracts.segment import Audience, Condition
from services.engine.signals import matches
from services.kit.ids import new_id
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact, run
from tests.factories.world import World

SENT = "SELECT step_id FROM cm.dispatch WHERE practice_id = :practice AND contact_id = :contact"
ENTRIES = "SELECT state, exit_reason, step_id FROM cm.whereabouts WHERE practice_id = :practice AND contact_id = :contact"
PATIENTS = Audience(kinds=["patient"], include=[Condition(field="contact.kind", op="is", value="patient")])


def started(*where: EventCondition, audience: Audience = PATIENTS, **more):
    entry = Entry(
        id="entry", how="event", event=EventMatch(type="proposal.stalled", where=list(where)), next="hello", **more
    )  # fmt: skip
    return journey(message("hello", "end"), entry=entry, audience=audience)


async def stall(world: World, person: UUID, **more: Any) -> None:
    await world.event("proposal.stalled", {"patient_id": person, "proposal_id": new_id()}, **more)
    await world.run()


@pytest.mark.covers("EVT-3")
@pytest.mark.parametrize(
    ("op", "value", "met", "not_met"),
    [
        ("is", "email", ["email", "Email"], ["sms", None, ["email"]]),
        ("is", 3, [3, 3.0, "3"], [4, None, True]),
        ("is_not", "email", ["sms", None], ["email"]),
        ("contains", "plant", ["implant", "IMPLANT", ["plant"]], ["crown", None, ["implant"]]),
        ("not_contains", "plant", ["crown", None], ["implant"]),
        ("gt", 200, [200.5, "1000"], [200, "20", None, "many", {"x": 1}, [300]]),
        ("gte", 200, [200, "200.00"], [199.99]),
        ("lt", 200, [-1, "9"], [200, None]),
        ("lte", 200, [200], [201, {}]),
        ("gt", "2026-06-01T10:00:00+01:00", ["2026-06-01T09:30:00Z"], ["2026-06-01T08:30:00Z", "soon"]),
        ("in", ["a", "b"], ["a", "B"], ["c", None]),
        ("not_in", ["a", "b"], ["c", None], ["a"]),
    ],
)
def test_property_conditions(op: Any, value: Any, met: list[Any], not_met: list[Any]):
    match = EventMatch(
        type="x.y", where=[EventCondition(property="details.about", op=op, value=value)]
    )  # fmt: skip
    assert [v for v in met if not matches(match, "x.y", {"details": {"about": v}})] == []
    assert [v for v in not_met if matches(match, "x.y", {"details": {"about": v}})] == []
    assert not matches(match, "x.z", {"details": {"about": met[0]}})


@pytest.mark.covers("EVT-3")
def test_all_conditions_must_hold():
    match = EventMatch(
        type="x.y",
        where=[
            EventCondition(property="value", op="gte", value=100),
            EventCondition(property="channel", op="in", value=["web", "phone"]),
        ],
    )
    assert matches(match, "x.y", {"value": "100.00", "channel": "web"})
    assert not matches(match, "x.y", {"value": 99, "channel": "web"})
    assert not matches(match, "x.y", {"value": 100})


@pytest.mark.covers("EVT-3")
async def test_the_audience_is_asked_at_the_event_and_again_after_the_delay(world: World, database_url: str):
    now = world.clock.now()
    stays, leaves, late = (make_contact(database_url, world.practice_id, now) for _ in range(3))
    never = make_contact(database_url, world.practice_id, now, kind="lead")
    await launch(world.app, world.practice_id, started(delay_minutes=3 * 24 * 60), kind="event")
    for person in (stays, leaves, never):
        await stall(world, person)
    assert await world.rows(ENTRIES, contact=never) == []  # in nobody's audience when it happened
    assert [tuple(r) for r in await world.rows(ENTRIES, contact=stays)] == [("live", None, "entry")]
    change = "UPDATE canonical.contact SET kind = :kind WHERE contact_id = :contact"
    run(database_url, change, {"kind": "partner", "contact": leaves})
    run(database_url, change, {"kind": "patient", "contact": never})  # too late: the event is over
    await world.advance(days=2, hours=23)
    assert await world.rows(SENT, contact=stays) == []
    await stall(world, late)
    await world.advance(hours=1, minutes=1)
    assert len(await world.rows(SENT, contact=stays)) == 1
    assert await world.rows(SENT, contact=leaves) == []
    assert [tuple(r)[:2] for r in await world.rows(ENTRIES, contact=leaves)] == [
        ("exited", "NOT_IN_AUDIENCE")
    ]
    assert await world.rows(SENT, contact=never) == []
    assert await world.rows(SENT, contact=late) == []  # three days of their own
    left = await world.one("SELECT count(*) FROM cm.work WHERE practice_id = :practice")
    assert left == 1


@pytest.mark.covers("EVT-3", "EVT-4")
async def test_how_often_one_person_comes_in_and_which_events_are_too_late(world: World, database_url: str):
    person, other = (make_contact(database_url, world.practice_id, world.clock.now()) for _ in range(2))
    await launch(
        world.app,
        world.practice_id,
        started(limit_hours=48, reentry=Reentry(rule="concurrent")),
        kind="event",
    )

    async def entries(who: UUID) -> int:
        return len(await world.rows(ENTRIES, contact=who))

    await stall(world, person)
    await world.advance(hours=47)
    await stall(world, person)
    assert await entries(person) == 1
    await stall(world, other)  # each person has their own limit
    assert await entries(other) == 1
    await world.advance(hours=2)
    await stall(world, person)
    assert await entries(person) == 2
    await world.advance(days=60)
    await stall(world, person, time=world.clock.now().replace(day=1, month=6))
    assert await entries(person) == 2


@pytest.mark.covers("EVT-3")
async def test_what_people_do_with_a_message_starts_another_campaign(world: World, database_url: str):
    person = make_contact(database_url, world.practice_id, world.clock.now())
    first = await launch(world.app, world.practice_id, journey(message("hello", "end")))
    entry = Entry(id="entry", how="event", event=EventMatch(type="hub.message.clicked"), next="thanks")
    await launch(world.app, world.practice_id, journey(message("thanks", "end"), entry=entry), kind="event")
    await world.run()
    dispatch = await world.one("SELECT dispatch_id FROM cm.dispatch WHERE practice_id = :practice")
    clicked = {
        "dispatch_id": dispatch, "campaign_id": first.campaign_id, "contact_id": person, "channel": "email",
    }  # fmt: skip
    await world.event("hub.message.clicked", clicked)
    await world.event("hub.message.clicked", clicked)
    entered = await world.rows(ENTRIES, contact=person)
    assert len(entered) == 2
