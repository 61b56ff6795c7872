"""Repeating campaigns: one execution a firing, one to make good for a downtime (LIF-3)."""

import pytest

from services.contracts.journey import Entry, Reentry
from services.engine.ticks import TICKS, run_tick
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact
from tests.factories.world import World

RUNS = (
    "SELECT number, planned_at, missed FROM cm.execution"
    " WHERE practice_id = :practice AND planned_at IS NOT NULL ORDER BY number"
)
RECURRING = next(tick for tick in TICKS if tick.name == "recurring")


async def repeating(world: World, cron: str = "0 9 * * *") -> None:
    entry = Entry(id="entry", how="schedule", cron=cron, next="hello", reentry=Reentry(rule="after_exit"))
    await launch(
        world.app, world.practice_id, journey(message("hello", "end"), entry=entry), kind="recurring"
    )
    await world.rows("DELETE FROM cm.execution WHERE practice_id = :practice RETURNING 1")


async def tick(world: World) -> list[tuple[int, str, int]]:
    await run_tick(world.app, RECURRING)
    await world.run()
    return [(r.number, f"{r.planned_at:%d %H:%M}", r.missed) for r in await world.rows(RUNS)]


@pytest.mark.covers("LIF-3", "LIF-8")
async def test_each_firing_is_one_execution_and_a_downtime_is_made_good_once(world: World, database_url: str):
    make_contact(database_url, world.practice_id, world.clock.now())  # 1 June, 11:00 in London
    await repeating(world)
    assert await tick(world) == []
    world.clock.advance(hours=21, minutes=59)
    assert await tick(world) == []
    world.clock.advance(minutes=1)  # 09:00 on the 2nd
    assert await tick(world) == [(1, "02 08:00", 0)]
    assert await tick(world) == [(1, "02 08:00", 0)]
    world.clock.advance(days=3, hours=5)  # nobody was there on the 3rd and 4th; it is the 5th, 14:00
    assert await tick(world) == [(1, "02 08:00", 0), (2, "05 08:00", 2)]
    world.clock.advance(hours=19)
    assert (await tick(world))[2:] == [(3, "06 08:00", 0)]
    assert await world.one("SELECT max(entry_no) FROM cm.enrolment WHERE practice_id = :practice") == 3
    started = await world.rows(
        "SELECT detail FROM cm.audit WHERE practice_id = :practice AND tag = 'execution.started' ORDER BY at"
    )
    assert ['"missed":2' in row.detail.replace(" ", "") for row in started] == [False, True, False]


@pytest.mark.covers("LIF-3")
async def test_what_passed_during_a_pause_is_not_made_good(world: World, database_url: str):
    await repeating(world)
    set_state = "UPDATE cm.campaign SET state = :state, resumed_at = :resumed WHERE practice_id = :practice RETURNING 1"
    await world.rows(set_state, state="paused", resumed=None)
    world.clock.advance(days=3)
    assert await tick(world) == []
    await world.rows(set_state, state="active", resumed=world.clock.now())
    assert await tick(world) == []
    world.clock.advance(days=1)
    assert await tick(world) == [(1, "05 08:00", 0)]


@pytest.mark.covers("LIF-3")
async def test_a_planned_start_is_looked_for_every_second_where_one_is_due():
    """Within five seconds of the time (targets), and only at practices that have one."""
    watched = {tick.name: tick for tick in TICKS}
    for name in ("activate", "recurring"):
        assert watched[name].every <= 1.0
        assert watched[name].work == name
