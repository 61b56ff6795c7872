"""SQL of suppression. The order of locks is the same everywhere: subject, work, enrolment, outbox."""

LOCK_SUBJECT = """
SELECT pseudonym FROM cm.subject WHERE practice_id = :practice AND contact_id = :contact FOR UPDATE
"""

INSERT = """
INSERT INTO cm.suppression (practice_id, suppression_id, contact_id, reason, scope, channel, topic, campaign_types,
  campaign_id, goal, record_ref, event_id, event_at, note, applied_by, applied_at, expires_at)
VALUES (:practice, :id, :contact, :reason, :scope, :channel, :topic, :types, :campaign, :goal, :record_ref, :event_id,
  :event_at, :note, :by, :now, :expires)
ON CONFLICT (practice_id, contact_id, reason, scope, coalesce(channel, ''), coalesce(topic, ''), coalesce(record_ref, ''),
  coalesce(campaign_id, '00000000-0000-0000-0000-000000000000')) WHERE lifted_at IS NULL
DO UPDATE SET expires_at = CASE WHEN cm.suppression.expires_at IS NULL OR excluded.expires_at IS NULL THEN NULL
    ELSE greatest(cm.suppression.expires_at, excluded.expires_at) END,
  event_at = greatest(cm.suppression.event_at, excluded.event_at)
RETURNING suppression_id, (xmax = 0) AS fresh
"""

# Live enrolments of a contact that a suppression touches. Work rows are locked first, as the
# dispatcher does: whoever holds them decides, the other waits or skips.
LOCK_WORK = """
SELECT w.enrolment_id FROM cm.work w
JOIN cm.enrolment e ON e.practice_id = w.practice_id AND e.enrolment_id = w.enrolment_id
WHERE e.practice_id = :practice AND e.contact_id = :contact
ORDER BY w.enrolment_id FOR UPDATE OF w
"""
AFFECTED = """
SELECT e.enrolment_id, e.campaign_id, c.campaign_type, c.objective
FROM cm.enrolment e
JOIN cm.campaign c ON c.practice_id = e.practice_id AND c.campaign_id = e.campaign_id
WHERE e.practice_id = :practice AND e.contact_id = :contact AND e.state IN ('live', 'held')
ORDER BY e.enrolment_id FOR UPDATE OF e
"""

HOLD = """
UPDATE cm.enrolment e SET state = 'held', held_reason = :reason, moved_at = :now,
  step_id = w.step_id, move_no = w.move_no, held_due_at = w.due_at
FROM cm.work w WHERE w.practice_id = :practice AND w.enrolment_id = e.enrolment_id
  AND e.practice_id = :practice AND e.enrolment_id = ANY (:ids) AND e.state = 'live'
RETURNING e.enrolment_id, e.campaign_id
"""
EXIT = """
UPDATE cm.enrolment e SET state = 'exited', exit_reason = :reason, ended_at = :now, moved_at = :now,
  step_id = was.step_id, move_no = was.move_no, held_reason = NULL, held_due_at = NULL
FROM cm.whereabouts was WHERE was.practice_id = :practice AND was.enrolment_id = e.enrolment_id
  AND e.practice_id = :practice AND e.enrolment_id = ANY (:ids) AND e.state IN ('live', 'held')
RETURNING e.enrolment_id, e.campaign_id, (SELECT c.campaign_type FROM cm.campaign c
  WHERE c.practice_id = e.practice_id AND c.campaign_id = e.campaign_id) AS campaign_type
"""
DROP_WORK = "DELETE FROM cm.work WHERE practice_id = :practice AND enrolment_id = ANY (:ids)"

RELEASE = """
WITH freed AS (
  UPDATE cm.enrolment e SET state = 'live', moved_at = :now, held_reason = NULL, step_id = NULL, move_no = NULL
  WHERE e.practice_id = :practice AND e.contact_id = :contact AND e.state = 'held'
    AND NOT EXISTS (SELECT 1 FROM cm.suppression s
      JOIN cm.campaign c ON c.practice_id = e.practice_id AND c.campaign_id = e.campaign_id
      WHERE s.practice_id = :practice AND s.contact_id = :contact AND s.lifted_at IS NULL
        AND (s.expires_at IS NULL OR s.expires_at > :now) AND s.reason = ANY (:holding)
        AND (s.scope = 'all' OR s.scope = 'types' AND c.campaign_type = ANY (s.campaign_types)
             OR s.scope = 'campaign' AND s.campaign_id = e.campaign_id))
  RETURNING e.enrolment_id, e.campaign_id, e.version_id, old.step_id, e.contact_id, old.move_no, e.held_due_at, e.enrolled_at
), queued AS (
  INSERT INTO cm.work (practice_id, enrolment_id, version_id, step_id, due_at, contact_id, move_no, enrolled_at, pseudonym, lane)
  SELECT :practice, f.enrolment_id, f.version_id, f.step_id, greatest(f.held_due_at, :now), f.contact_id, f.move_no,
    f.enrolled_at, s.pseudonym, s.lane
  FROM freed f JOIN cm.subject s ON s.practice_id = :practice AND s.contact_id = f.contact_id
)
SELECT enrolment_id, campaign_id FROM freed
"""

# A follow-up has no campaign; it is judged as a type of its own.
# What was requested and may not be sent any more: of the journeys that stop, and whatever else the
# scope covers, also of journeys that had come to their end while their last message was under way.
PENDING = """
SELECT d.dispatch_id FROM cm.dispatch d
LEFT JOIN cm.campaign c ON c.practice_id = d.practice_id AND c.campaign_id = d.campaign_id
WHERE d.practice_id = :practice AND d.contact_id = :contact AND d.status IN ('requested', 'accepted')
  AND d.requested_at > CAST(:now AS timestamptz) - interval '60 days'
  AND (d.enrolment_id = ANY (:ids) OR CASE CAST(:scope AS text) WHEN 'all' THEN true
    WHEN 'types' THEN coalesce(c.campaign_type, :judged_as) = ANY (CAST(:types AS text[]))
    WHEN 'campaign' THEN d.campaign_id = :campaign
    WHEN 'goal' THEN c.objective = :goal
    WHEN 'topic' THEN d.topic = :topic
    WHEN 'channel' THEN d.channels = ARRAY[CAST(:channel AS text)] ELSE false END)
ORDER BY d.dispatch_id
"""
# First out of the outbox, where the relay has not been …
UNSENT = """
DELETE FROM cm.outbox o WHERE o.practice_id = :practice AND o.outbox_id = ANY (:pending) AND o.contact_id = :contact
RETURNING o.dispatch_id
"""
# … then what the Hub may still hold: it is told, and answers with what became of it.
CANCEL = """
UPDATE cm.dispatch d SET status = CASE WHEN d.dispatch_id = ANY (:unsent) THEN 'cancelled' ELSE 'cancel_requested' END,
  status_at = :now, failure = :reason
WHERE d.practice_id = :practice AND d.contact_id = :contact AND d.dispatch_id = ANY (:pending)
  AND d.status IN ('requested', 'accepted')
RETURNING d.dispatch_id, d.campaign_id, d.enrolment_id, d.status
"""

LIFT = """
UPDATE cm.suppression SET lifted_at = :now, lifted_by = :by, lift_reason = :why
WHERE practice_id = :practice AND contact_id = :contact AND lifted_at IS NULL AND reason = ANY (:reasons)
  AND (CAST(:record_ref AS text) IS NULL OR record_ref = :record_ref)
  AND (CAST(:channel AS text) IS NULL OR scope = 'all' OR channel = :channel)
  AND (CAST(:event_at AS timestamptz) IS NULL OR event_at IS NULL OR event_at <= :event_at)
RETURNING suppression_id, reason, scope
"""

# Has the event that ends such a suppression happened after it, and only arrived before it?
OVERTAKEN = """
SELECT 1 FROM cm.inbound_event WHERE practice_id = :practice AND contact_id = :contact AND type = ANY (:types)
  AND occurred_at > :event_at AND (CAST(:key AS text) IS NULL OR coalesce(data->>:key, '') = ANY (:values)) LIMIT 1
"""

EXPIRED = """
SELECT contact_id, array_agg(DISTINCT reason) AS reasons FROM cm.suppression
WHERE practice_id = :practice AND lifted_at IS NULL AND expires_at <= :now
GROUP BY contact_id ORDER BY contact_id LIMIT 500
"""
LIFT_EXPIRED = """
UPDATE cm.suppression SET lifted_at = :now, lifted_by = 'engine', lift_reason = 'HOLD_TIMEOUT'
WHERE practice_id = :practice AND contact_id = :contact AND lifted_at IS NULL AND expires_at <= :now
RETURNING suppression_id, reason
"""

LIVE = """
SELECT suppression_id, reason, scope, channel, topic, campaign_types, campaign_id, goal, note, applied_by, applied_at, expires_at
FROM cm.suppression WHERE practice_id = :practice AND contact_id = :contact AND lifted_at IS NULL
  AND (expires_at IS NULL OR expires_at > :now) ORDER BY applied_at
"""
