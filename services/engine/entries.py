"""Who belongs to a journey's audience, asked again when a delayed entry's time comes (EVT-3).

An event with a delay lets a person in twice over: at the event they must be in the audience, and
after the delay they still must; who left it meanwhile gets nothing.
"""

from typing import Any

from services.audience.service import where
from services.audit.append import next_seq, open_batch
from services.contracts.segment import Audience
from services.engine.claim import DueStep
from services.engine.plan import Plan
from services.kit.uow import Unit
from services.suppression.service import segmented

LEAVE = """
WITH gone AS (
  UPDATE cm.enrolment e SET state = 'exited', exit_reason = 'NOT_IN_AUDIENCE', ended_at = :now, moved_at = :now,
    step_id = :step, move_no = k.move_no
  FROM pg_temp.claim k WHERE e.practice_id = :practice AND e.enrolment_id = k.enrolment_id
    AND NOT EXISTS (SELECT 1 FROM canonical.contact c WHERE c.practice_id = :practice
                    AND c.contact_id = k.contact_id AND ({audience}))
  RETURNING e.enrolment_id, e.contact_id, e.pseudonym
),
work AS (
  DELETE FROM cm.work w USING gone g WHERE w.practice_id = :practice AND w.enrolment_id = g.enrolment_id
),
n AS MATERIALIZED (
  SELECT g.*, uuidv7() AS audit_id, row_number() OVER () + :first_seq AS seq FROM gone g
),
audited AS (
  INSERT INTO cm.audit (practice_id, at, audit_id, batch_id, seq, tag, actor, campaign_id, enrolment_id, pseudonym, reason, leaf)
  SELECT :practice, :now, audit_id, :batch, seq, 'enrolment.exited', 'engine', :campaign, enrolment_id, pseudonym, 'NOT_IN_AUDIENCE',
    cm.audit_leaf((SELECT cm.audit_head(:practice, :now)), audit_id, 'enrolment.exited', 'engine', :campaign, enrolment_id, pseudonym, 'NOT_IN_AUDIENCE', '{{}}')
  FROM n
){care_plans}
DELETE FROM pg_temp.claim k USING n WHERE k.enrolment_id = n.enrolment_id
"""


async def belongs(u: Unit, audience: Audience) -> tuple[str, dict[str, Any]]:
    """SQL over alias `c` of the contact, with its values: is this person in the audience? An
    audience without rules takes everyone of its kinds (entries one by one)."""
    if not audience.include:
        return "c.kind = ANY (:a_kinds)", {"a_kinds": list(audience.kinds)}
    fragment = await where(u, audience, prefix="a_")
    return fragment.sql, dict(fragment.params)


async def let_go(u: Unit, due: DueStep, plan: Plan, size: int) -> int:
    """End the claimed entries of people who left the audience; returns how many."""
    audience, params = await belongs(u, plan.journey.audience)
    sql = LEAVE.format(
        audience=audience,
        care_plans=segmented(plan.journey.campaign_type, "n x WHERE true", enrolled=False),
    )
    gone = await u.execute(
        sql,
        **params,
        practice=u.practice_id,
        now=u.now,
        campaign=due.campaign_id,
        step=due.step_id,
        batch=open_batch(u),
        first_seq=next_seq(u, size + 1),
    )
    return int(gone.rowcount)
