"""Every step that sends nothing: wait, wait for event, branch, split, goal, exit, sub-campaign."""

from collections import Counter
from datetime import datetime
from typing import assert_never

from services.audience.service import condition
from services.audit.append import next_seq, open_batch
from services.contracts.journey import (
    Branch,
    Entry,
    Exit,
    GoalStep,
    Message,
    Split,
    Step,
    SubCampaign,
    Wait,
    WaitEvent,
)
from services.engine.binding import Binding
from services.engine.claim import DueStep
from services.engine.happened import happened_sql
from services.engine.message import MOVED, all_moved, count
from services.engine.plan import Plan
from services.gates.reasons import Reason
from services.gates.records import record_of
from services.kit.uow import Unit
from services.suppression.service import segmented

STATEMENT = """
WITH m AS MATERIALIZED (
  SELECT k.place, k.contact_id, k.enrolment_id, k.move_no, k.pseudonym,
    coalesce(c.timezone, 'Europe/London') AS zone, {port} AS port
  FROM pg_temp.claim k
  {record}
),
n AS MATERIALIZED (
  SELECT m.*, {next_step} AS next_step, {next_due} AS next_due, row_number() OVER () + :first_seq AS seq FROM m
),
noted AS (
  INSERT INTO cm.transition (practice_id, enrolment_id, move_no, at, step_id, port)
  SELECT :practice, enrolment_id, move_no, :now, :step, port FROM n
),
ended AS (
  UPDATE cm.enrolment e SET state = 'completed', step_id = :step, move_no = n.move_no + 1, moved_at = :now,
    ended_at = :now, exit_reason = :end_reason
  FROM n WHERE e.practice_id = :practice AND e.enrolment_id = n.enrolment_id AND n.next_step IS NULL
),
kept AS (
  UPDATE cm.work w SET {moved}
  FROM n WHERE w.ctid = n.place AND w.practice_id = :practice AND w.enrolment_id = n.enrolment_id AND n.next_step IS NOT NULL
  RETURNING 1
),
gone AS (
  DELETE FROM cm.work w USING n
  WHERE w.ctid = n.place AND w.practice_id = :practice AND w.enrolment_id = n.enrolment_id AND n.next_step IS NULL
  RETURNING 1
),
audited AS (
  INSERT INTO cm.audit (practice_id, at, audit_id, batch_id, seq, tag, actor, campaign_id, enrolment_id, pseudonym, reason, leaf)
  SELECT :practice, :now, audit_id, :batch, seq, 'enrolment.completed', 'engine', :campaign, enrolment_id, pseudonym, :end_reason,
    cm.audit_leaf((SELECT cm.audit_head(:practice, :now)), audit_id, 'enrolment.completed', 'engine', :campaign, enrolment_id, pseudonym, :end_reason, '{{}}')
  FROM (SELECT n.*, uuidv7() AS audit_id FROM n WHERE next_step IS NULL) n
){care_plans}
SELECT port, count(*) AS people, count(*) FILTER (WHERE next_step IS NULL) AS finished,
  (SELECT count(*) FROM kept) + (SELECT count(*) FROM gone) AS moved FROM n GROUP BY port ORDER BY port
"""


async def move(u: Unit, due: DueStep, plan: Plan, step: Step, size: int) -> int:
    """Move one claimed batch on; returns how many people."""
    binding = Binding()
    port = await port_sql(u, step, binding, batch=True)
    next_step, next_due = plan.move(step, binding)
    left = segmented(plan.journey.campaign_type, "n x WHERE x.next_step IS NULL", enrolled=False)
    sql = STATEMENT.format(
        record=record_of("k"),
        port=port,
        next_step=next_step,
        next_due=next_due,
        moved=MOVED,
        care_plans=left,
    )
    rows = (
        await u.execute(
            sql,
            **binding.values,
            practice=u.practice_id,
            now=u.now,
            step=due.step_id,
            campaign=due.campaign_id,
            end_reason=_end_reason(step),
            batch=open_batch(u),
            first_seq=next_seq(u, size + 1),
        )
    ).all()
    all_moved(size, rows)
    numbers = Counter({("entered", ""): size, ("completed", ""): sum(r.finished for r in rows)})
    numbers.update({(f"port:{r.port}", ""): r.people for r in rows})
    await count(u, due, numbers)
    return size


def _end_reason(step: Step) -> str:
    return Reason.GOAL_REACHED.value if isinstance(step, GoalStep) else Reason.END_OF_JOURNEY.value


async def port_sql(
    u: Unit,
    step: Step,
    binding: Binding,
    *,
    at: datetime | None = None,
    prefix: str = "",
    batch: bool = False,
) -> str:
    """SQL of the way out each person of `k` takes (`c` is their record, `at` the moment rules are
    read at; now when it is not given; `prefix` keeps the names of bound values apart; `batch`: `k` are
    thousands, not a whole audience)."""
    match step:
        case Entry() | Wait() | SubCampaign() | GoalStep() | Exit() | Message():
            return "'next'::text"
        case WaitEvent():
            return "CASE WHEN k.signal IS NOT NULL THEN 'on_event' ELSE 'on_timeout' END"
        case Branch(paths=paths):
            cases = []
            for n, path in enumerate(paths):
                fragment = await condition(u, path.when, prefix=f"{prefix}r{n}_", at=at, batch=batch)
                binding.values.update(fragment.params)
                came = f" AND {happened_sql(path.event, binding)}" if path.event else ""
                cases.append(f"WHEN ({fragment.sql}){came} THEN 'path-{n}'")
            return f"CASE {' '.join(cases)} ELSE 'otherwise' END"
        case Split(arms=arms):
            salt, edge, cases = binding.add(f"split/{step.id}/"), 0.0, []
            for n, arm in enumerate(arms[:-1]):
                edge += arm.percent * 100
                cases.append(
                    f"WHEN cm.bucket({salt}, k.contact_id) < {binding.add(round(edge))} THEN 'arm-{n}'"
                )
            return f"CASE {' '.join(cases)} ELSE 'arm-{len(arms) - 1}' END"
        case _ as never:
            assert_never(never)
