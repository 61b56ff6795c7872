"""How fast, and at which hour of whose day (ENG-4)."""

import asyncio
import itertools
from datetime import UTC, datetime, time
from uuid import UUID

import pytest

from services.contracts.journey import Arm, Pace, SendWindow, Split
from services.engine.service import Engine
from services.kit.ids import new_id
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact, run
from tests.factories.world import World

SENT_AT = "SELECT requested_at FROM cm.dispatch WHERE practice_id = :practice AND contact_id = :contact"
COUNT = "SELECT count(*) FROM cm.dispatch WHERE practice_id = :practice"
DUE = "SELECT due_at FROM cm.work WHERE practice_id = :practice AND contact_id = :contact"
ALL_WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def due(world: World, person: UUID) -> datetime:
    return await world.one(DUE, contact=person)


@pytest.mark.covers("ENG-4")
async def test_several_workers_together_never_exceed_the_rate(world: World, database_url: str):
    for _ in range(25):
        make_contact(database_url, world.practice_id, world.clock.now())
    paced = journey(message("hello", "end", one_per_household=False), pace=Pace(per_minute=4, per_hour=14))
    await launch(world.app, world.practice_id, paced)
    await world.run()
    # Everybody is due at once: only the rate holds them back.
    await world.rows(
        "UPDATE cm.work SET due_at = :now WHERE practice_id = :practice RETURNING 1", now=world.clock.now()
    )
    engines = [Engine(world.app.uow, name=name) for name in ("one", "two", "three")]
    sent = []
    for minute in range(75):
        for _ in range(2):
            await asyncio.gather(*(engine.run_once(world.practice_id) for engine in engines))
        sent.append(await world.one(COUNT))
        if minute in (0, 1, 2, 3, 4, 59):
            assert await world.one(COUNT) <= min(4 * (minute + 1), 14)
        if sent[-1] == 25:
            break
        step = 1 if minute < 5 or minute >= 57 else 10
        world.clock.advance(minutes=step)
    assert sent[:6] == [4, 8, 12, 14, 14, 14]
    assert sent[-1] == 25
    stamps = [
        r.requested_at
        for r in await world.rows("SELECT requested_at FROM cm.dispatch WHERE practice_id = :practice")
    ]
    for start in stamps:
        assert sum(0 <= (s - start).total_seconds() < 60 for s in stamps) <= 4
        assert sum(0 <= (s - start).total_seconds() < 3600 for s in stamps) <= 14


@pytest.mark.covers("ENG-4")
async def test_people_who_come_together_are_spread_over_the_whole_window(world: World, database_url: str):
    for _ in range(40):
        make_contact(database_url, world.practice_id, world.clock.now())
    await launch(world.app, world.practice_id, journey(message("hello", "end"), pace=Pace(spread_minutes=60)))
    counts = []
    for _ in range(4):
        await world.run()
        world.clock.advance(minutes=15)
        await world.run()
        counts.append(await world.one(COUNT))
    assert counts[-1] == 40
    assert 1 <= counts[0] < counts[1] < counts[2] < 40


@pytest.mark.covers("ENG-4")
async def test_ten_oclock_is_each_recipients_own_ten_oclock_also_when_the_clocks_change(
    world: World, database_url: str
):
    world.clock.advance(days=141)  # Tuesday 20 October 2026, 11:00 in London
    run(database_url, "SELECT cm.ensure_partitions(:day, 2)", {"day": world.clock.now().date()})
    zones = {
        "Europe/London": ("2026-10-21T09:00", "2026-10-26T10:00"),
        "America/New_York": ("2026-10-20T14:00", "2026-10-26T14:00"),
        "Pacific/Auckland": ("2026-10-20T21:00", "2026-10-25T21:00"),
    }
    people = {
        zone: make_contact(database_url, world.practice_id, world.clock.now(), timezone=zone)
        for zone in zones
    }
    window = SendWindow(aim="at", at=time(10), start=time(9), end=time(18))
    await launch(
        world.app,
        world.practice_id,
        journey(message("hello", "again", window=window), message("again", "end", window=window)),
    )
    await world.run()
    for zone, (first, _) in zones.items():
        assert await due(world, people[zone]) == utc(first), zone
    for _ in range(24):  # hour by hour, until everybody had the first at their own time
        await world.advance(hours=1, minutes=1)
    for zone, (first, _) in zones.items():
        ((sent_at,),) = await world.rows(SENT_AT, contact=people[zone])
        assert 0 <= (sent_at - utc(first)).total_seconds() < 3660, zone
    # Due on a weekend, at the end of which the London clocks go back: Monday's is at 10:00 GMT.
    world.clock.advance(hours=72)
    await world.rows(
        "UPDATE cm.work SET due_at = :now WHERE practice_id = :practice RETURNING 1", now=world.clock.now()
    )
    await world.run()  # Saturday
    for zone, (_, second) in zones.items():
        assert await due(world, people[zone]) == utc(second), zone


@pytest.mark.covers("ENG-4", "LIF-7")
async def test_the_window_is_asked_again_when_the_message_goes(world: World, database_url: str):
    """A pause over the evening, a weekend and a holiday: nothing goes out of hours."""
    person = make_contact(database_url, world.practice_id, world.clock.now())
    run(database_url, "INSERT INTO cm.holiday VALUES (:p, '2026-06-08', 'Closed')", {"p": world.practice_id})
    window = SendWindow(start=time(12), end=time(17))
    await launch(world.app, world.practice_id, journey(message("hello", "end", window=window)))
    await world.run()  # Monday 1 June, 11:00: due at 12:00
    state = "UPDATE cm.campaign SET state = :state WHERE practice_id = :practice RETURNING 1"
    await world.rows(state, state="paused")
    world.clock.advance(days=4, hours=9)  # Friday, 20:00
    await world.rows(state, state="active")
    await world.run()
    assert await world.rows(SENT_AT, contact=person) == []
    assert await due(world, person) == utc("2026-06-09T11:00")  # Tuesday: Monday is a holiday
    await world.advance(days=3, hours=16, minutes=30)  # Tuesday, 12:30
    assert len(await world.rows(SENT_AT, contact=person)) == 1


@pytest.mark.covers("ENG-4")
async def test_a_practice_closed_for_longer_than_a_month_stops_nobody_for_good(
    world: World, database_url: str
):
    person = make_contact(database_url, world.practice_id, world.clock.now())
    run(
        database_url,
        "INSERT INTO cm.holiday SELECT :p, day, '' FROM generate_series(DATE '2026-06-01', DATE '2026-07-10', '1 day') day",
        {"p": world.practice_id},
    )
    await launch(world.app, world.practice_id, journey(message("hello", "end", window=SendWindow())))
    await world.run()
    await world.advance(days=31, minutes=1)
    assert await world.rows(SENT_AT, contact=person) == []
    await world.advance(days=14)
    assert len(await world.rows(SENT_AT, contact=person)) == 1


@pytest.mark.covers("ENG-4")
async def test_the_best_hour_is_each_persons_own_habit_inside_the_window(world: World, database_url: str):
    now = world.clock.now()  # Monday, 11:00 in London

    def somebody(*opened: str) -> UUID:
        person = make_contact(database_url, world.practice_id, now)
        for at in opened:
            run(
                database_url,
                "INSERT INTO cm.message_event (practice_id, at, message_event_id, dispatch_id, campaign_id, contact_id, what)"
                " VALUES (:p, :at, :id, :id, :id, :c, 'opened')",
                {"p": world.practice_id, "at": utc(at), "id": new_id(), "c": person},
            )
        return person

    run(database_url, "SELECT cm.ensure_partitions('2026-05-01', 1)", {})
    evening = somebody(*(f"2026-05-{d:02}T15:20" for d in (4, 5, 6)), "2026-05-07T08:00")  # 16:20 in London
    night = somebody(*(f"2026-05-{d:02}T22:10" for d in (4, 5, 6, 7)))  # 23:10: outside the window
    seldom = somebody("2026-05-04T15:20")
    window = SendWindow(aim="best_hour", start=time(9, 30), end=time(18), days=ALL_WEEK)
    await launch(world.app, world.practice_id, journey(message("hello", "end", window=window)))
    await world.run()
    assert await due(world, evening) == utc("2026-06-01T15:00")
    for person in (night, seldom):  # 09:30 tomorrow
        assert await due(world, person) == utc("2026-06-02T08:30")
    await world.advance(hours=5, minutes=1)
    assert len(await world.rows(SENT_AT, contact=evening)) == 1
    assert await world.rows(SENT_AT, contact=night) == []


@pytest.mark.covers("ENG-4")
async def test_a_steps_own_rate_holds_inside_the_campaigns_and_only_for_that_step(
    world: World, database_url: str
):
    for _ in range(20):
        make_contact(database_url, world.practice_id, world.clock.now())
    made = journey(
        Split(id="split", arms=[Arm(percent=50, next="slow"), Arm(percent=50, next="quick")]),
        message("slow", "end", one_per_household=False, pace=Pace(per_hour=2)),
        message("quick", "end", one_per_household=False),
        pace=Pace(per_minute=100, per_hour=12),
    )
    await launch(world.app, world.practice_id, made)
    by_step = "SELECT count(*) FROM cm.dispatch WHERE practice_id = :practice AND step_id = :step"
    due_now = "UPDATE cm.work SET due_at = :now WHERE practice_id = :practice RETURNING 1"
    await world.run()
    seen = []
    while not seen or sum(seen[-1]) < 20:
        assert len(seen) < 12
        await world.rows(due_now, now=world.clock.now())
        engines = [Engine(world.app.uow, name=name) for name in ("one", "two")]
        await asyncio.gather(*(engine.run_once(world.practice_id) for engine in engines))
        await world.run()
        seen.append([await world.one(by_step, step=step) for step in ("slow", "quick")])
        world.clock.advance(minutes=61)
    hours = list(itertools.pairwise([[0, 0], *seen]))
    slow = [after[0] - before[0] for before, after in hours]
    both = [sum(after) - sum(before) for before, after in hours]
    # The other arm may use up the campaign's hour before this step has had its two.
    assert all(ours == 2 or everybodys == 12 for ours, everybodys in zip(slow[:-1], both[:-1], strict=True))
    assert max(slow) == 2
    assert 2 < max(both) <= 12


@pytest.mark.covers("ENG-4")
async def test_a_step_spreads_those_who_arrive_together_by_an_order_of_its_own(
    world: World, database_url: str
):
    people = [make_contact(database_url, world.practice_id, world.clock.now()) for _ in range(40)]
    spread = [
        message(name, after, pace=Pace(spread_minutes=60)) for name, after in (("a", "b"), ("b", "end"))
    ]
    await launch(world.app, world.practice_id, journey(*spread))
    await world.run()
    start = world.clock.now()
    dues = [(await due(world, person) - start).total_seconds() / 60 for person in people]
    assert 0 <= min(dues) < 20
    assert 40 < max(dues) <= 60
    seconds = []
    for person in people:
        (row,) = await world.rows(
            "SELECT cm.bucket('spread/a', :c) AS a, cm.bucket('spread/b', :c) AS b", c=person
        )
        seconds.append((row.a, row.b))
    assert sorted(seconds) != sorted(seconds, key=lambda pair: pair[1])
