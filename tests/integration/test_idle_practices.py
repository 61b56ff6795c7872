"""Timed work asks once where anything is due, and leaves alone the practices where nothing is (ENG-3)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import event

from cm_app.workers.engine import Loops
from services.engine import offers, ticks
from services.engine.ticks import TICKS, run_tick
from services.insights import publishing
from services.kit.ids import new_id
from services.kit.practices import practices_with
from services.proofs import service as proofs
from services.webhooks.jobs import Deliverer
from services.webhooks.sending import Sender
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact, run
from tests.factories.world import World

pytestmark = pytest.mark.covers("ENG-3")
IDLE = 200
ONCE = ("activate", "recurring", "expire", "care_plans", "recount", "followups", "offers", "seal", "metric_feed",
        "segments", "invariants")  # fmt: skip
MANY = """
INSERT INTO cm.practice (practice_id, label, timezone, created_at)
SELECT uuidv7(), 'Idle ' || n, 'Europe/London', :now FROM generate_series(1, :n) n
"""
LOOKED_AT = """
INSERT INTO cm.leak_scan (practice_id, at_table, rounds, began_at, looked_at)
SELECT practice_id, '', 1, :now, :now FROM cm.practice
"""
FEW = 8
"""Statements of a tick that finds nothing: its lock, its question, and what a connection says by itself."""


@contextmanager
def counted(world: World) -> Iterator[list[str]]:
    """Every statement that goes to the database meanwhile."""
    seen: list[str] = []
    engine = world.app.uow.engine.sync_engine

    def note(_c, _k, statement, *_rest):
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
async def idle(world: World, database_url: str) -> World:
    """200 practices where nothing ever happened, and one where nothing is due."""
    run(database_url, MANY, {"now": world.clock.now(), "n": IDLE})
    run(database_url, LOOKED_AT, {"now": world.clock.now()})
    return world


async def test_a_tick_visits_no_idle_practice(idle: World):
    for tick in TICKS:
        if tick.name in ONCE:
            with counted(idle) as seen:
                assert await run_tick(idle.app, tick) == 0
            assert len(seen) <= FEW, (tick.name, len(seen))
    assert set(ONCE) <= {tick.name for tick in TICKS}


async def test_proof_runs_and_deliveries_visit_no_idle_practice(idle: World):
    loops = Loops(idle.app, "test", parts=())
    with counted(idle) as seen:
        assert await loops._proofs() == 0
    assert len(seen) <= FEW
    sender = Sender(private=True)
    deliverer = Deliverer(idle.app.uow, idle.app.bus, sender)
    with counted(idle) as seen:
        assert await deliverer.start_due() == 0
    assert len(seen) <= FEW
    await deliverer.close()
    for board in loops.notices:
        await board.close()
    await loops.deliverer.close()


async def due(world: World, work: str) -> list[UUID]:
    waiting = await practices_with(world.app.uow.engine, work, world.clock.now())
    return [one.practice_id for one in waiting]


async def test_each_kind_of_work_is_found_where_it_is(idle: World, database_url: str):
    world, mine = idle, [idle.practice_id]
    works = (
        "followups",
        "offers",
        "care_plans",
        "segments",
        "proofs",
        "metric_feed",
        "deliveries",
        "invariants",
    )
    for work in works:
        assert await due(world, work) == [], work
    now = world.clock.now()
    contact = make_contact(database_url, world.practice_id, now)
    await launch(world.app, world.practice_id, journey(message("hello", "end")))
    await world.run()
    assert await due(world, "metric_feed") == mine
    assert await due(world, "invariants") == mine  # something was written
    assert await due(world, "offers") == []
    await world.rows("DELETE FROM cm.outbox WHERE practice_id = :practice RETURNING 1")
    await world.event("careplan.enrolment_nudge", {"patient_id": contact})
    assert await due(world, "care_plans") == mine
    ids = {"p": world.practice_id, "id": new_id(), "c": contact, "now": now}
    for work, sql in (
        ("followups", "INSERT INTO cm.followup (practice_id, followup_id, contact_id, due_at, channels, content_ref, content,"
         " created_by, created_at) VALUES (:p, :id, :c, :now, '{email}', 'r', '', :id, :now)"),
        ("segments", "INSERT INTO cm.segment (practice_id, segment_id, name, rule, created_by, created_at, updated_at)"
         " VALUES (:p, :id, 'All', '', :id, :now, :now)"),
        ("proofs", "INSERT INTO cm.proof (practice_id, proof_id, campaign_id, asked_by, asked_ref, asked_at)"
         " VALUES (:p, :id, :id, :id, 'test', :now)"),
        ("deliveries", "WITH e AS (INSERT INTO cm.webhook_endpoint (practice_id, endpoint_id, label, url, event_types, state, secret,"
         " created_by, created_at) VALUES (:p, :id, 'x', 'https://example.com', '{}', 'on', '', 'test', :now))"
         " INSERT INTO cm.webhook_delivery (practice_id, endpoint_id, event_id, type, queued_at, due_at, body)"
         " VALUES (:p, :id, :id, 'x', :now, :now, '')"),
    ):  # fmt: skip
        run(database_url, sql, {key: value for key, value in ids.items() if f":{key}" in sql})
        assert await due(world, work) == mine, work


async def test_the_question_asks_for_the_same_spans_as_the_work(idle: World, database_url: str):
    """The spans stand in SQL and in Python: the question must not be narrower than the work."""
    world, mine = idle, [idle.practice_id]
    make_contact(database_url, world.practice_id, world.clock.now())
    await launch(world.app, world.practice_id, journey(message("hello", "end")))
    await world.run()
    world.clock.advance(seconds=offers.SILENCE.total_seconds() - 1)
    assert await due(world, "offers") == []
    world.clock.advance(seconds=2)
    assert await due(world, "offers") == mine
    world.clock.advance(seconds=(offers.GIVEN_UP - offers.SILENCE).total_seconds())
    assert await due(world, "offers") == []
    assert timedelta(days=1) == publishing.LOOK_BACK
    assert timedelta(hours=23) == ticks.MEASURED_FOR
    assert timedelta(minutes=5) == proofs.STALE


async def test_the_invariants_of_an_idle_practice_are_asked_once_a_day(idle: World):
    assert await due(idle, "invariants") == []
    idle.clock.advance(hours=25)
    assert len(await due(idle, "invariants")) == IDLE + 1
