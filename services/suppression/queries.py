"""SQL of suppression, each statement for many people at once. The order of locks is the same
everywhere: subject, work, enrolment, outbox; and within each the order of their keys."""

from services.gates.requested import requested_of

LOCK_SUBJECTS = """
SELECT contact_id, pseudonym FROM cm.subject WHERE practice_id = :practice AND contact_id = ANY (:contacts)
ORDER BY contact_id FOR UPDATE
"""

INSERT = """
INSERT INTO cm.suppression (practice_id, suppression_id, contact_id, reason, scope, channel, topic, campaign_types,
  campaign_id, goal, record_ref, event_id, event_at, note, applied_by, applied_at, expires_at)
SELECT :practice, uuidv7(), t.contact, t.reason, t.scope, t.channel, t.topic, t.types, t.campaign, t.goal, t.record_ref,
  t.event_id, t.event_at, t.note, :by, :now, t.expires
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS t(contact uuid, reason text, scope text, channel text, topic text,
  types text[], campaign uuid, goal text, record_ref text, event_id text, event_at timestamptz, note text, expires timestamptz)
ON CONFLICT (practice_id, contact_id, reason, scope, coalesce(channel, ''), coalesce(topic, ''), coalesce(record_ref, ''),
  coalesce(campaign_id, '00000000-0000-0000-0000-000000000000')) WHERE lifted_at IS NULL
DO UPDATE SET expires_at = CASE WHEN cm.suppression.expires_at IS NULL OR excluded.expires_at IS NULL THEN NULL
    ELSE greatest(cm.suppression.expires_at, excluded.expires_at) END,
  event_at = greatest(cm.suppression.event_at, excluded.event_at)
RETURNING contact_id, (xmax = 0) AS fresh
"""

# Live enrolments of a contact that a suppression touches. Work rows are locked first, as the
# dispatcher does: whoever holds them decides, the other waits or skips.
LOCK_WORK = """
SELECT w.enrolment_id FROM cm.enrolment e
JOIN cm.work w ON w.practice_id = :practice AND w.enrolment_id = e.enrolment_id
WHERE e.practice_id = :practice AND e.contact_id = ANY (:contacts)
ORDER BY w.enrolment_id FOR UPDATE OF w
"""
# Those who have work that somebody else holds: one snapshot for what there is and what could be had.
BUSY = """
WITH there AS MATERIALIZED (
  SELECT e.contact_id, e.enrolment_id FROM cm.enrolment e
  JOIN cm.work w ON w.practice_id = :practice AND w.enrolment_id = e.enrolment_id
  WHERE e.practice_id = :practice AND e.contact_id = ANY (:contacts)
), had AS MATERIALIZED (
  SELECT w.enrolment_id FROM cm.work w WHERE w.practice_id = :practice
    AND w.enrolment_id = ANY (ARRAY(SELECT enrolment_id FROM there)) FOR UPDATE SKIP LOCKED
)
SELECT DISTINCT contact_id FROM there WHERE enrolment_id NOT IN (SELECT enrolment_id FROM had)
"""
AFFECTED = """
SELECT e.contact_id, e.enrolment_id, e.campaign_id, c.campaign_type, c.objective
FROM cm.enrolment e
JOIN cm.campaign c ON c.practice_id = e.practice_id AND c.campaign_id = e.campaign_id
WHERE e.practice_id = :practice AND e.contact_id = ANY (:contacts) AND e.state IN ('live', 'held')
ORDER BY e.enrolment_id FOR UPDATE OF e
"""

HOLD = """
UPDATE cm.enrolment e SET state = 'held', held_reason = t.reason, moved_at = :now,
  step_id = w.step_id, move_no = w.move_no, held_due_at = w.due_at, held_signal = w.signal
FROM unnest(CAST(:ids AS uuid[]), CAST(:reasons AS text[])) AS t(enrolment_id, reason), cm.work w
WHERE w.practice_id = :practice AND w.enrolment_id = t.enrolment_id
  AND e.practice_id = :practice AND e.enrolment_id = t.enrolment_id AND e.state = 'live'
RETURNING e.contact_id, e.enrolment_id, e.campaign_id, NULL AS campaign_type
"""
EXIT = """
UPDATE cm.enrolment e SET state = 'exited', exit_reason = t.reason, ended_at = :now, moved_at = :now,
  step_id = was.step_id, move_no = was.move_no, held_reason = NULL, held_due_at = NULL, held_signal = NULL
FROM unnest(CAST(:ids AS uuid[]), CAST(:reasons AS text[])) AS t(enrolment_id, reason), cm.whereabouts was
WHERE was.practice_id = :practice AND was.enrolment_id = t.enrolment_id
  AND e.practice_id = :practice AND e.enrolment_id = t.enrolment_id AND e.state IN ('live', 'held')
RETURNING e.contact_id, e.enrolment_id, e.campaign_id, (SELECT c.campaign_type FROM cm.campaign c
  WHERE c.practice_id = e.practice_id AND c.campaign_id = e.campaign_id) AS campaign_type
"""
DROP_WORK = "DELETE FROM cm.work WHERE practice_id = :practice AND enrolment_id = ANY (:ids)"

RELEASE = """
WITH freed AS (
  UPDATE cm.enrolment e SET state = 'live', moved_at = :now, held_reason = NULL, held_signal = NULL, step_id = NULL, move_no = NULL
  WHERE e.practice_id = :practice AND e.contact_id = ANY (:contacts) AND e.state = 'held'
    AND NOT EXISTS (SELECT 1 FROM cm.suppression s
      JOIN cm.campaign c ON c.practice_id = e.practice_id AND c.campaign_id = e.campaign_id
      WHERE s.practice_id = :practice AND s.contact_id = e.contact_id AND s.lifted_at IS NULL
        AND (s.expires_at IS NULL OR s.expires_at > :now) AND s.reason = ANY (:holding)
        AND (s.scope = 'all' OR s.scope = 'types' AND c.campaign_type = ANY (s.campaign_types)
             OR s.scope = 'campaign' AND s.campaign_id = e.campaign_id))
  RETURNING e.enrolment_id, e.campaign_id, e.version_id, old.step_id, e.contact_id, old.move_no, e.held_due_at, e.enrolled_at,
    old.held_signal
), queued AS (
  INSERT INTO cm.work (practice_id, enrolment_id, version_id, step_id, due_at, contact_id, move_no, enrolled_at, pseudonym, lane,
    signal)
  SELECT :practice, f.enrolment_id, f.version_id, f.step_id,
    CASE WHEN f.held_signal IS NULL THEN greatest(f.held_due_at, :now) ELSE CAST(:now AS timestamptz) END,
    f.contact_id, f.move_no, f.enrolled_at, s.pseudonym, s.lane, f.held_signal
  FROM freed f JOIN cm.subject s ON s.practice_id = :practice AND s.contact_id = f.contact_id
)
SELECT contact_id, enrolment_id, campaign_id FROM freed
"""

# A follow-up has no campaign; it is judged as a type of its own.
# What was requested and may not be sent any more: of the journeys that stop, and whatever else the
# scope covers, also of journeys that had come to their end while their last message was under way.
# Only requests of the last 60 days: what the Hub has not sent by then it has given up long ago.
RECALLED = "CAST(:now AS timestamptz) - interval '60 days'"
PENDING = f"""
SELECT t.contact, d.dispatch_id, d.enrolled_at
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS t(contact uuid, scope text, types text[], campaign uuid, goal text,
  topic text, channel text, ids uuid[])
CROSS JOIN LATERAL {requested_of("t.contact", RECALLED)}
LEFT JOIN cm.campaign c ON c.practice_id = d.practice_id AND c.campaign_id = d.campaign_id
WHERE d.status IN ('requested', 'accepted') AND (d.enrolment_id = ANY (t.ids) OR CASE t.scope WHEN 'all' THEN true
    WHEN 'types' THEN coalesce(c.campaign_type, :judged_as) = ANY (t.types)
    WHEN 'campaign' THEN d.campaign_id = t.campaign
    WHEN 'goal' THEN c.objective = t.goal
    WHEN 'topic' THEN d.topic = t.topic
    WHEN 'channel' THEN d.channels = ARRAY[t.channel] ELSE false END)
ORDER BY d.dispatch_id
"""
# First out of the outbox, where the relay has not been …
UNSENT = """
DELETE FROM cm.outbox o USING unnest(CAST(:pending AS uuid[]), CAST(:contacts AS uuid[])) AS t(dispatch_id, contact_id)
WHERE o.practice_id = :practice AND o.outbox_id = t.dispatch_id AND o.contact_id = t.contact_id
RETURNING o.dispatch_id
"""
# … then what the Hub may still hold: it is told, and answers with what became of it. The moments of entry
# are said twice: as a list they tell the planner which months it need not look into.
CANCEL = """
UPDATE cm.dispatch d SET status = CASE WHEN d.dispatch_id = ANY (:unsent) THEN 'cancelled' ELSE 'cancel_requested' END,
  status_at = :now, failure = t.reason
FROM unnest(CAST(:pending AS uuid[]), CAST(:entered AS timestamptz[]), CAST(:contacts AS uuid[]), CAST(:reasons AS text[]))
  AS t(dispatch_id, enrolled_at, contact_id, reason)
WHERE d.practice_id = :practice AND d.enrolled_at = ANY (:entered) AND d.enrolled_at = t.enrolled_at AND d.contact_id = t.contact_id AND d.dispatch_id = t.dispatch_id
  AND d.status IN ('requested', 'accepted')
RETURNING d.contact_id, d.dispatch_id, d.campaign_id, d.enrolment_id, d.status
"""

LIFT = """
UPDATE cm.suppression s SET lifted_at = :now, lifted_by = :by, lift_reason = t.why
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS t(contact uuid, reasons text[], record_ref text, channel text,
  event_at timestamptz, why text, older_only boolean)
WHERE s.practice_id = :practice AND s.contact_id = t.contact AND s.lifted_at IS NULL AND s.reason = ANY (t.reasons)
  AND (t.record_ref IS NULL OR s.record_ref = t.record_ref)
  AND (t.channel IS NULL OR s.scope = 'all' OR s.channel = t.channel)
  AND (t.event_at IS NULL OR s.event_at IS NULL OR s.event_at <= t.event_at AND NOT (t.older_only AND s.event_at = t.event_at))
RETURNING s.contact_id, s.suppression_id, s.reason, s.scope, s.event_id, s.event_at
"""

# Has the event that ends such a suppression happened after it, and only arrived before it?
OVERTAKEN = """
SELECT DISTINCT t.contact FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS t(contact uuid, types text[], after timestamptz,
  key text, "values" text[])
JOIN cm.inbound_event i ON i.practice_id = :practice AND i.contact_id = t.contact AND i.type = ANY (t.types)
  AND i.occurred_at > t.after
WHERE t.key IS NULL OR coalesce(i.data->>t.key, '') = ANY (t."values")
"""
# Which channels a yes to marketing has opened since; `all` when it was to all of them (none named: all).
OPENED_SINCE = """
SELECT t.contact AS contact_id, coalesce(nullif(i.data->>'channel', ''), 'all') AS channel
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS t(contact uuid, at timestamptz)
JOIN cm.inbound_event i ON i.practice_id = :practice AND i.contact_id = t.contact AND i.type = 'consent.granted'
  AND i.occurred_at > t.at
WHERE coalesce(i.data->>'purpose', 'marketing') IN ('marketing', 'all')
"""

EXPIRED = """
SELECT contact_id, array_agg(DISTINCT reason) AS reasons FROM cm.suppression
WHERE practice_id = :practice AND lifted_at IS NULL AND expires_at <= :now
GROUP BY contact_id ORDER BY contact_id LIMIT 500
"""
LIFT_EXPIRED = """
UPDATE cm.suppression SET lifted_at = :now, lifted_by = 'engine', lift_reason = 'HOLD_TIMEOUT'
WHERE practice_id = :practice AND contact_id = ANY (:contacts) AND lifted_at IS NULL AND expires_at <= :now
RETURNING contact_id, suppression_id, reason
"""

PRACTICE = """
SELECT suppression_id, contact_id, reason, scope, channel, topic, campaign_types, campaign_id, note, applied_by, applied_at,
  expires_at, lifted_at
FROM cm.suppression WHERE practice_id = :practice AND (lifted_at IS NULL AND (expires_at IS NULL OR expires_at > :now)) = :live
"""
ONE = """
SELECT suppression_id, contact_id, reason, scope, channel, topic, campaign_types, campaign_id, note, applied_by, applied_at,
  expires_at, lifted_at
FROM cm.suppression WHERE practice_id = :practice AND suppression_id = :suppression
"""
LIVE = """
SELECT suppression_id, reason, scope, channel, topic, campaign_types, campaign_id, goal, note, applied_by, applied_at, expires_at
FROM cm.suppression WHERE practice_id = :practice AND contact_id = :contact AND lifted_at IS NULL
  AND (expires_at IS NULL OR expires_at > :now) ORDER BY applied_at
"""
