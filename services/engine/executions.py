"""Executions: one run of a campaign over its audience, from first enrolment to outcome (D6)."""

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from services.audience.service import snapshot
from services.audit.append import next_seq, open_batch, record
from services.audit.tags import AuditTag
from services.campaigns.service import finish_campaign
from services.contracts.segment import Audience
from services.engine.claim import BATCH
from services.engine.enrol import Entered
from services.kit.uow import Unit
from services.suppression.service import care_plan_left

ZERO = UUID(int=0)
RESCAN = timedelta(seconds=60)
"""How often a dynamic campaign looks for people who joined its audience."""

OPEN = """
SELECT x.execution_id, x.campaign_id, x.version_id, x.cursor_contact, x.enrolled, x.scanned_at IS NULL AS first
FROM cm.execution x JOIN cm.campaign c ON c.practice_id = x.practice_id AND c.campaign_id = x.campaign_id
WHERE x.practice_id = :practice AND NOT x.enrolled_all AND x.ended_at IS NULL AND x.started_at <= :now AND c.state = 'active'
ORDER BY x.started_at
"""
TAKE = """
SELECT cursor_contact, enrolled FROM cm.execution
WHERE practice_id = :practice AND execution_id = :execution AND NOT enrolled_all AND ended_at IS NULL FOR UPDATE SKIP LOCKED
"""
PROGRESS = """
UPDATE cm.execution SET audience_size = audience_size + :candidates, enrolled = enrolled + :enrolled, refused = refused + :refused,
  cursor_contact = (SELECT max(contact_id::text)::uuid FROM pg_temp.entrant), enrolled_all = :last, scanned_at = :now
WHERE practice_id = :practice AND execution_id = :execution
"""
LAST = """
UPDATE cm.execution SET enrolled_all = true, scanned_at = :now WHERE practice_id = :practice AND execution_id = :execution
"""
# A dynamic campaign's execution never ends: it starts over from the first contact.
AGAIN = """
UPDATE cm.execution x SET enrolled_all = false, cursor_contact = NULL
FROM cm.campaign c WHERE x.practice_id = :practice AND c.practice_id = x.practice_id AND c.campaign_id = x.campaign_id
  AND c.state = 'active' AND c.kind = 'dynamic' AND x.enrolled_all AND x.ended_at IS NULL AND x.scanned_at <= :before
"""
FINISHED = """
SELECT x.execution_id, x.campaign_id, c.kind, x.enrolled FROM cm.execution x
JOIN cm.campaign c ON c.practice_id = x.practice_id AND c.campaign_id = x.campaign_id
WHERE x.practice_id = :practice AND x.enrolled_all AND x.ended_at IS NULL AND c.state = 'active' AND c.kind <> 'dynamic'
  AND NOT EXISTS (SELECT 1 FROM cm.enrolment e WHERE e.practice_id = :practice AND e.campaign_id = x.campaign_id
                  AND e.state IN ('live', 'held') AND e.execution_id = x.execution_id)
FOR UPDATE OF x SKIP LOCKED
"""
END = """
UPDATE cm.execution x SET ended_at = :now, outcome = (
  SELECT CASE WHEN count(*) = 0 THEN 'empty' WHEN count(*) = count(*) FILTER (WHERE d.status IN ('failed', 'bounced')) THEN 'failed'
    WHEN count(*) FILTER (WHERE d.status IN ('failed', 'bounced', 'cancelled')) > 0 THEN 'partial' ELSE 'delivered' END
  FROM cm.enrolment e JOIN cm.dispatch d ON d.practice_id = :practice AND d.enrolment_id = e.enrolment_id AND d.enrolled_at = e.enrolled_at
  WHERE e.practice_id = :practice AND e.campaign_id = x.campaign_id AND e.execution_id = x.execution_id)
WHERE x.practice_id = :practice AND x.execution_id = :execution RETURNING outcome
"""

ANY_LEFT = """
SELECT 1 FROM cm.campaign c WHERE c.practice_id = :practice AND c.state IN ('cancelled', 'completed')
  AND EXISTS (SELECT 1 FROM cm.enrolment e WHERE e.practice_id = :practice AND e.campaign_id = c.campaign_id
              AND e.state IN ('live', 'held')) LIMIT 1
"""
CARE_PLAN_LEFT = care_plan_left("gone")
# Work before enrolments, as everybody who stops somebody does: two orders would be a deadlock.
LOCK_LEFT = f"""
SELECT w.enrolment_id FROM cm.work w
JOIN cm.enrolment x ON x.practice_id = w.practice_id AND x.enrolment_id = w.enrolment_id
JOIN cm.campaign c ON c.practice_id = x.practice_id AND c.campaign_id = x.campaign_id
WHERE w.practice_id = :practice AND c.state IN ('cancelled', 'completed')
ORDER BY w.enrolment_id LIMIT {BATCH} FOR UPDATE OF w SKIP LOCKED
"""
# People left in campaigns that ended: out of them, set-based, a batch at a time.
LEFT = f"""
WITH gone AS (
  UPDATE cm.enrolment e SET state = 'exited', exit_reason = 'CAMPAIGN_ENDED', ended_at = :now, moved_at = :now,
    step_id = was.step_id, move_no = was.move_no, held_reason = NULL, held_due_at = NULL
  FROM cm.whereabouts was WHERE was.practice_id = :practice AND was.enrolment_id = e.enrolment_id
    AND e.practice_id = :practice AND e.enrolment_id IN (
    SELECT x.enrolment_id FROM cm.enrolment x JOIN cm.campaign c ON c.practice_id = x.practice_id AND c.campaign_id = x.campaign_id
    WHERE x.practice_id = :practice AND c.state IN ('cancelled', 'completed')
      AND (x.state = 'held' OR x.state = 'live' AND x.enrolment_id = ANY (:locked))
    ORDER BY x.enrolment_id LIMIT {BATCH} FOR UPDATE OF x SKIP LOCKED)
  RETURNING e.enrolment_id, e.campaign_id, e.contact_id, e.pseudonym
), work AS (
  DELETE FROM cm.work w USING gone g WHERE w.practice_id = :practice AND w.enrolment_id = g.enrolment_id
), held_back AS (
  UPDATE cm.dispatch d SET status = 'cancel_requested', status_at = :now, failure = 'CAMPAIGN_ENDED' FROM gone g
  WHERE d.practice_id = :practice AND d.enrolment_id = g.enrolment_id AND d.status IN ('requested', 'accepted')
  RETURNING d.dispatch_id, d.contact_id
), told AS (
  INSERT INTO cm.outbox (practice_id, outbox_id, type, contact_id, dispatch_id, occurred_at, data)
  SELECT :practice, uuidv7(), 'campaign.step.cancelled', contact_id, dispatch_id, :now, json_build_object('dispatch_id', dispatch_id,
    'contact_id', contact_id, 'practice_id', CAST(:practice AS uuid), 'reason', 'CAMPAIGN_ENDED') FROM held_back
), n AS (
  SELECT g.*, uuidv7() AS audit_id, row_number() OVER () + :first_seq AS seq FROM gone g
), audited AS (
  INSERT INTO cm.audit (practice_id, at, audit_id, batch_id, seq, tag, actor, campaign_id, enrolment_id, pseudonym, reason, leaf)
  SELECT :practice, :now, audit_id, :batch, seq, 'enrolment.exited', 'engine', campaign_id, enrolment_id, pseudonym, 'CAMPAIGN_ENDED',
    cm.audit_leaf(:practice, :now, audit_id, 'enrolment.exited', 'engine', campaign_id, enrolment_id, pseudonym, 'CAMPAIGN_ENDED', '{{}}')
  FROM n
), care_plans AS ({CARE_PLAN_LEFT})
SELECT count(*) FROM gone
"""


@dataclass(frozen=True, slots=True)
class OpenExecution:
    execution_id: UUID
    campaign_id: UUID
    version_id: UUID
    cursor: UUID
    enrolled: int
    first: bool
    """Nobody of the audience has been looked at yet."""


async def open_executions(u: Unit) -> list[OpenExecution]:
    """Executions of active campaigns that have people left to look at."""
    rows = await u.execute(OPEN, practice=u.practice_id, now=u.now)
    return [
        OpenExecution(
            r.execution_id, r.campaign_id, r.version_id, r.cursor_contact or ZERO, r.enrolled, r.first
        )
        for r in rows
    ]


async def take(u: Unit, execution: OpenExecution) -> OpenExecution | None:
    """Lock an execution for one batch, with its cursor as it is now; None when another worker has it."""
    row = (await u.execute(TAKE, practice=u.practice_id, execution=execution.execution_id)).one_or_none()
    if row is None:
        return None
    return replace(execution, cursor=row.cursor_contact or ZERO, enrolled=row.enrolled)


async def progressed(
    u: Unit, execution: OpenExecution, entered: Entered, audience: Audience, *, last: bool
) -> None:
    """Remember how far enrolment came; at the end seal who was in it (AUD-5)."""
    where = {"practice": u.practice_id, "execution": execution.execution_id, "now": u.now}
    if entered.candidates:
        await u.execute(
            PROGRESS,
            **where,
            candidates=entered.candidates,
            enrolled=entered.enrolled,
            refused=entered.refused,
            last=last,
        )
    else:
        await u.execute(LAST, **where)
    # A dynamic audience is read again every minute: sealed when it was new to somebody.
    if last and (entered.candidates or execution.first):
        await snapshot(u, execution.execution_id, audience)


async def rescan(u: Unit) -> None:
    await u.execute(AGAIN, practice=u.practice_id, before=u.now - RESCAN)


async def finish(u: Unit) -> int:
    """Close executions whose people have all left; a campaign that ran once is then complete."""
    rows = (await u.execute(FINISHED, practice=u.practice_id)).all()
    for row in rows:
        outcome = (
            await u.execute(END, practice=u.practice_id, execution=row.execution_id, now=u.now)
        ).scalar_one()
        await record(
            u, AuditTag.EXECUTION_ENDED, campaign_id=row.campaign_id,
            execution=row.execution_id, outcome=outcome, enrolled=row.enrolled,
        )  # fmt: skip
        if row.kind in ("one_off", "scheduled"):
            await finish_campaign(u, row.campaign_id)
    return len(rows)


async def empty_ended(u: Unit) -> int:
    """Take people out of campaigns that were cancelled or completed; returns how many."""
    if not (await u.execute(ANY_LEFT, practice=u.practice_id)).first():
        return 0
    locked = (await u.execute(LOCK_LEFT, practice=u.practice_id)).scalars().all()
    gone = await u.execute(
        LEFT,
        practice=u.practice_id,
        now=u.now,
        locked=list(locked),
        batch=open_batch(u),
        first_seq=next_seq(u, BATCH + 1),
    )
    return int(gone.scalar_one())
