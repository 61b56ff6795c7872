"""A practice that the planner has not heard of yet is looked into as any other (ENG-3, OPS-3)."""

import re
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text

from services.bootstrap import App
from services.contracts.journey import Branch, Path
from services.contracts.segment import Condition, Did
from services.engine import claim, lanes, moves
from services.engine.binding import Binding
from services.engine.message import MOVED
from services.gates.contracts import Policy
from services.gates.records import record_of
from services.gates.statement import verdicts
from services.kit.actor import system
from services.kit.db import owner
from services.kit.ids import new_id
from tests.factories.practice import make_practice, run

PEOPLE = 3_000
MANY_PEOPLE = 40_000
MANY = (
    """
INSERT INTO canonical.opportunity (practice_id, opportunity_id, contact_id, stack, stage, outcome, opened_at)
SELECT :practice, uuidv7(), uuidv7(), 'standard', 'new', 'open', :now FROM generate_series(1, :people)
""",
    """
WITH e AS (
  INSERT INTO cm.enrolment (practice_id, enrolment_id, campaign_id, version_id, contact_id, pseudonym, state, enrolled_at, moved_at)
  SELECT :practice, uuidv7(), :campaign, :campaign, uuidv7(), uuidv7(), 'live', :now, :now FROM generate_series(1, :people)
  RETURNING *)
INSERT INTO cm.work (practice_id, enrolment_id, version_id, step_id, due_at, contact_id, move_no, enrolled_at, pseudonym, lane)
SELECT practice_id, enrolment_id, version_id, 'hello', :now, contact_id, 0, :now, pseudonym, 0 FROM e
""",
)
LOOKED_UP = (
    ("canonical.opportunity", "contact_id"), ("cm.enrolment", "contact_id"), ("cm.enrolment", "enrolment_id"),
    ("cm.work", "enrolment_id"),
)  # fmt: skip


@pytest.mark.covers("ENG-3", "OPS-3")
async def test_whoever_is_looked_up_is_found_by_their_own_index(app: App, practice: UUID, database_url: str):
    now = app.clock.now()

    def fill(where: UUID) -> None:
        for sql in MANY:
            run(database_url, sql, {"practice": where, "now": now, "campaign": new_id(), "people": PEOPLE})

    fill(practice)
    engine = create_engine(owner(database_url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")  # from here on every row that is known is that practice's
    engine.dispose()
    fresh = make_practice(database_url, now)
    fill(fresh)
    wrong = []
    async with app.uow(system(fresh, "engine")) as u:
        await u.execute("SELECT set_config('enable_seqscan', 'off', true)")
        for table, column in LOOKED_UP:
            asked = f"EXPLAIN SELECT 1 FROM {table} x WHERE x.practice_id = :practice AND x.{column} = :one"
            plan = list((await u.execute(asked, practice=fresh, one=new_id())).scalars())
            if not any("Index Cond" in line and column in line for line in plan):
                wrong.append((table, column, plan))
    assert not wrong, wrong


MONTHS = "SELECT cm.ensure_partitions(CAST(:today AS date), 3)"
TAKEN_FOR_EMPTY = (
    "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname IN ('cm', 'canonical') AND c.relkind = 'r' AND c.reltuples = 0"
)


@pytest.mark.covers("ENG-3", "OPS-3")
def test_no_month_is_taken_for_empty_because_it_was_when_it_was_analysed(
    app: App, practice: UUID, database_url: str
):
    engine = create_engine(owner(database_url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")  # as somebody may, and an upgrade does
        assert connection.exec_driver_sql(TAKEN_FOR_EMPTY).scalar_one() > 0
        connection.execute(text(MONTHS), {"today": app.clock.now().date()})
        assert connection.exec_driver_sql(TAKEN_FOR_EMPTY).scalar_one() == 0
    engine.dispose()


CONTACTS = """
INSERT INTO canonical.contact (practice_id, contact_id, kind, first_name, last_name, email, registered_at)
SELECT :practice, uuidv7(), 'lead', 'Jo', 'Fox', 'p' || n || '@example.com', :now FROM generate_series(1, :people) n
"""
CLAIMED = """
INSERT INTO pg_temp.claim (place, enrolment_id, contact_id, move_no, enrolled_at, pseudonym, lane, due_at)
SELECT '(0,1)', contact_id, contact_id, 0, :now, contact_id, 0, :now FROM canonical.contact WHERE practice_id = :practice LIMIT 100
"""
WHOLE_PRACTICE = re.compile(
    r"Scan[^\n]* on (\w+)[^\n]*\n\s*Index Cond: \(practice_id = [^()]*\)\n|Seq Scan on (\w+)"
)
VISITS = (
    Did(node="did", what="attended", days=400, at_least=6), Did(node="did", what="opened", days=30, at_least=1),
    Condition(field="pipeline.outcome", op="is", value="open"),
)  # fmt: skip
BRANCH = Branch(
    id="fork", paths=[Path(label=str(n), when=rule, next="a") for n, rule in enumerate(VISITS)], otherwise="b"
)
SHORT = {"claim", "blocked_destination_recent", "blocked_destination", "platform_block"}
"""The claim itself, and lists that are read once."""


@pytest.mark.covers("ENG-3", "OPS-3")
async def test_a_batch_of_thousands_looks_up_each_person_by_their_key(
    app: App, practice: UUID, database_url: str
):
    """However many people the planner believes a practice to have, it must not read them all for a batch."""
    now = app.clock.now()
    run(database_url, CONTACTS, {"practice": practice, "now": now, "people": MANY_PEOPLE})
    run(
        database_url, MANY[1], {"practice": practice, "now": now, "people": MANY_PEOPLE, "campaign": new_id()}
    )
    engine = create_engine(owner(database_url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.execute(text(MONTHS), {"today": now.date()})  # as every hour
    engine.dispose()
    policy = Policy(practice, now, new_id(), "nurture", "hello", new_id(), channels=("email", "sms"))
    asked = {
        "gates": f"WITH cand AS (SELECT k.* FROM pg_temp.claim k), {verdicts(policy.channels, each=True)} SELECT * FROM verdict",
        "ways": moves.STATEMENT.format(
            record=record_of("k"), port="'next'", next_step="'there'", next_due=":now", moved=MOVED, care_plans="",
        ),
        "lanes": lanes.ASTRAY,
    }  # fmt: skip
    async with app.uow(system(practice, "engine")) as u:
        for sql in (claim.CLAIM_TABLE, claim.BY_INDEX):
            await u.execute(sql)
        await u.execute(CLAIMED, practice=practice, now=u.now)
        wrong = {}
        for name, sql in asked.items():
            values = {**policy.params(), "first_seq": 1, "batch": new_id(), "end_reason": ""}
            plan = "\n".join((await u.execute(f"EXPLAIN {sql}", **values)).scalars()) + "\n"
            whole = {table for found in WHOLE_PRACTICE.findall(plan) for table in found if table} - SHORT
            wrong |= {name: (whole, plan)} if whole else {}
    assert not wrong, wrong


@pytest.mark.covers("ENG-3", "OPS-3")
async def test_the_rule_of_a_branch_gathers_no_practice_for_a_batch(
    app: App, practice: UUID, database_url: str
):
    now = app.clock.now()
    run(database_url, CONTACTS, {"practice": practice, "now": now, "people": 5_000})
    run(database_url, MANY[0], {"practice": practice, "now": now, "people": PEOPLE})
    engine = create_engine(owner(database_url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()
    gathered = {}
    async with app.uow(system(practice, "engine")) as u:
        for sql in (claim.CLAIM_TABLE, claim.BY_INDEX):
            await u.execute(sql)
        for _ in range(50):  # as many as a batch has
            await u.execute(CLAIMED, practice=practice, now=u.now)
        for batch in (True, False):
            binding = Binding()
            port = await moves.port_sql(u, BRANCH, binding, batch=batch)
            asked = f"EXPLAIN (VERBOSE) SELECT {port} FROM pg_temp.claim k {record_of('k')}"
            plan = "\n".join((await u.execute(asked, practice=practice, **binding.values)).scalars())
            gathered[batch] = "hashed SubPlan" in plan
    assert gathered == {True: False, False: True}, "and the planner would, if it might"
