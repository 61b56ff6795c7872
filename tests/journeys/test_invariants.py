"""What may never be true: silent on a lived-in practice, loud for each thing broken by hand."""

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from services.audit.seal import seal_once
from services.contracts.journey import Caps, Wait, WaitFor
from services.engine.ticks import TICKS, run_tick
from services.invariants.service import INVARIANTS, check
from services.kit.actor import system
from services.kit.db import owner
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact
from tests.factories.world import World

RECORD = "0192b5a4-0000-7000-8000-00000000000a"
CODE = "'no_such_reason'"
ANY_AUDIT = "(SELECT audit_id FROM cm.audit LIMIT 1)"
AGAIN = (
    "INSERT INTO cm.dispatch SELECT practice_id, uuidv7(), enrolled_at + interval '1 second', enrolment_id,"
    " move_no, campaign_id, version_id, step_id, contact_id, channels, topic, variant, content_ref,"
    " requested_at, 'requested', channel, status_at FROM cm.dispatch LIMIT 1"
)
LATE = (
    "INSERT INTO cm.suppression (practice_id, suppression_id, contact_id, reason, scope, channel, applied_by,"
    " applied_at, lifted_at) SELECT practice_id, uuidv7(), contact_id, 'STOP', 'channel', 'email', 'test',"
    " requested_at - interval '1 second', requested_at + interval '1 second' FROM cm.dispatch"
    " WHERE status = 'requested' LIMIT 1"
)
TWICE = (
    "INSERT INTO cm.work (practice_id, enrolment_id, version_id, step_id, due_at, contact_id, move_no, enrolled_at,"
    " pseudonym, lane) SELECT practice_id, enrolment_id, version_id, step_id, due_at, contact_id, move_no + 1,"
    " enrolled_at, pseudonym, lane FROM cm.work LIMIT 1"
)
BREAKS = [
    ("no_request_after_suppression", LATE),
    ("no_step_twice", AGAIN),
    ("requests_belong", "UPDATE cm.dispatch SET contact_id = uuidv7() WHERE status = 'requested'"),
    ("caps_never_looser", "UPDATE cm.outbox SET data = jsonb_set(data::jsonb, '{caps,max_touches}', '4')::json"),
    ("caps_never_looser", "UPDATE cm.outbox SET data = jsonb_set(data::jsonb, '{caps,min_gap_hours}', 'null')::json"),
    ("live_has_work", "DELETE FROM cm.work"),
    ("live_has_work", "UPDATE cm.work SET enrolled_at = enrolled_at + interval '1 second'"),
    ("live_has_work", TWICE),
    ("one_lane_a_person", "UPDATE cm.work SET lane = 15 - lane"),
    ("work_is_live", "UPDATE cm.enrolment SET state = 'held', step_id = 'x', move_no = 0 WHERE state = 'live'"),
    ("nobody_lost", "DELETE FROM cm.enrolment WHERE state = 'exited'"),
    ("entries_in_order", "UPDATE cm.enrolment SET entry_no = 3 WHERE state = 'exited'"),
    ("state_says_why", "UPDATE cm.enrolment SET exit_reason = NULL WHERE state = 'exited'"),
    ("state_says_why", f"UPDATE cm.enrolment SET held_reason = {CODE} WHERE state = 'held'"),
    ("refusal_says_why", f"UPDATE cm.refusal SET reason = {CODE}"),
    ("audit_complete", f"DELETE FROM cm.audit WHERE audit_id = {ANY_AUDIT}"),
    ("audit_complete", f"UPDATE cm.audit SET leaf = sha256('x') WHERE audit_id = {ANY_AUDIT}"),
    ("audit_no_stray_rows", f"UPDATE cm.audit SET batch_id = uuidv7() WHERE audit_id = {ANY_AUDIT}"),
    ("audit_sealed_in_order", "DELETE FROM cm.audit_batch WHERE seal_no = 2"),
    ("audit_sealed_in_order", "UPDATE cm.audit_batch SET seal = sha256('x') WHERE seal_no = 1"),
    ("requests_counted", "UPDATE cm.metric SET value = value + 1 WHERE name = 'requested'"),
    ("refusals_counted", "DELETE FROM cm.metric WHERE name = 'refused'"),
    ("notice_ends", "INSERT INTO cm.notice SELECT practice_id, source, event_id, contact_id, received_at"
     " FROM cm.inbound_event WHERE contact_id IS NOT NULL LIMIT 1"),
    ("no_contact_data", "UPDATE cm.refusal SET inputs = '{\"to\": \"ada@example.com\"}'"),
]  # fmt: skip


@pytest.fixture
async def lived(world: World, database_url: str) -> World:
    """A practice with people at every place a journey has: waiting, held, gone, refused, at its end."""
    people = [make_contact(database_url, world.practice_id, world.clock.now()) for _ in range(4)]
    make_contact(database_url, world.practice_id, world.clock.now(), consent=())
    wait = Wait(id="pause", until=WaitFor(minutes=60 * 24 * 2))
    await launch(world.app, world.practice_id, journey(message("hello", "end")))
    await launch(
        world.app,
        world.practice_id,
        journey(
            message("first", "pause"),
            wait.model_copy(update={"next": "second"}),
            message("second", "end"),
            caps=Caps(max_touches=2),
        ),
    )
    await world.run()
    await world.event("appointment.booked", {"appointment_id": RECORD, "patient_id": people[0]})
    await world.event("concierge.recovery.started", {"contact_id": people[1]})
    await world.event("consent.revoked", {"contact_id": people[2], "channel": "email"})
    for _ in range(2):
        async with world.app.uow(system(world.practice_id, "scheduler")) as u:
            await seal_once(u)
        await world.advance(hours=6)
    return world


async def broken(world: World) -> list[str]:
    async with world.app.uow(system(world.practice_id, "test")) as u:
        return [violation.name for violation in await check(u)]


def break_it(database_url: str, sql: str) -> None:
    """As somebody would who gets round every guard the database has."""
    engine = create_engine(owner(database_url))
    with engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        assert connection.exec_driver_sql(sql).rowcount > 0, "nothing was broken"
    engine.dispose()


@pytest.mark.covers("ENG-1", "ENG-2", "GOV-4")
async def test_nothing_is_wrong_with_a_practice_that_lived(lived: World):
    states = await lived.rows("SELECT DISTINCT state FROM cm.enrolment WHERE practice_id = :practice")
    assert len(states) >= 3
    assert await broken(lived) == []


@pytest.mark.covers("ENG-2", "SUP-1", "GOV-4")
async def test_each_thing_broken_by_hand_is_found(lived: World, database_url: str):
    """One practice, broken in one way after another; what is found is put back before the next."""
    tables = (
        "dispatch",
        "outbox",
        "work",
        "enrolment",
        "refusal",
        "audit",
        "audit_batch",
        "metric",
        "suppression",
        "notice",
    )
    engine = create_engine(owner(database_url))
    for name, sql in BREAKS:
        with engine.begin() as connection:
            for table in tables:
                connection.exec_driver_sql(f"CREATE TABLE kept_{table} AS SELECT * FROM cm.{table}")
        break_it(database_url, sql)
        assert name in await broken(lived), sql
        with engine.begin() as connection:
            connection.exec_driver_sql("SET session_replication_role = replica")
            for table in tables:
                connection.exec_driver_sql(f"DELETE FROM cm.{table}")
                connection.exec_driver_sql(f"INSERT INTO cm.{table} SELECT * FROM kept_{table}")
                connection.exec_driver_sql(f"DROP TABLE kept_{table}")
    engine.dispose()
    assert await broken(lived) == []
    assert {name for name, _ in BREAKS} == {one.name for one in INVARIANTS}


@pytest.mark.covers("ENG-2")
async def test_the_database_refuses_a_second_next_step(lived: World, database_url: str):
    """By a trigger: cm.work has no unique key (docs/decisions/0024)."""
    engine = create_engine(owner(database_url))
    with pytest.raises(IntegrityError, match="has a next step already"), engine.begin() as connection:
        connection.exec_driver_sql(TWICE)
    engine.dispose()
    assert await broken(lived) == []


@pytest.mark.covers("GOV-4")
async def test_the_hourly_tick_says_it_in_the_log_and_in_the_audit(lived: World, database_url: str):
    (tick,) = [tick for tick in TICKS if tick.name == "invariants"]
    assert await run_tick(lived.app, tick) == 0
    break_it(database_url, "DELETE FROM cm.metric WHERE name = 'refused'")
    with capture_logs() as logs:
        assert await run_tick(lived.app, tick) == 1
    assert [(line["log_level"], line["invariant"]) for line in logs] == [("error", "refusals_counted")]
    reasons = await lived.rows(
        "SELECT reason FROM cm.audit WHERE practice_id = :practice AND tag = 'invariant.broken'"
    )
    assert [row.reason for row in reasons] == ["refusals_counted"]
