"""Entering a journey: re-entry rules, the gates asked at entry, the per-contact lock (rule 5).

Enrolling takes the contact's `subject` row FOR SHARE before it asks the gates; suppression takes
it FOR UPDATE. So either the gate sees the suppression, or the suppression sees the enrolment.

A campaign that wants its people for itself (exclusive enrolment, SUP-7) takes the row FOR UPDATE, too:
whoever else enrols them has committed, and the gate sees it, or waits and sees us. Of two such campaigns
that want one person at once, the first to take the row has them and the other is refused. Everybody takes
the rows of a batch in the order of their keys, so none wait for each other.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from services.audit.append import next_seq, open_batch
from services.contracts.journey import Entry, Reentry
from services.engine.binding import Binding
from services.engine.claim import AS_PLANNED, BY_INDEX
from services.engine.plan import Plan, due_sql
from services.gates.contracts import Policy
from services.gates.records import record_of
from services.gates.statement import verdicts
from services.kit.metrics import ENROLMENTS
from services.kit.uow import Unit
from services.suppression.service import segmented

ENTRANT_TABLE = """
CREATE TEMP TABLE IF NOT EXISTS entrant (contact_id uuid PRIMARY KEY) ON COMMIT DELETE ROWS
"""

LOCK = f"""
WITH known AS (
  INSERT INTO cm.subject (practice_id, contact_id, pseudonym, first_seen_at, lane)
  SELECT :practice, e.contact_id, uuidv7(), :now, cm.lane(coalesce(c.household_id, e.contact_id)) FROM pg_temp.entrant e
  {record_of("e")} ORDER BY e.contact_id
  ON CONFLICT DO NOTHING
) SELECT 1
"""
TAKE = """
SELECT count(*) FROM (
  SELECT 1 FROM cm.subject s JOIN pg_temp.entrant e USING (contact_id)
  WHERE s.practice_id = :practice ORDER BY s.contact_id FOR {lock} OF s) locked
"""
TOGETHER, ALONE = TAKE.format(lock="SHARE"), TAKE.format(lock="UPDATE")

ENTER = """
WITH cand AS (
  SELECT c.contact_id, s.pseudonym, s.lane,
    1 + coalesce((SELECT max(x.entry_no) FROM cm.enrolment x WHERE x.practice_id = :practice
                  AND x.contact_id = c.contact_id AND x.campaign_id = :campaign), 0) AS entry_no
  FROM pg_temp.entrant c CROSS JOIN LATERAL (SELECT x.pseudonym, x.lane FROM cm.subject x
    WHERE x.practice_id = :practice AND x.contact_id = c.contact_id OFFSET 0) s
  WHERE {reentry}
),
{verdicts},
m AS MATERIALIZED (
  SELECT x.*, cm.nth_id((SELECT uuidv7()), x.seq) AS enrolment_id, cm.nth_id((SELECT uuidv7()), x.seq) AS audit_id
  FROM (SELECT v.contact_id, v.pseudonym, v.lane, v.entry_no, v.zone, v.reason,
      row_number() OVER (ORDER BY v.contact_id) AS nth, row_number() OVER () + :first_seq AS seq
    FROM verdict v) x
),
entered AS (
  INSERT INTO cm.enrolment (practice_id, enrolment_id, campaign_id, version_id, execution_id, contact_id, pseudonym,
    state, entry_no, step_id, move_no, enrolled_at, moved_at, ended_at, exit_reason, trigger_event)
  SELECT :practice, enrolment_id, :campaign, :version, :execution, contact_id, pseudonym,
    CASE WHEN {ends} THEN 'completed' ELSE 'live' END, entry_no,
    CASE WHEN {ends} THEN CAST(:first_step AS text) END, CASE WHEN {ends} THEN 0 END, :now, :now,
    CASE WHEN {ends} THEN CAST(:now AS timestamptz) END, CASE WHEN {ends} THEN 'END_OF_JOURNEY' END, :trigger
  FROM m WHERE reason IS NULL
  ON CONFLICT (practice_id, campaign_id, contact_id, entry_no) DO NOTHING
  RETURNING enrolment_id
),
queued AS (
  INSERT INTO cm.work (practice_id, enrolment_id, version_id, step_id, due_at, contact_id, move_no, enrolled_at, pseudonym, lane, trace)
  SELECT :practice, m.enrolment_id, :version, :first_step, {due}, m.contact_id, 0, :now, m.pseudonym, m.lane, CAST(:trace AS text)
  FROM m JOIN entered USING (enrolment_id) WHERE NOT ({ends})
),
refusals AS (
  INSERT INTO cm.refusal (practice_id, refusal_id, at, contact_id, campaign_id, version_id, step_id, reason)
  SELECT :practice, uuidv7(), :now, m.contact_id, :campaign, :version, :entry_step, m.reason FROM m
  WHERE m.reason IS NOT NULL AND NOT EXISTS (SELECT 1 FROM cm.refusal r WHERE r.practice_id = :practice
    AND r.contact_id = m.contact_id AND r.campaign_id = :campaign AND r.reason = m.reason AND r.step_id = :entry_step)
  RETURNING contact_id
),
audited AS (
  INSERT INTO cm.audit (practice_id, at, audit_id, batch_id, seq, tag, actor, campaign_id, enrolment_id, pseudonym, reason, leaf)
  SELECT :practice, :now, audit_id, :batch, seq, tag, 'engine', :campaign, enrolment_id, pseudonym, reason,
    cm.audit_leaf((SELECT cm.audit_head(:practice, :now)), audit_id, tag, 'engine', :campaign, enrolment_id, pseudonym, reason, '{{}}')
  FROM (SELECT m.audit_id, m.seq, m.pseudonym, coalesce(m.reason, '') AS reason, x.enrolment_id,
          CASE WHEN m.reason IS NULL THEN 'enrolment.entered' ELSE 'enrolment.refused' END AS tag
        FROM m LEFT JOIN entered x ON x.enrolment_id = m.enrolment_id
        WHERE x.enrolment_id IS NOT NULL OR m.contact_id IN (SELECT contact_id FROM refusals)) a
){care_plans}
SELECT (SELECT count(*) FROM entered) AS enrolled, (SELECT count(*) FROM refusals) AS refused
"""


@dataclass(frozen=True, slots=True)
class Entered:
    candidates: int
    enrolled: int
    refused: int


def reentry_sql(rule: Reentry, binding: Binding) -> str:
    """ENG-7, over alias `c` of the contact: true when this person may enter (again)."""
    mine = (
        "SELECT 1 FROM cm.enrolment x WHERE x.practice_id = :practice"
        " AND x.contact_id = c.contact_id AND x.campaign_id = :campaign"
    )
    match rule.rule:
        case "never":
            return f"NOT EXISTS ({mine})"
        case "after_exit":
            return f"NOT EXISTS ({mine} AND x.state IN ('live', 'held'))"
        case "after_period":
            since = binding.add(timedelta(days=rule.days))
            return f"NOT EXISTS ({mine} AND (x.ended_at IS NULL OR x.ended_at > :now - {since}))"
        case "concurrent":
            return "true"


async def choose(u: Unit, source: str, params: dict[str, Any]) -> int:
    """Fill the temporary table `entrant` from a SELECT of contact_id; returns how many."""
    await u.execute(ENTRANT_TABLE)
    await u.execute("DELETE FROM pg_temp.entrant")
    chosen = await u.execute(f"INSERT INTO pg_temp.entrant (contact_id) {source}", **params)
    return int(chosen.rowcount)


async def enter(
    u: Unit,
    plan: Plan,
    policy: Policy,
    *,
    candidates: int,
    execution_id: UUID | None = None,
    trigger: str | None = None,
    already: int = 0,
    trace: str | None = None,
) -> Entered:
    """Enrol everyone in `entrant` whom the gates let in. `already` people of this execution came
    before: it keeps the pace even across batches. `trace`: of the event that lets them in."""
    if not candidates:
        return Entered(0, 0, 0)
    await u.execute(LOCK, practice=u.practice_id, now=u.now)
    await u.execute(ALONE if policy.caps.exclusive else TOGETHER, practice=u.practice_id)
    entry, binding = plan.entry, Binding()
    # A delayed trigger waits at the entry itself, where the audience is asked again (EVT-3).
    first = entry if trigger and entry.delay_minutes else plan.target(entry, "next")
    due = due_sql(first, binding) if first else ":now"
    sql = ENTER.format(
        # Asked again with the locks held: what another worker committed since the choice counts.
        reentry=reentry_sql(entry.reentry, binding),
        verdicts=verdicts(entry=True, each=True),
        ends="false" if first else "true",
        care_plans=segmented(policy.campaign_type, "m x JOIN entered USING (enrolment_id)", enrolled=True),
        due=f"{due} + {offset_sql(plan, entry, binding, already)}",
    )
    await u.execute(BY_INDEX)
    row = (
        await u.execute(
            sql,
            **policy.params(),
            **binding.values,
            execution=execution_id,
            trigger=trigger,
            trace=trace,
            first_step=first.id if first else entry.id,
            entry_step=entry.id,
            batch=open_batch(u),
            first_seq=next_seq(u, candidates + 1),
        )
    ).one()
    await u.execute(AS_PLANNED)
    u.after_commit(partial(ENROLMENTS.labels("entered").inc, row.enrolled))
    u.after_commit(partial(ENROLMENTS.labels("refused").inc, row.refused))
    return Entered(candidates, row.enrolled, row.refused)


def offset_sql(plan: Plan, entry: Entry, binding: Binding, already: int) -> str:
    """Delay, even spread and pace (ENG-4) as one interval a person."""
    parts = [binding.add(timedelta(minutes=entry.delay_minutes))]
    pace, rank = plan.journey.pace, f"(m.nth - 1 + {binding.add(already)})"
    if pace.spread_minutes:
        whole = binding.add(timedelta(minutes=pace.spread_minutes))
        parts.append(f"{whole} * (cm.bucket('spread/', m.contact_id) / 10000.0)")
    if pace.per_minute:
        parts.append(f"{binding.add(timedelta(minutes=1))} * ({rank} / {binding.add(pace.per_minute)})")
    if pace.per_hour:
        parts.append(
            f"{binding.add(timedelta(hours=1))} * ({rank} / CAST({binding.add(pace.per_hour)} AS float8))"
        )
    return " + ".join(parts)
