"""A practice that the planner has not heard of yet is looked into as any other (ENG-3, OPS-3)."""

from uuid import UUID

import pytest
from sqlalchemy import create_engine

from services.bootstrap import App
from services.kit.actor import system
from services.kit.db import owner
from services.kit.ids import new_id
from tests.factories.practice import make_practice, run

PEOPLE = 3_000
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
