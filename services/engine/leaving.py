"""Taking people out of a journey for a reason of the campaign's own, a batch at a time, set-based.

Whoever calls has locked their work before: work before enrolments, as everybody who stops somebody
does, because two orders would be a deadlock.
"""

from services.suppression.service import care_plan_left

STATEMENT = """
WITH gone AS (
  UPDATE cm.enrolment e SET state = 'exited', exit_reason = '{reason}', ended_at = :now, moved_at = :now,
    step_id = was.step_id, move_no = was.move_no, held_reason = NULL, held_due_at = NULL
  FROM cm.whereabouts was WHERE was.practice_id = :practice AND was.enrolment_id = e.enrolment_id
    AND e.practice_id = :practice AND e.enrolment_id IN (
    {who})
  RETURNING e.enrolment_id, e.campaign_id, e.contact_id, e.pseudonym
), work AS (
  DELETE FROM cm.work w USING gone g WHERE w.practice_id = :practice AND w.enrolment_id = g.enrolment_id
), held_back AS (
  UPDATE cm.dispatch d SET status = 'cancel_requested', status_at = :now, failure = '{reason}' FROM gone g
  WHERE d.practice_id = :practice AND d.enrolment_id = g.enrolment_id AND d.status IN ('requested', 'accepted')
  RETURNING d.dispatch_id, d.contact_id
), told AS (
  INSERT INTO cm.outbox (practice_id, outbox_id, type, contact_id, dispatch_id, occurred_at, data)
  SELECT :practice, uuidv7(), 'campaign.step.cancelled', contact_id, dispatch_id, :now, json_build_object('dispatch_id', dispatch_id,
    'contact_id', contact_id, 'practice_id', CAST(:practice AS uuid), 'reason', '{reason}') FROM held_back
), n AS (
  SELECT g.*, uuidv7() AS audit_id, row_number() OVER () + :first_seq AS seq FROM gone g
), audited AS (
  INSERT INTO cm.audit (practice_id, at, audit_id, batch_id, seq, tag, actor, campaign_id, enrolment_id, pseudonym, reason, leaf)
  SELECT :practice, :now, audit_id, :batch, seq, 'enrolment.exited', 'engine', campaign_id, enrolment_id, pseudonym, '{reason}',
    cm.audit_leaf((SELECT cm.audit_head(:practice, :now)), audit_id, 'enrolment.exited', 'engine', campaign_id, enrolment_id, pseudonym, '{reason}', '{{}}')
  FROM n
), care_plans AS ({care_plans})
SELECT count(*) FROM gone
"""


def leaving(reason: str, who: str) -> str:
    """SQL that ends the enrolments which `who` selects and locks; it returns how many. Messages that the
    Hub may still hold are called back. Bound: `:practice`, `:now`, `:batch`, `:first_seq`, and what
    `who` binds."""
    return STATEMENT.format(who=who, reason=reason, care_plans=care_plan_left("gone"))
