"""Finding due work and taking it (house rules 5, 6 and 8).

Due work is a query over domain rows. A claim is its own statement: it locks the rows and only
then, with a fresh snapshot, the next statement asks the gates. Whatever suppressed somebody and
was acknowledged before the lock is therefore seen; whatever comes after waits for our commit.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from services.engine.marks import EARLIEST, Age, Marks, marks_of, reached
from services.kit.stops import sending
from services.kit.uow import Unit

BATCH = 5_000
"""Measured best between 1,000 and 5,000 a batch with two workers."""

SMALL = 800
"""A batch while events come in: whoever suppresses somebody in it waits for the whole of it."""
LISTENED = timedelta(seconds=2)
# Of the Hub's own reports there is no end while we send, and few of them suppress.
EVENTS_COME = """
SELECT EXISTS (SELECT 1 FROM cm.notice WHERE practice_id = :practice)
  OR EXISTS (SELECT 1 FROM cm.inbound_event WHERE practice_id = :practice AND received_at > :since
    AND type NOT LIKE 'hub.%')
"""

LANES = 16
"""`cm.lane` has as many. Everybody of a household is in one lane, and whoever decides about messages
holds the lane: so no two workers decide about the same person, or one household, at the same time
(caps, minimum gap, one copy a household: D22, D25). The lock is asked for and never waited for."""

CLAIM_TABLE = """
CREATE TEMP TABLE IF NOT EXISTS claim (
  place tid NOT NULL, enrolment_id uuid NOT NULL, contact_id uuid NOT NULL, move_no integer NOT NULL, signal text,
  enrolled_at timestamptz NOT NULL, pseudonym uuid NOT NULL, lane smallint NOT NULL, due_at timestamptz NOT NULL,
  trace text
) ON COMMIT DELETE ROWS
"""

# A prepared plan outlives the tables it was made for: made while `dispatch` is empty, it would read
# it whole for every person of every later batch. Due people are few and every lookup has its index. So one
# plan serves whatever the values are, too: making it anew costs as much as moving fifty people.
BY_INDEX = """
SELECT set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)
"""
AS_PLANNED = "SELECT set_config('enable_seqscan', 'on', true), set_config('plan_cache_mode', 'auto', true)"

# A loose index scan: one probe a (version, step) pair, however many people wait there, then one a lane. From the
# end, where people come to a step: those who left it are at the beginning, and as long as somebody may still see
# them, their dead rows are. For the same reason a look ahead begins in each lane where the last claim ended.
DUE_STEPS = f"""
WITH RECURSIVE s AS (
  (SELECT version_id, step_id FROM cm.work WHERE practice_id = :practice ORDER BY version_id DESC, step_id DESC LIMIT 1)
  UNION ALL
  SELECT n.version_id, n.step_id FROM s CROSS JOIN LATERAL (
    SELECT w.version_id, w.step_id FROM cm.work w
    WHERE w.practice_id = :practice AND (w.version_id, w.step_id) < (s.version_id, s.step_id)
    ORDER BY w.version_id DESC, w.step_id DESC LIMIT 1) n
)
SELECT s.version_id, s.step_id, v.campaign_id, d.due_at
FROM s
JOIN cm.campaign_version v ON v.practice_id = :practice AND v.version_id = s.version_id
JOIN cm.campaign c ON c.practice_id = :practice AND c.campaign_id = v.campaign_id AND c.state = 'active'
CROSS JOIN LATERAL (
  SELECT min(first.due_at) AS due_at FROM generate_series(0, {LANES - 1}) l(n) CROSS JOIN LATERAL (
    SELECT w.due_at FROM cm.work w
    WHERE w.practice_id = :practice AND w.version_id = s.version_id AND w.step_id = s.step_id AND w.lane = l.n
      AND w.due_at <= :now AND w.due_at >= coalesce(
        CAST(CAST(:since AS jsonb) -> (s.version_id || '/' || s.step_id) ->> l.n AS timestamptz), '-infinity')
    ORDER BY w.due_at LIMIT 1) first) d
WHERE d.due_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM cm.version_move x
  WHERE x.practice_id = :practice AND x.from_version = s.version_id AND x.step_id = s.step_id)
ORDER BY d.due_at, s.version_id, s.step_id
"""

# Lane by lane, from a different one each time, until the batch is full. Nobody is taken from a step whose
# people are to go to another version (D8): asked here, after the campaign's lock, so that no activation is missed.
CLAIM = f"""
WITH taken AS (
INSERT INTO pg_temp.claim (place, enrolment_id, contact_id, move_no, signal, enrolled_at, pseudonym, lane, due_at, trace)
SELECT due.* FROM (SELECT (n + :turn) % {LANES} AS lane FROM generate_series(0, {LANES - 1}) n
  WHERE NOT EXISTS (SELECT 1 FROM cm.version_move x
    WHERE x.practice_id = :practice AND x.from_version = :version AND x.step_id = :step)) l
CROSS JOIN LATERAL (
  SELECT w.ctid, w.enrolment_id, w.contact_id, w.move_no, w.signal, w.enrolled_at, w.pseudonym, w.lane, w.due_at, w.trace
  FROM cm.work w
  WHERE w.practice_id = :practice AND w.version_id = :version AND w.step_id = :step AND w.lane = l.lane
    AND w.due_at <= :now AND w.due_at >= (CAST(:since AS timestamptz[]))[l.lane + 1]
  ORDER BY w.due_at LIMIT {BATCH}
  FOR UPDATE SKIP LOCKED) due
LIMIT {BATCH}
RETURNING lane, due_at
) SELECT lane, count(*) AS people, max(due_at) AS latest FROM taken GROUP BY lane
"""

# A message: only from lanes that are free. The next statement sees all that was decided in them.
CLAIM_ALONE = CLAIM.replace(
    f") due\nLIMIT {BATCH}",
    f""") due
WHERE CASE WHEN EXISTS (SELECT 1 FROM cm.work w WHERE w.practice_id = :practice AND w.version_id = :version
    AND w.step_id = :step AND w.lane = l.lane
    AND w.due_at <= :now AND w.due_at >= (CAST(:since AS timestamptz[]))[l.lane + 1])
  THEN pg_try_advisory_xact_lock(hashtextextended(CAST(:lanes AS text) || l.lane, 0)) ELSE false END
LIMIT {BATCH}""",
)

# For a step that enrols its people elsewhere: their contacts' locks are taken together with the
# rows, and neither is waited for. Taken later they would be in the opposite order to a
# suppression's (contact, then work), and the two would wait for each other. The strongest lock at once:
# the journey they go to may want them alone, and two who share a lock cannot both make it stronger.
CLAIM_WITH_CONTACTS = CLAIM.replace(
    "FROM cm.work w\n",
    "FROM cm.work w JOIN cm.subject s ON s.practice_id = w.practice_id AND s.contact_id = w.contact_id\n",
).replace("FOR UPDATE SKIP LOCKED", "FOR UPDATE OF w SKIP LOCKED FOR UPDATE OF s SKIP LOCKED")

# Where people may be in a journey more than once, one batch takes one entry of each: the gates see
# what the batches before requested, and of two messages at once they would see neither.
ONE_EACH = """
DELETE FROM pg_temp.claim k USING pg_temp.claim earlier
WHERE earlier.contact_id = k.contact_id AND earlier.enrolment_id < k.enrolment_id
"""

# Something came in about them that has not been taken in yet (services.intake.notices). A statement
# of its own, after the locks: whoever put a notice up and did not wait for us is seen.
LEFT_ALONE = """
DELETE FROM pg_temp.claim k WHERE EXISTS (
  SELECT 1 FROM cm.notice n WHERE n.practice_id = :practice AND n.contact_id = k.contact_id)
"""

# Shared locks: a pause or a kill switch waits for batches in flight and stops the next (D11).
GUARD = """
SELECT (SELECT c.state FROM cm.campaign c WHERE c.practice_id = :practice AND c.campaign_id = :campaign FOR SHARE) AS state,
       (SELECT p.kill_switch_at FROM cm.practice p WHERE p.practice_id = :practice FOR SHARE) AS practice_stop,
       (SELECT k.kill_switch_at FROM cm.platform_control k FOR SHARE) AS platform_stop
"""


@dataclass(frozen=True, slots=True)
class DueStep:
    version_id: UUID
    step_id: str
    campaign_id: UUID
    due_at: datetime


async def due_steps(u: Unit, *, ahead: bool = False) -> list[DueStep]:
    """Steps of active campaigns where somebody is due, longest due first. `ahead`: of the steps this process
    claimed from, only people due after the last of them; of others, everybody."""
    since = orjson.dumps(reached(u.practice_id) if ahead else {}).decode()
    rows = await u.execute(DUE_STEPS, practice=u.practice_id, now=u.now, since=since)
    return [DueStep(r.version_id, r.step_id, r.campaign_id, r.due_at) for r in rows]


async def may_run(u: Unit, campaign_id: UUID) -> bool:
    """Is the campaign active and no kill switch on? Holds both answers until the commit."""
    await sending(u)
    row = (await u.execute(GUARD, practice=u.practice_id, campaign=campaign_id)).one()
    return row.state == "active" and row.practice_stop is None and row.platform_stop is None


async def claim(
    u: Unit,
    step: DueStep,
    *,
    alone: bool = False,
    contacts: bool = False,
    one_each: bool = False,
    most: int | None = None,
) -> int:
    """Lock up to a batch of due people at a step (at most `most`) into the temporary table `claim`.
    `alone`: nobody else decides about them or their households until the commit; with `contacts`,
    also the lock that enrolling them elsewhere needs; with `one_each`, the first entry of each
    person, the others stay due. Whoever has a notice stays due, too."""
    sql = CLAIM_ALONE if alone else CLAIM_WITH_CONTACTS if contacts else CLAIM
    await u.execute(CLAIM_TABLE)
    await u.execute(BY_INDEX)
    wanted = min(BATCH if most is None else most, await _considerate(u))
    if wanted < BATCH:  # a literal: the planner must see how few
        sql = sql.replace(f"LIMIT {BATCH}", f"LIMIT {wanted}")
    values = {
        "practice": u.practice_id,
        "version": step.version_id,
        "step": step.step_id,
        "now": u.now,
        "turn": u.unit_id.int % LANES,
        **({"lanes": lane_key(u, "")} if alone else {}),
    }
    marks = marks_of(u.practice_id, step.version_id, step.step_id, LANES)
    since = marks.since()
    people = await _take(u, sql, values, marks, since)
    if people < wanted and since != [EARLIEST] * LANES:
        await u.execute("DELETE FROM pg_temp.claim")
        people = await _take(u, sql, values, marks, [EARLIEST] * LANES)
    if people:
        people -= int((await u.execute(LEFT_ALONE, practice=u.practice_id)).rowcount)
    if one_each:
        people -= int((await u.execute(ONE_EACH)).rowcount)
    return people


async def _take(u: Unit, sql: str, values: dict[str, Any], marks: Marks, since: list[datetime]) -> int:
    age = Age()
    with age.measured():
        taken = (await u.execute(sql, **values, since=since)).all()
    marks.passed(since, ((row.lane, row.latest) for row in taken), age)
    return sum(int(row.people) for row in taken)


async def _considerate(u: Unit) -> int:
    """How many people a batch may hold now, so that an event about one of them does not wait long."""
    come = await u.execute(EVENTS_COME, practice=u.practice_id, since=u.now - LISTENED)
    return SMALL if come.scalar_one() else BATCH


def lane_key(u: Unit, lane: int | str) -> str:
    """The name of a lane's lock; a lane's number may be added to the name of none."""
    return f"lane/{u.practice_id}/{lane}"
