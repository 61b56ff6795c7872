"""Events taken in together end as they do one by one (EVT-1, SUP-1; house rule 6).

Two practices live through the same weeks: the same people, journeys and events in the same order.
One takes in every event alone, the other in waves of any size. Nothing may tell them apart.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.contracts.envelope import Envelope, envelope
from services.contracts.events import source_of
from services.contracts.journey import (
    Caps,
    ChannelContent,
    Entry,
    EventMatch,
    Goal,
    Reentry,
    Wait,
    WaitEvent,
    WaitFor,
)
from services.followups.contracts import NewFollowup
from services.followups.service import plan
from services.intake.contracts import Understood
from services.intake.rules import read
from services.intake.service import by_itself, handle, handle_wave
from services.invariants.service import check
from services.kit.actor import Actor, system
from services.kit.bus import Received
from services.kit.chance import Chance, seeded
from services.suppression.service import tell_care_plans
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact, make_practice
from tests.factories.world import World

PEOPLE, EVENTS, WEEKS = 7, 60, 3
OPEN = Caps(max_touches=99, min_gap_hours=None, exclusive=False)
EMERGENCY = {"source_channel": "emergency"}
HUB = (
    "accepted",
    "sent",
    "delivered",
    "opened",
    "clicked",
    "replied",
    "bounced",
    "complained",
    "unsubscribed",
    "stop",
)

ENROLMENTS = """
SELECT contact_id, campaign_id, entry_no, state, coalesce(exit_reason, held_reason) AS why, step_id, move_no
FROM cm.whereabouts WHERE practice_id = :practice
"""
SUPPRESSIONS = """
SELECT contact_id, reason, scope, channel, topic, campaign_types, goal, record_ref, event_id, event_at, expires_at,
  lifted_at, lift_reason FROM cm.suppression WHERE practice_id = :practice
"""
AUDIT = """
SELECT s.contact_id, a.campaign_id, a.tag, a.actor, a.reason, a.at FROM cm.audit a
LEFT JOIN cm.subject s ON s.practice_id = a.practice_id AND s.pseudonym = a.pseudonym WHERE a.practice_id = :practice
"""
DISPATCHES = """
SELECT contact_id, campaign_id, move_no, status, failure, opened_at, clicked_at FROM cm.dispatch WHERE practice_id = :practice
"""
OUTBOX = """
SELECT contact_id, type, occurred_at FROM cm.outbox WHERE practice_id = :practice
  AND type ~ '^campaign.(step|suppression|followup)' ORDER BY outbox_id
"""
METRICS = "SELECT campaign_id, step_id, name, day, value FROM cm.metric WHERE practice_id = :practice"
INBOUND = "SELECT contact_id, event_id, type, outcome, occurred_at FROM cm.inbound_event WHERE practice_id = :practice"
FOLLOWUPS = "SELECT contact_id, state, reason FROM cm.followup WHERE practice_id = :practice"
CONVERSIONS = "SELECT contact_id, campaign_id, what, event_ref, touches FROM cm.conversion WHERE practice_id = :practice"
STANDING = "SELECT contact_id, held_off, until FROM cm.care_plan_standing WHERE practice_id = :practice"
SAME = (STANDING, ENROLMENTS, SUPPRESSIONS, AUDIT, DISPATCHES, METRICS, INBOUND, FOLLOWUPS, CONVERSIONS)


@dataclass
class Twin:
    """One of the two practices; people, campaigns and messages are known by their number."""

    practice_id: UUID
    people: list[UUID] = field(default_factory=list)
    campaigns: list[UUID] = field(default_factory=list)

    def name(self, value: Any) -> Any:
        for what, ids in (("person", self.people), ("campaign", self.campaigns)):
            if value in ids:
                return f"{what} {ids.index(value)}"
        if isinstance(value, UUID):
            return "somebody erased"  # each erasure has a stand-in of its own
        return tuple(value) if isinstance(value, list) else value


@pytest.fixture
async def twins(world: World, database_url: str) -> tuple[Twin, Twin]:
    return await _twin(world, database_url), await _twin(world, database_url)


async def _twin(world: World, database_url: str) -> Twin:
    now = world.clock.now()
    twin = Twin(make_practice(database_url, now))
    twin.people = [make_contact(database_url, twin.practice_id, now) for _ in range(PEOPLE)]
    pause = Wait(id="pause", until=WaitFor(minutes=60 * 24 * 5), next="again")
    opened = WaitEvent(
        id="opened", event=EventMatch(type="hub.message.opened"), timeout_minutes=60 * 24 * 9, on_event="again",
        on_timeout="end",
    )  # fmt: skip
    once_more = Entry(
        id="entry", how="event", event=EventMatch(type="loyalty.milestone.reached"), next="hello",
        reentry=Reentry(rule="after_exit"),
    )  # fmt: skip
    written = (
        (journey(message("hello", "pause"), pause, message("again", "end"), campaign_type="nurture", caps=OPEN), "one_off"),
        (journey(message("hello", "opened"), opened, message("again", "end"), campaign_type="care_plan", caps=OPEN), "one_off"),
        (journey(message("hello", "pause"), pause, message("again", "end"), campaign_type="welcome", caps=OPEN, entry=once_more,
            goal=Goal(event=EventMatch(type="proposal.accepted"), objective="conversion")), "event"),
    )  # fmt: skip
    for definition, kind in written:
        made = await launch(world.app, twin.practice_id, definition, kind=kind)
        twin.campaigns.append(made.campaign_id)
    author = Actor(twin.practice_id, "test", permissions=frozenset({"author"}))
    async with world.app.uow(author) as u:
        for person in twin.people[:3]:
            words = ChannelContent(subject="Hello", body="Hello")
            await plan(
                u,
                NewFollowup(
                    contact_id=person,
                    due_at=now + timedelta(days=40),
                    channels=["email"],
                    content={"email": words},
                    why="Asked",
                ),
            )
    return twin


@pytest.mark.covers("EVT-1", "SUP-1")
@pytest.mark.parametrize("seed", range(2))
async def test_together_is_as_one_by_one(world: World, twins: tuple[Twin, Twin], seed: int):
    chance = seeded("waves", seed)
    for week in range(WEEKS):
        for twin in twins:
            await world.engine.drain(twin.practice_id)
        known = await _messages(world, twins)
        story = list(_story(chance, week, known, world.clock.now()))
        alone, together = ([_told(twin, known, event) for event in story] for twin in twins)
        for event in alone:
            async with world.app.uow(system(twins[0].practice_id, "intake")) as u:
                await handle(u, event)
        for wave in _waves(chance, together):
            async with world.app.uow(system(twins[1].practice_id, "intake")) as u:
                await handle_wave(u, wave, wait=chance.random() < 0.5)
        await _alike(world, twins)
        world.clock.advance(days=4)


@dataclass(frozen=True)
class Event:
    id: str
    type: str
    at: datetime
    person: int | None
    message: Any = None
    data: dict[str, Any] = field(default_factory=dict)


def _story(chance: Chance, week: int, known: dict[Any, Any], now: datetime) -> Iterator[Event]:
    told: list[Event] = []
    for number in range(EVENTS):
        if told and chance.random() < 0.08:
            yield chance.choice(told)  # the bus delivers it once more
            continue
        person = chance.randrange(PEOPLE)
        at = now - timedelta(minutes=chance.randrange(600))
        mine = sorted(key for key in known if key[0] == person)
        type, data = chance.choice(_KINDS)
        about = None
        if mine and chance.random() < 0.4:
            type, data, about = (
                f"hub.message.{chance.choice(HUB)}",
                {"permanent": True, "channel": "email"},
                chance.choice(mine),
            )
        event = Event(f"{week}/{number}", type, at, person, about, data)
        told.append(event)
        yield event


_LEAD = {"opportunity_id": "0192b5a4-0000-7000-8000-0000000000aa", "closed_at": "2026-01-01T00:00:00Z"}
_RECALL = {"journey_id": "r", "enrolled_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:00:00Z"}
_KINDS: list[tuple[str, dict[str, Any]]] = [
    ("appointment.booked", {"appointment_id": "0192b5a4-0000-7000-8000-0000000000bb"}),
    ("appointment.cancelled", {"appointment_id": "0192b5a4-0000-7000-8000-0000000000bb"}),
    ("consent.revoked", {"channel": "all"}),
    ("consent.revoked", {"channel": "email"}),
    ("consent.granted", {"channel": "all"}),
    ("consent.granted", {"channel": "email"}),
    ("recall.patient.enrolled", _RECALL),
    ("recall.journey.completed", _RECALL),
    ("concierge.recovery.started", {}),
    ("concierge.contact.declined", {}),
    ("concierge.contact.declined", {"goal": "conversion"}),
    ("concierge.contact.accepted", {}),
    ("pipeline.lead.opened", EMERGENCY | _LEAD),
    ("pipeline.opportunity.converted", EMERGENCY | _LEAD | {"value": 100.0}),
    ("loyalty.milestone.reached", {}),
    ("loyalty.milestone.reached", {}),
    ("proposal.accepted", {"proposal_id": "0192b5a4-0000-7000-8000-0000000000cc", "value": 5.0}),
    ("careplan.enrolment_nudge", {}),
    ("weather.changed", {}),
    ("contact.erased", {}),
]


def _told(twin: Twin, known: dict[Any, Any], event: Event) -> Understood:
    person = twin.people[event.person or 0]
    data = {"practice_id": str(twin.practice_id), **event.data}
    data |= {name: str(person) for name in ("contact_id", "patient_id", "lead_id")}
    if event.message is not None:
        data["dispatch_id"] = str(known[event.message][twin.practice_id])
        data["campaign_id"] = str(twin.campaigns[event.message[1]])
    body: Envelope = envelope(
        id=event.id,
        source=source_of(event.type),
        type=event.type,
        time=event.at,
        practice_id=twin.practice_id,
        data=data,
    )
    understood = read(Received("test", event.id, body.wire()))
    assert isinstance(understood, Understood), understood
    return understood


def _waves(chance: Chance, events: list[Understood]) -> Iterator[list[Understood]]:
    wave: list[Understood] = []
    size = chance.randrange(1, 40)
    for event in events:
        if wave and (by_itself(event) or len(wave) >= size):
            yield wave
            wave, size = [], chance.randrange(1, 40)
        if by_itself(event):
            yield [event]
        else:
            wave.append(event)
    if wave:
        yield wave


async def _messages(world: World, twins: tuple[Twin, Twin]) -> dict[Any, dict[UUID, UUID]]:
    """(person, campaign, move) → practice → dispatch."""
    known: dict[Any, dict[UUID, UUID]] = {}
    for twin in twins:
        for row in await _rows(
            world,
            twin,
            "SELECT contact_id, campaign_id, enrolment_id, move_no, dispatch_id FROM cm.dispatch"
            " WHERE practice_id = :practice ORDER BY dispatch_id",
        ):
            if row.campaign_id in twin.campaigns and row.contact_id in twin.people:  # the others are erased
                key = (twin.people.index(row.contact_id), twin.campaigns.index(row.campaign_id), row.move_no)
                known.setdefault(key, {})[twin.practice_id] = row.dispatch_id
    return known


async def _alike(world: World, twins: tuple[Twin, Twin]) -> None:
    for twin in twins:  # what the scheduler does: who has entered a journey since is in other outreach
        async with world.app.uow(system(twin.practice_id, "scheduler")) as u:
            await tell_care_plans(u)
    for sql in SAME:
        one, other = [
            Counter(tuple(twin.name(value) for value in row) for row in await _rows(world, twin, sql))
            for twin in twins
        ]
        assert one == other, f"{sql}\nalone only: {one - other}\ntogether only: {other - one}"
    # What neighbours act on: about each person, in the same order.
    one, other = [
        [(twin.name(row[0]), *row[1:]) for row in await _rows(world, twin, OUTBOX)] for twin in twins
    ]
    for person in range(PEOPLE):
        assert [x for x in one if x[0] == f"person {person}"] == [
            x for x in other if x[0] == f"person {person}"
        ]
    async with world.app.uow(system(twins[1].practice_id, "test")) as u:
        assert await check(u) == []


async def _rows(world: World, twin: Twin, sql: str) -> list[Any]:
    async with world.app.uow(system(twin.practice_id, "test")) as u:
        return list((await u.execute(sql, practice=twin.practice_id)).all())
